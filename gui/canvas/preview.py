"""A stroke in progress, drawn as the object will look once the stroke is done."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import BoxInt, Mask
from gui.canvas.item_layer import EXACT_FROM, OUTLINE_REACH, Pass, draw_outline, place
from gui.canvas.items import Appearance, Emphasis, Item
from gui.canvas.outlines import centre_contours, edge_contours, to_path
from gui.canvas.pyramid import MaskPyramid
from gui.canvas.sprites import EDGE, argb, make_fill, pixels_of
from gui.canvas.viewport import Viewport


class StrokePreview:
    """The object under a stroke, kept as pixels of the pyramid level on screen.

    Each new part of the stroke touches only its own box of the pixels, so cost follows the movement of the mouse, not
    the size of image, object or stroke.  What is shown is exactly ``mask | stroke`` or ``mask - stroke``.
    """

    def __init__(self, mask: Mask, color: QColor, *, subtract: bool) -> None:
        """`mask` is the object before the stroke; empty for a new one."""
        self._mask, self._color, self._subtract = mask, color, subtract
        self._stroke = Mask.empty(*mask.shape)
        self._view: Viewport | None = None

    @property
    def stroke(self) -> Mask:
        """Everything painted so far."""
        return self._stroke

    @property
    def result(self) -> Mask:
        """The object after the stroke."""
        return self._mask - self._stroke if self._subtract else self._mask | self._stroke

    def extend(self, part: Mask) -> BoxXYXY:
        """Add `part` to the stroke; gives the image box that has to be drawn again."""
        self._stroke = self._stroke | part
        if self._view is not None:
            self._apply(part)
        x0, y0, x1, y1 = part.box
        return (float(x0), float(y0), float(x1), float(y1))

    def paint(self, painter: QPainter, view: Viewport, look: Appearance) -> None:
        """Draw the object in device coordinates, only where the painter's clip lets it be seen."""
        if view != self._view:
            self._look_at(view)
        place(painter, view, view.level, *self._window[:2])
        x0, y0, x1, y1 = self._clipped(painter, view, look)
        if x1 > x0 and y1 > y0:
            painter.setOpacity(look.fill_opacity(Emphasis.STRONG))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale < 1)
            painter.drawImage(QPointF(0, 0), self._fill)  # whole: a part of it would be sampled at other places
            painter.setOpacity(1.0)
            self._outline(painter, view, look, (x0, y0, x1, y1))
        painter.resetTransform()

    def _clipped(self, painter: QPainter, view: Viewport, look: Appearance) -> BoxInt:
        """The part of the window that is drawn now, with so much air that its cut edges stay out of sight."""
        clip, (height, width) = painter.clipBoundingRect(), self._pixels.shape
        air = math.ceil(OUTLINE_REACH * look.pixel_ratio / (view.scale * 2**view.level)) + 1
        return _intersection(
            (
                math.floor(clip.left()) - air,
                math.floor(clip.top()) - air,
                math.ceil(clip.right()) + air,
                math.ceil(clip.bottom()) + air,
            ),
            (0, 0, width, height),
        )

    def _outline(self, painter: QPainter, view: Viewport, look: Appearance, part: BoxInt) -> None:
        x0, y0, x1, y1 = part
        pixels = self._pixels[y0:y1, x0:x1]
        # Not thinned: what lies beside `part` was drawn from other pixels, and the lines must meet.
        contours = edge_contours(pixels) if view.scale >= EXACT_FROM else centre_contours(pixels, thinned=False)
        painter.translate(x0, y0)
        item = Item("stroke", None, (0, 0, 0, 0), self._color, Emphasis.NORMAL)
        draw_outline(painter, to_path(contours), item, look, Pass.BODY)

    def _look_at(self, view: Viewport) -> None:
        x0, y0, x1, y1 = view.visible_at_level
        self._view, self._window = view, (x0 - EDGE, y0 - EDGE, x1 + EDGE, y1 + EDGE)
        self._pixels = MaskPyramid(self.result).decode(view.level, self._window)
        self._fill = make_fill(self._pixels, self._color)

    def _apply(self, part: Mask) -> None:
        assert self._view is not None
        level = self._view.level
        pyramid = MaskPyramid(part)
        x0, y0, x1, y1 = box = _intersection(pyramid.box(level), self._window)
        if x0 >= x1 or y0 >= y1:
            return
        left, top = self._window[:2]
        rows, cols = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        if self._subtract and level:
            # Pooling does not commute with taking away: a coarse pixel stays while any pixel under it does.
            self._pixels[rows, cols] = self._remaining(box, level)
        elif self._subtract:
            self._pixels[rows, cols] &= ~pyramid.decode(0, box)
        else:
            self._pixels[rows, cols] |= pyramid.decode(level, box)
        pixels_of(self._fill)[rows, cols] = self._pixels[rows, cols] * argb(self._color)

    def _remaining(self, box: BoxInt, level: int) -> npt.NDArray[np.bool_]:
        height, width = self._mask.shape
        size = 2**level
        x0, y0, x1, y1 = box[0] * size, box[1] * size, min(box[2] * size, width), min(box[3] * size, height)
        crop = (x0, y0, x1, y1)
        left = self._mask.cropped(crop) - self._stroke.cropped(crop)
        return MaskPyramid(left).decode(level, (0, 0, box[2] - box[0], box[3] - box[1]))


def _intersection(a: BoxInt, b: BoxInt) -> BoxInt:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
