"""The ring that shows where and how large the brush is."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

LARGEST_KEPT = 160  # device pixels of radius; larger rings are drawn anew, or their pictures would be huge


def draw_tip(painter: QPainter, centre: tuple[float, float], radius: float, ratio: float, *, dashed: bool) -> None:
    """Draw the ring in device pixels.

    It follows every movement of the mouse, and stroking a smooth ellipse costs more than all else that is painted
    then; so the picture of a ring is kept.
    """
    x, y = centre
    if radius > LARGEST_KEPT:
        _draw_ring(painter, QPointF(x, y), radius, ratio, dashed=dashed)
        return
    picture = _ring(round(radius * 4), round(ratio * 100), dashed)
    middle = picture.width() / 2
    painter.drawImage(QPointF(round(x - middle), round(y - middle)), picture)


@lru_cache(maxsize=8)
def _ring(radius_quarters: int, ratio_percent: int, dashed: bool) -> QImage:
    radius, ratio = radius_quarters / 4, ratio_percent / 100
    side = 2 * math.ceil(radius + 2 * ratio)
    picture = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _draw_ring(painter, QPointF(side / 2, side / 2), radius, ratio, dashed=dashed)
    painter.end()
    return picture


def _draw_ring(painter: QPainter, centre: QPointF, radius: float, ratio: float, *, dashed: bool) -> None:
    """White on a dark rim, seen on any image; dashed when it takes away."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 2.5 * ratio))
    painter.drawEllipse(centre, radius, radius)
    pen = QPen(QColor("white"), 1.25 * ratio)
    if dashed:
        pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.drawEllipse(centre, radius, radius)
