"""Objects and predictions, drawn into device pixels: fills, outlines, boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from gui.canvas.items import Appearance, Emphasis, Item, Line
from gui.canvas.sprites import SpriteCache
from gui.canvas.viewport import BoxInt, Viewport

OUTLINE_REACH = 6  # device pixels (at 100 % scaling) an outline may stand out from its object
EXACT_FROM = 2.0  # from this scale on a pixel's edges can be told apart
HALO_COLOR = QColor(0, 0, 0, 130)


class Pass(Enum):
    """Objects are drawn in passes, so that nothing covers the outline of what is emphasised."""

    BODY = "fill, and the outline of what is not emphasised"
    HALO = "dark rim around emphasised outlines"
    LINE = "emphasised outlines"


def draw_items(
    painter: QPainter, items: Iterable[Item], view: Viewport, box: BoxInt, sprites: SpriteCache, look: Appearance
) -> None:
    """Draw what touches the device `box`: bodies in painting order, outlines of what is emphasised on top."""
    reach = math.ceil(OUTLINE_REACH * look.pixel_ratio)
    x0, y0, x1, y1 = box
    seen = view.image_box((x0 - reach, y0 - reach, x1 + reach, y1 + reach))
    near = [i for i in items if i.box[0] < seen[2] and seen[0] < i.box[2] and i.box[1] < seen[3] and seen[1] < i.box[3]]
    for item in near:
        _draw_item(painter, item, view, sprites, look, Pass.BODY)
    strong = [item for item in near if item.emphasis is Emphasis.STRONG]
    for part in (Pass.HALO, Pass.LINE):
        for item in strong:
            _draw_item(painter, item, view, sprites, look, part)


def _draw_item(
    painter: QPainter, item: Item, view: Viewport, sprites: SpriteCache, look: Appearance, part: Pass
) -> None:
    if item.mask is None:
        draw_box(painter, item, view, look, part)
        return
    exact = view.scale >= EXACT_FROM
    sprite = sprites.get(item.key, item.mask, item.color, level=view.level, seen=view.visible_at_level, exact=exact)
    place(painter, view, sprite.level, sprite.window[0], sprite.window[1])
    if part is Pass.BODY:
        painter.setOpacity(look.fill_of(item))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale < 1)
        painter.drawImage(QPointF(0, 0), sprite.fill)
        painter.setOpacity(1.0)
    draw_outline(painter, sprite.outline, item, look, part)
    painter.resetTransform()


def place(painter: QPainter, view: Viewport, level: int, x: float, y: float) -> None:
    """Let the painter's origin be pixel ``(x, y)`` of pyramid `level`, one unit one pixel of it."""
    scale = view.scale * 2**level
    painter.setTransform(QTransform(scale, 0, 0, scale, view.x + x * scale, view.y + y * scale))


def draw_box(painter: QPainter, item: Item, view: Viewport, look: Appearance, part: Pass) -> None:
    """An item that has only a box: lightly filled, outlined in device pixels."""
    x0, y0 = view.to_device(item.box[0], item.box[1])
    x1, y1 = view.to_device(item.box[2], item.box[3])
    rect = QRectF(x0, y0, x1 - x0, y1 - y0)
    if part is Pass.BODY:
        fill = QColor(item.color)
        fill.setAlphaF(look.fill_of(item) / 2.5)
        painter.fillRect(rect, fill)
    path = QPainterPath()
    path.addRect(rect)
    draw_outline(painter, path, item, look, part)


def draw_outline(painter: QPainter, path: QPainterPath, item: Item, look: Appearance, part: Pass) -> None:
    """Stroke `path` as the item deserves; lines are as wide at every zoom."""
    if item.line is Line.NONE or (part is Pass.BODY and item.emphasis is Emphasis.STRONG):
        return  # of what is emphasised, the outline comes later, on top
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(_pen(item, look, part))
    painter.drawPath(path)


def _pen(item: Item, look: Appearance, part: Pass) -> QPen:
    if part is Pass.HALO:
        pen = QPen(HALO_COLOR, 4.5 * look.pixel_ratio)
    elif part is Pass.LINE:
        own = item.dashed or item.line is not None  # predictions of a group differ in their class
        color = item.color if own else look.accent
        pen = QPen(color.lighter(115), 2.25 * look.pixel_ratio)
    else:
        color = QColor(item.color)
        color.setAlphaF(0.75 if item.emphasis is Emphasis.MUTED and not look.outline_only else 1.0)
        pen = QPen(color, 1.5 * look.pixel_ratio)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    line = item.line or (Line.DASHED if item.dashed else Line.SOLID)
    if line.value and part is not Pass.HALO:
        pen.setDashPattern(list(line.value))
    return pen
