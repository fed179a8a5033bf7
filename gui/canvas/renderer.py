"""The finished picture of image and objects, kept from one paint to the next; only what changed is drawn again."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from engine.domain.annotation import BoxXYXY
from gui.canvas.image_layer import draw_image
from gui.canvas.item_layer import OUTLINE_REACH, draw_items
from gui.canvas.items import Appearance, Item, items_of
from gui.canvas.pyramid import ImagePyramid, LevelPart
from gui.canvas.sprites import SpriteCache, pixels_of
from gui.canvas.viewport import BoxInt, Viewport
from gui.models.document import NO_IMAGE, Document


class Renderer:
    """Draws a document into a picture of device pixels.

    Attributes:
        look: how objects are drawn; call :meth:`invalidate` after changing it.
        background: around the image.
        lifted: instances left out, because a tool draws them itself for the moment.
        instead: drawn in place of the document's objects and predictions, None for these.
    """

    def __init__(self, document: Document) -> None:
        self.look = Appearance()
        self.background = QColor("#0e0f11")
        self.lifted: frozenset[str] = frozenset()
        self.instead: tuple[Item, ...] | None = None
        self.sprites = SpriteCache()
        self._document = document
        self._pyramid = ImagePyramid(NO_IMAGE)
        self._view = Viewport()
        self._picture = QImage(1, 1, QImage.Format.Format_RGB32)
        self._stale = QRegion(0, 0, 1, 1)

    @property
    def view(self) -> Viewport:
        return self._view

    def seen_pixels(self) -> LevelPart:
        """The image's pixels on screen, of the level they are drawn from: as many as the screen has, not the image."""
        view = self._view
        x0, y0, x1, y1 = view.visible_at_level
        return LevelPart(self._pyramid.level(view.level)[y0:y1, x0:x1], view.level, x0, y0)

    def show_image(self) -> None:
        """Take over the document's image."""
        self._pyramid = ImagePyramid(self._document.image)
        self.sprites.clear()
        self.lifted = frozenset()
        self.invalidate()

    def set_view(self, view: Viewport) -> None:
        """Look elsewhere; a pan by whole device pixels reuses what is there."""
        old, self._view = self._view, view
        if (view.width, view.height) != (self._picture.width(), self._picture.height()):
            self._picture = QImage(view.width, view.height, QImage.Format.Format_RGB32)
            self.invalidate()
        elif view != old:
            dx, dy = view.x - old.x, view.y - old.y
            same = view.scale == old.scale and view.image_width == old.image_width
            if same and dx == round(dx) and dy == round(dy):
                self._scroll(round(dx), round(dy))
            else:
                self.invalidate()

    def invalidate(self, boxes: Iterable[BoxXYXY] | None = None) -> None:
        """Draw again what lies in these image boxes, or everything."""
        whole = QRect(0, 0, self._view.width, self._view.height)
        if boxes is None:
            self._stale = QRegion(whole)
            return
        reach = math.ceil(OUTLINE_REACH * self.look.pixel_ratio)
        for box in boxes:
            x0, y0, x1, y1 = self._view.device_box(box, reach)
            if x1 > x0 and y1 > y0:
                self._stale += QRect(x0, y0, x1 - x0, y1 - y0)

    def picture(self) -> QImage:
        """The current picture, device pixels."""
        stale, self._stale = self._stale, QRegion()
        few = stale.rectCount() <= 8
        rects: Iterable[QRect] = stale if few else [stale.boundingRect()]  # type: ignore[assignment]  # it iterates
        for rect in rects:
            self._draw((rect.left(), rect.top(), rect.right() + 1, rect.bottom() + 1))
        return self._picture

    def _draw(self, box: BoxInt) -> None:
        draw_image(pixels_of(self._picture), self._pyramid, self._view, box, self.background)
        if self.look.hidden or not self._document.is_open:
            return
        painter = QPainter(self._picture)
        painter.setClipRect(QRect(box[0], box[1], box[2] - box[0], box[3] - box[1]))
        items = items_of(self._document, self.lifted) if self.instead is None else self.instead
        draw_items(painter, items, self._view, box, self.sprites, self.look)
        painter.end()

    def _scroll(self, dx: int, dy: int) -> None:
        width, height = self._view.width, self._view.height
        kept = QRect(0, 0, width, height) & QRect(dx, dy, width, height)
        whole = QRegion(0, 0, width, height)
        if kept.isEmpty():
            self._stale = whole
            return
        pixels = pixels_of(self._picture)
        x0, y0, x1, y1 = kept.left(), kept.top(), kept.right() + 1, kept.bottom() + 1
        pixels[y0:y1, x0:x1] = np.array(pixels[y0 - dy : y1 - dy, x0 - dx : x1 - dx])
        self._stale = (self._stale.translated(dx, dy) & whole) + (whole - QRegion(kept))
