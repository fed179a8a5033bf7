"""Wand: a click takes the connected pixels like the one clicked on; dragging sets how much they may differ."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from engine.domain.mask import Mask
from engine.domain.similar import connected, enlarged
from gui.canvas.item_layer import place
from gui.canvas.items import color_of
from gui.canvas.pyramid import LevelPart
from gui.canvas.sprites import make_fill
from gui.canvas.tool_settings import MAX_TOLERANCE
from gui.canvas.tools.area import MODIFIER_HINT, AreaTool, Combine
from gui.canvas.tools.base import Pointer, ToolHost

PER_STEP = 2.0  # logical pixels of movement that change the tolerance by one
PREVIEW_OPACITY = 0.6


class Wand(AreaTool):
    """Drag right to take more, left to take less.

    It looks at what is on screen, at the resolution of the screen: zoomed out it is as quick as zoomed in, and it takes
    blocks of image pixels that the screen shows as one.
    """

    name: ClassVar[str] = "wand"
    title: ClassVar[str] = "Wand"
    needs_class: ClassVar[bool] = True

    _start: Pointer | None = None

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._seen = LevelPart(np.zeros((0, 0, 3), np.uint8), 0, 0, 0)
        self._tolerance = 0
        self._seed = (0, 0)
        self._fill = QImage()
        self._found: npt.NDArray[np.bool_] = np.zeros((0, 0), bool)

    @property
    def busy(self) -> bool:
        return self._start is not None

    def hint(self) -> str:
        if self.busy:
            return f"drag right more, left less · tolerance {self._tolerance} · release done · Esc cancel"
        return f"click pixels of a new {self.category_name()} · drag tolerance · {MODIFIER_HINT}"

    def press(self, at: Pointer) -> None:
        seen = self.host.seen_pixels()
        x, y = (v // 2**seen.level - start for v, start in zip(at.pixel, (seen.x, seen.y), strict=True))
        if not (0 <= x < seen.pixels.shape[1] and 0 <= y < seen.pixels.shape[0]):
            self.host.notice("Click on the image")
        elif self.choose(at):
            self._start, self._seen, self._seed = at, seen, (x, y)
            self._look(self.host.settings.tolerance)

    def _look(self, tolerance: int) -> None:
        self._tolerance = tolerance
        self._found = connected(self._seen.pixels, *self._seed, tolerance)
        self._fill = make_fill(self._found, color_of(self.document, self._category_id()))
        self.host.redraw()
        self.host.hint_changed_now()

    def _category_id(self) -> int | None:
        """Class of what the pixels go to or are taken from."""
        current = self.document.current
        return self.document.active_category_id if self.combine is Combine.NEW or not current else current.category_id

    def move(self, at: Pointer) -> None:
        if self._start is None:
            return
        moved = (at.x - self._start.x) * self.host.view.scale / self.host.look.pixel_ratio
        tolerance = min(max(self.host.settings.tolerance + int(moved / PER_STEP), 0), MAX_TOLERANCE)
        if tolerance != self._tolerance:
            self._look(tolerance)

    def release(self, at: Pointer) -> None:
        if self._start is None:
            return
        self.move(at)
        start, area = self._start, self._area()
        self.host.settings.tolerance = self._tolerance
        self.cancel()
        self.conclude(area, start)

    def _area(self) -> Mask:
        seen, annotation = self._seen, self.annotation
        return enlarged(self._found, seen.x, seen.y, 2**seen.level, annotation.height, annotation.width)

    def cancel(self) -> None:
        if self._start is not None:
            self._start, self._found = None, np.zeros((0, 0), bool)
            self.host.redraw()
            self.host.hint_changed_now()

    def paint(self, painter: QPainter) -> None:
        if self._start is None:
            return
        place(painter, self.host.view, self._seen.level, self._seen.x, self._seen.y)
        painter.setOpacity(PREVIEW_OPACITY)
        painter.drawImage(QPointF(0, 0), self._fill)
        painter.setOpacity(1.0)
        painter.resetTransform()
