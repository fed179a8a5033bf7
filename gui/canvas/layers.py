"""What the picture is composed of: the image, then objects and predictions, each drawn into device pixels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import Mask
from gui.canvas.pyramid import ImagePyramid
from gui.canvas.sprites import SpriteCache
from gui.canvas.viewport import BoxInt, Viewport
from gui.models.document import Document

OUTLINE_REACH = 6  # device pixels (at 100 % scaling) an outline may stand out from its object
EXACT_FROM = 2.0  # from this scale on a pixel's edges can be told apart
HALO = QColor(0, 0, 0, 130)


class Emphasis(Enum):
    """How much an item asks to be looked at."""

    MUTED = "muted"
    NORMAL = "normal"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Item:
    """Something with pixels or a box that lies over the image.

    Attributes:
        key: under which its sprite is cached.
        dashed: a prediction, nothing that anyone has confirmed.
    """

    key: Hashable
    mask: Mask | None
    box: BoxXYXY
    color: QColor
    emphasis: Emphasis
    dashed: bool = False


@dataclass(slots=True)
class Appearance:
    """How objects are drawn.

    Attributes:
        opacity: of the fill, in [0, 1].
        outline_only: no fill.
        hidden: neither fill nor outline.
        accent: outline of what is selected.
        pixel_ratio: device pixels per logical pixel; line widths follow it.
    """

    opacity: float = 0.45
    outline_only: bool = False
    hidden: bool = False
    accent: QColor = field(default_factory=lambda: QColor("#5aa9ff"))
    pixel_ratio: float = 1.0

    def fill_opacity(self, emphasis: Emphasis, *, staged: bool = False) -> float:
        """Of an object's fill, in [0, 1]; a staged prediction is fainter than what was confirmed."""
        if self.outline_only:
            return 0.0
        factor = {Emphasis.MUTED: 0.7, Emphasis.NORMAL: 1.0, Emphasis.STRONG: 1.35}[emphasis]
        return min(1.0, self.opacity * factor * (0.6 if staged else 1.0))


# --- which items there are ------------------------------------------------------------------------------------


def items_of(document: Document, lifted: frozenset[str]) -> Iterator[Item]:
    """Everything to draw, lowest first; `lifted` instances are left to the tool that moves or paints them."""
    yield from _instance_items(document, lifted)
    yield from _prediction_items(document)


def _instance_items(document: Document, lifted: frozenset[str]) -> Iterator[Item]:
    others = Emphasis.MUTED if document.selection or document.highlight else Emphasis.NORMAL
    for instance in document.annotation or ():
        if instance.id in lifted:
            continue
        emphasis = Emphasis.STRONG if instance.id in document.selection else others
        color = color_of(document, instance.category_id)
        yield Item(instance.id, instance.mask, instance.box_xyxy, color, emphasis)


def _prediction_items(document: Document) -> Iterator[Item]:
    others = Emphasis.MUTED if document.highlight else Emphasis.NORMAL
    for position, prediction in enumerate(document.predictions):
        emphasis = Emphasis.STRONG if prediction.id in document.highlight else others
        color = color_of(document, prediction.category_id)
        key = ("prediction", position)
        yield Item(key, prediction.mask, prediction.box_xyxy, color, emphasis, dashed=True)


def color_of(document: Document, category_id: int | None) -> QColor:
    """Colour of a category; grey for one that is unknown."""
    category = document.categories.get(category_id) if category_id is not None else None
    return QColor(category.color if category else "#999999")


# --- the image ------------------------------------------------------------------------------------------------


def draw_image(
    target: npt.NDArray[np.uint32], pyramid: ImagePyramid, view: Viewport, box: BoxInt, background: QColor
) -> None:
    """Fill the device `box` of `target` (H x W, 0xffRRGGBB) with the image, and `background` around it.

    Zoomed in, every image pixel is a sharp square; zoomed out, pixels of the nearest finer level are interpolated.
    """
    part = target[box[1] : box[3], box[0] : box[2]]
    part[:] = background.rgb()
    x0, x1 = _covered(view.x, view.image_width * view.scale, box[0], box[2])
    y0, y1 = _covered(view.y, view.image_height * view.scale, box[1], box[3])
    if x0 >= x1 or y0 >= y1:
        return
    draw = _nearest if view.scale >= 1 else _smooth
    target[y0:y1, x0:x1] = draw(pyramid, view, (x0, y0, x1, y1))


def _covered(start: float, length: float, low: int, high: int) -> tuple[int, int]:
    """Device pixels in ``low..high`` whose centre lies on the image along one axis."""
    return max(low, math.ceil(start - 0.5)), min(high, math.ceil(start + length - 0.5))


def _nearest(pyramid: ImagePyramid, view: Viewport, box: BoxInt) -> npt.NDArray[np.uint32]:
    image = pyramid.level(0)
    cols = _sampled(box[0], box[2], view.x, view.scale, image.shape[1])
    rows = _sampled(box[1], box[3], view.y, view.scale, image.shape[0])
    crop = _to_rgb32(image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1])
    sampled: npt.NDArray[np.uint32] = crop[rows - rows[0]][:, cols - cols[0]]
    return sampled


