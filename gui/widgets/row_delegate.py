"""Paints the rows of the right column: key cap, coloured square, words, muted detail, chip."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.models.instance_list import RowRole
from gui.theme import SMALL_PX, Tokens, tokens

ROW_HEIGHT = 28
MARGIN, GAP = 12, 8
Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """One line per row, laid out from both ends so that the words get what is left."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t = tokens(option.palette)
        rect: QRect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected or index.data(RowRole.ACTIVE):
            painter.fillRect(rect, t.color("accent", 18))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, t.color("text", 5))
        left = self._left(painter, rect, index, t)
        right = self._right(painter, rect, index, t)
        painter.setPen(t.color("muted" if index.data(RowRole.CHIP_KIND) == "muted" else "text"))
        words = QFontMetrics(painter.font()).elidedText(
            str(index.data() or ""), Qt.TextElideMode.ElideRight, right - left - GAP
        )
        painter.drawText(QRect(left, rect.top(), right - left, rect.height()), Qt.AlignmentFlag.AlignVCenter, words)
        painter.restore()

    def _left(self, painter: QPainter, rect: QRect, index: Index, t: Tokens) -> int:
        left = rect.left() + MARGIN
        if key := index.data(RowRole.KEY):
            left = draw_key(painter, left, rect.center().y() + 1, str(key), t) + GAP
        elif getattr(index.model(), "has_keys", False):
            left += 18 + GAP
        if color := index.data(RowRole.COLOR):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            painter.drawRoundedRect(QRectF(left, rect.center().y() - 5, 11, 11), 3, 3)
            left += 11 + GAP
        return left

    def _right(self, painter: QPainter, rect: QRect, index: Index, t: Tokens) -> int:
        right = rect.right() - MARGIN
        if chip := index.data(RowRole.CHIP):
            right = draw_chip(painter, right, rect.center().y() + 1, str(chip), str(index.data(RowRole.CHIP_KIND)), t)
            right -= GAP
        if detail := index.data(RowRole.DETAIL):
            width = QFontMetrics(painter.font()).horizontalAdvance(str(detail))
            painter.setPen(t.color("muted"))
            area = QRect(right - width, rect.top(), width + 1, rect.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(detail))
            right -= width + GAP
        return right


def small_font(base: QFont, *, mono: bool = False) -> QFont:
    """The 11 px font of chips and keys."""
    font = QFont(base)
    if mono:
        font.setFamilies(["DejaVu Sans Mono", "Menlo", "Consolas", "monospace"])
    font.setPixelSize(SMALL_PX)
    return font


def draw_key(painter: QPainter, left: int, middle: int, text: str, t: Tokens) -> int:
    """A key cap whose left edge is `left`; returns its right edge."""
    painter.save()
    painter.setFont(small_font(painter.font(), mono=True))
    width = max(18, QFontMetrics(painter.font()).horizontalAdvance(text) + 10)
    cap = QRectF(left + 0.5, middle - 8.5, width - 1, 16)
    painter.setBrush(t.color("panel2"))
    painter.setPen(QPen(t.color("line"), 1))
    painter.drawRoundedRect(cap, 4, 4)
    painter.drawLine(int(cap.left()) + 3, int(cap.bottom()) - 1, int(cap.right()) - 3, int(cap.bottom()) - 1)
    painter.setPen(t.color("text"))
    painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return left + width


def draw_chip(painter: QPainter, right: int, middle: int, text: str, kind: str, t: Tokens) -> int:
    """A chip whose right edge is `right`; returns its left edge."""
    painter.save()
    painter.setFont(small_font(painter.font()))
    width = QFontMetrics(painter.font()).horizontalAdvance(text) + 16
    area = QRectF(right - width, middle - 9, width, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.color(kind, 20) if kind else t.color("panel2"))
    painter.drawRoundedRect(area, 9, 9)
    painter.setPen(t.color(kind or "muted"))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return right - width
