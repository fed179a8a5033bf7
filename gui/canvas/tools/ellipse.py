"""Ellipse: the largest one in a dragged rectangle, as a mask."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QPainter

from engine.domain.geometry import ellipse_mask, ellipse_points
from engine.domain.mask import Mask
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.outline import Points, paint_outline
from gui.canvas.tools.rectangle import Rectangle


class Ellipse(Rectangle):
    """Drag from corner to corner of the rectangle around it; with Ctrl it is a circle."""

    name: ClassVar[str] = "ellipse"
    title: ClassVar[str] = "Ellipse"

    def hint(self) -> str:
        return "Ctrl+drag circle · release done · Esc cancel" if self.busy else super().hint()

    def move(self, at: Pointer) -> None:
        super().move(self._squared(at) if at.ctrl and self.points else at)

    def _squared(self, at: Pointer) -> Pointer:
        (x, y), side = self.points[0], max(abs(at.x - self.points[0][0]), abs(at.y - self.points[0][1]))
        return Pointer(x + (side if at.x >= x else -side), y + (side if at.y >= y else -side))

    def area(self, points: Points) -> Mask:
        return ellipse_mask((*points[0], *points[2]), self.annotation.height, self.annotation.width)

    def paint(self, painter: QPainter) -> None:
        if len(self.points) > 2:
            (x0, y0), (x1, y1) = self.points[0], self.points[2]
            curve = ellipse_points((x0 + x1) / 2, (y0 + y1) / 2, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
            paint_outline(painter, self.host.view, self.host.look, [(float(x), float(y)) for x, y in curve])