def _sampled(low: int, high: int, start: float, scale: float, size: int) -> npt.NDArray[np.intp]:
    index = np.floor((np.arange(low, high) + 0.5 - start) / scale).astype(np.intp)
    clipped: npt.NDArray[np.intp] = np.clip(index, 0, size - 1)
    return clipped


def _smooth(pyramid: ImagePyramid, view: Viewport, box: BoxInt) -> npt.NDArray[np.uint32]:
    image, scale = pyramid.level(view.level), view.scale * 2**view.level
    x0, y0 = (max(0, math.floor((d - o) / scale) - 1) for d, o in ((box[0], view.x), (box[1], view.y)))
    x1, y1 = (math.ceil((d - o) / scale) + 2 for d, o in ((box[2], view.x), (box[3], view.y)))
    crop = np.ascontiguousarray(image[y0:y1, x0:x1])
    # Device pixel centres to pixel indices of the crop.
    shift_x = (box[0] + 0.5 - view.x) / scale - 0.5 - x0
    shift_y = (box[1] + 0.5 - view.y) / scale - 0.5 - y0
    matrix = np.array([[1 / scale, 0, shift_x], [0, 1 / scale, shift_y]])
    size = (box[2] - box[0], box[3] - box[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return _to_rgb32(cv2.warpAffine(crop, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _to_rgb32(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    bgra = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)
    pixels: npt.NDArray[np.uint32] = bgra.view(np.uint32)[:, :, 0]
    return pixels


# --- objects --------------------------------------------------------------------------------------------------


def draw_items(
    painter: QPainter, items: Iterable[Item], view: Viewport, box: BoxInt, sprites: SpriteCache, look: Appearance
) -> None:
    """Draw what touches the device `box`: fills in painting order, outlines of what is emphasised on top."""
    reach = math.ceil(OUTLINE_REACH * look.pixel_ratio)
    x0, y0, x1, y1 = box
    seen = view.image_box((x0 - reach, y0 - reach, x1 + reach, y1 + reach))
    near = [i for i in items if i.box[0] < seen[2] and seen[0] < i.box[2] and i.box[1] < seen[3] and seen[1] < i.box[3]]
    for item in near:
        _draw_item(painter, item, view, sprites, look)
    for item in near:
        if item.emphasis is Emphasis.STRONG:
            _draw_item(painter, item, view, sprites, look, on_top=True)


def _draw_item(
    painter: QPainter, item: Item, view: Viewport, sprites: SpriteCache, look: Appearance, *, on_top: bool = False
) -> None:
    if item.mask is None:
        draw_box(painter, item, view, look, on_top=on_top)
        return
    exact = view.scale >= EXACT_FROM
    sprite = sprites.get(item.key, item.mask, item.color, level=view.level, seen=view.visible_at_level, exact=exact)
    place(painter, view, sprite.level, sprite.window[0], sprite.window[1])
    if not on_top:
        painter.setOpacity(look.fill_opacity(item.emphasis, staged=item.dashed))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale < 1)
        painter.drawImage(QPointF(0, 0), sprite.fill)
        painter.setOpacity(1.0)
    draw_outline(painter, sprite.outline, item, look, on_top=on_top)
    painter.resetTransform()


def place(painter: QPainter, view: Viewport, level: int, x: float, y: float) -> None:
    """Let the painter's origin be pixel ``(x, y)`` of pyramid `level`, one unit one pixel of it."""
    scale = view.scale * 2**level
    painter.setTransform(QTransform(scale, 0, 0, scale, view.x + x * scale, view.y + y * scale))


def draw_outline(painter: QPainter, path: QPainterPath, item: Item, look: Appearance, *, on_top: bool = False) -> None:
    """Stroke `path` as the item deserves; lines are as wide at every zoom."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in _pens(item, look, on_top):
        painter.setPen(pen)
        painter.drawPath(path)


def _pens(item: Item, look: Appearance, on_top: bool) -> list[QPen]:
    ratio = look.pixel_ratio
    if not on_top:
        color = QColor(item.color)
        color.setAlphaF(0.75 if item.emphasis is Emphasis.MUTED and not look.outline_only else 1.0)
        return [_pen(color, 1.5 * ratio, item.dashed)]
    front = item.color if item.dashed else look.accent
    return [_pen(HALO, 4.5 * ratio, False), _pen(front.lighter(115), 2.25 * ratio, item.dashed)]


def _pen(color: QColor, width: float, dashed: bool) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        pen.setDashPattern([4, 2.5])
    return pen


def draw_box(painter: QPainter, item: Item, view: Viewport, look: Appearance, *, on_top: bool = False) -> None:
    """An item that has only a box: lightly filled, outlined in device pixels."""
    x0, y0 = view.to_device(item.box[0], item.box[1])
    x1, y1 = view.to_device(item.box[2], item.box[3])
    rect = QRectF(x0, y0, x1 - x0, y1 - y0)
    if not on_top:
        fill = QColor(item.color)
        fill.setAlphaF(look.fill_opacity(item.emphasis, staged=item.dashed) / 2.5)
        painter.fillRect(rect, fill)
    path = QPainterPath()
    path.addRect(rect)
    draw_outline(painter, path, item, look, on_top=on_top)
