"""Outlines drawn by hand: what lasso, polygon, rectangle and hole cutting have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from engine.domain.geometry import polygon_mask
from engine.domain.mask import Mask
from gui.canvas.items import Appearance
from gui.canvas.tools.area import AreaTool
from gui.canvas.tools.base import Pointer, ToolHost
from gui.canvas.viewport import Viewport

Points = Sequence[tuple[float, float]]
CLOSE_REACH = 8  # logical pixels around the first vertex that count as a click on it


class OutlineTool(AreaTool):
    """A tool whose gesture collects points and ends in the area they enclose.

    Attributes:
        points: the outline so far, image pixels.
    """

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self.points: list[tuple[float, float]] = []
        self._free: tuple[float, float] | None = None  # end of the rubber band

    @property
    def busy(self) -> bool:
        return bool(self.points)

    def begin(self, at: Pointer) -> bool:
        """Start an outline at the pointer; False (with a notice) when it could lead to nothing."""
        if not self.choose(at):
            return False
        self.points = [at.xy]
        self.host.hint_changed_now()
        return True

    def finish(self) -> None:
        """Turn the outline into an edit."""
        points, first = self.points, Pointer(*self.points[0])
        self.cancel()
        self.conclude(self.area(points), first)

    def area(self, points: Points) -> Mask:
        """Pixels enclosed by `points`."""
        return polygon_mask(points, self.annotation.height, self.annotation.width)

    def cancel(self) -> None:
        if self.points:
            self.points, self._free = [], None
            self.host.redraw()
            self.host.hint_changed_now()

    def near_first(self, at: Pointer) -> bool:
        """Whether the pointer is on the first vertex of an outline that can be closed."""
        if len(self.points) < 3:
            return False
        reach = CLOSE_REACH * self.host.look.pixel_ratio / self.host.view.scale
        return math.dist(at.xy, self.points[0]) <= reach

    def paint(self, painter: QPainter) -> None:
        if self.points:
            shown = [*self.points, self._free] if self._free is not None else self.points
            paint_outline(painter, self.host.view, self.host.look, shown)


def paint_outline(
    painter: QPainter, view: Viewport, look: Appearance, points: Points, *, vertices: Points = ()
) -> None:
    """Dashed white line on a dark one, readable on every picture; `vertices` get handles, the first a larger one."""
    ratio = look.pixel_ratio
    shape = QPolygonF([QPointF(*view.to_device(*p)) for p in points])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 34))
    painter.drawPolygon(shape)
    if len(points) > 2:  # the side that closing would add
        painter.setPen(QPen(QColor(255, 255, 255, 110), ratio))
        painter.drawLine(shape.last(), shape.first())
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 170), 3 * ratio))
    painter.drawPolyline(shape)
    pen = QPen(QColor("white"), 1.5 * ratio)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.drawPolyline(shape)
    painter.setPen(QPen(QColor(0, 0, 0, 200), ratio))
    painter.setBrush(QColor("white"))
    for number, vertex in enumerate(vertices):
        radius = (4.5 if number == 0 else 3) * ratio
        painter.drawEllipse(QPointF(*view.to_device(*vertex)), radius, radius)
