"""A legend in words: how something is drawn, what that means, how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.canvas.items import Line
from gui.theme import Tokens, tokens

ROW, SIDE, SAMPLE, GAP = 22, 12, 30, 8


@dataclass(frozen=True, slots=True)
class LegendRow:
    """One line.

    Attributes:
        role: the theme's colour.
        line: pattern of the outline; ``Line.NONE`` for something that is only filled.
    """

    role: str
    line: Line
    words: str
    figure: str = ""


class Legend(QWidget):
    """Paints its rows; says them to who does not see them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[LegendRow, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rows(self) -> tuple[LegendRow, ...]:
        return self._rows

    def show_rows(self, rows: Sequence[LegendRow]) -> None:
        """Show these."""
        self._rows = tuple(rows)
        self.setAccessibleName("; ".join(f"{row.words} {row.figure}".strip() for row in rows))
        self.setVisible(bool(rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, ROW * len(self._rows) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = tokens(self.palette())
        for number, row in enumerate(self._rows):
            self._paint_row(painter, QRect(SIDE, 2 + number * ROW, self.width() - 2 * SIDE, ROW), row, theme)

    def _paint_row(self, painter: QPainter, area: QRect, row: LegendRow, theme: Tokens) -> None:
        _paint_sample(painter, QRectF(area.left() + 1, area.center().y() - 5, SAMPLE - 2, 11), row, theme)
        painter.setPen(theme.color("muted"))
        width = QFontMetrics(painter.font()).horizontalAdvance(row.figure)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.figure)
        painter.setPen(theme.color("text"))
        words = area.adjusted(SAMPLE + GAP, 0, -width - GAP, 0)
        fitting = QFontMetrics(painter.font()).elidedText(row.words, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, fitting)


def _paint_sample(painter: QPainter, area: QRectF, row: LegendRow, theme: Tokens) -> None:
    """The outline's pattern as a line, or the fill as a square."""
    if row.line is Line.NONE:
        square = QRectF(area.left() + 8, area.top(), 11, 11)
        painter.setPen(QPen(theme.color("muted"), 1))
        painter.setBrush(theme.color(row.role))
        painter.drawRoundedRect(square, 3, 3)
        return
    pen = QPen(theme.color(row.role), 2.5)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if row.line.value:
        pen.setDashPattern(list(row.line.value))
    painter.setPen(pen)
    painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
