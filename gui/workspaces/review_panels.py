"""The right column of the Review room: the queue, the object in question, progress."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.instance_list import ListRow, RowModel, RowRole
from gui.models.review_queue import ReviewQueue
from gui.theme import tokens
from gui.widgets.basics import Muted, SectionHead
from gui.widgets.panels import RowView
from gui.widgets.row_delegate import GAP, MARGIN, draw_chip
from gui.workspaces.review_filter_panel import FilterPanel
from gui.workspaces.review_truth_panel import TruthPanel

Index = QModelIndex | QPersistentModelIndex
COLUMN_WIDTH = 306
QUEUE_ROW = 46
CHOICE_ROW = 28
FEWEST_ROWS = 4  # the verdicts; in a low window the rest is scrolled to
DETAIL_PX = 12
NO_QUEUE = "What the network predicts is listed here: one object with two classes first, then what is new."
NOTHING_LISTED = "Nothing in the queue meets the filter."


class QueueDelegate(QStyledItemDelegate):
    """Two lines a row: what it is, and below it why it is here; the chip at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, QUEUE_ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t = tokens(option.palette)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, t.color("accent", 18))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, t.color("text", 5))
        chip, kind = str(index.data(RowRole.CHIP) or ""), str(index.data(RowRole.CHIP_KIND) or "")
        right = rect.right() - MARGIN
        if chip:
            right = draw_chip(painter, right, rect.center().y() + 1, chip, kind, t) - GAP
        left, settled = rect.left() + MARGIN, kind == "ok"
        lines = ((str(index.data() or ""), "muted" if settled else "text"), (str(index.data(RowRole.DETAIL)), "muted"))
        for number, (words, role) in enumerate(lines):
            area = QRect(left, rect.top() + 5 + 18 * number, right - left, 18)
            painter.setPen(t.color(role))
            if number:
                font = painter.font()
                font.setPixelSize(DETAIL_PX)
                painter.setFont(font)
            fitting = QFontMetrics(painter.font()).elidedText(words, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, fitting)
        painter.restore()


class QueueView(RowView):
    """The queue.

    Signals:
        picked(str): a person wants to see the item of that key.
    """

    picked = Signal(str)

    def __init__(self, queue: ReviewQueue, parent: QWidget | None = None) -> None:
        super().__init__(queue, "Review queue", NO_QUEUE, parent)
        self.setItemDelegate(QueueDelegate(self))
        self._silent = False
        self.selectionModel().currentChanged.connect(self._current_changed)

    def show_current(self, key: str) -> None:
        """Mark the item of that key without telling."""
        row = self.model().row_of(key)  # type: ignore[attr-defined]
        self._silent = True
        if row >= 0:
            self.setCurrentIndex(self.model().index(row, 0))
            self.scrollTo(self.currentIndex())
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        self._silent = False

    def _current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if not self._silent and index.isValid():
            self.picked.emit(str(index.data(RowRole.ID)))


class ChoiceView(RowView):
    """What can be said about the object in question; a click says it, as the key does.

    Signals:
        chosen(str): the id of a row.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.choices = RowModel()
        super().__init__(self.choices, "This object", "Choose something in the queue.", parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(RowView.SelectionMode.NoSelection)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.clicked.connect(self._clicked)
        self.show_rows([])

    def show_rows(self, rows: list[ListRow]) -> None:
        """Offer these."""
        self.choices.set_rows(rows)
        self.setMinimumHeight(min(self._height(), FEWEST_ROWS * CHOICE_ROW + 4))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(COLUMN_WIDTH, self._height())

    def _height(self) -> int:
        return max(2, len(self.choices.rows())) * CHOICE_ROW + 4

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(str(index.data(RowRole.ID)))


class ReviewColumn(QWidget):
    """Queue with its filter above, the object in question (or the comparison with the labels) below, then progress."""

    def __init__(self, queue: ReviewQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "panel")
        self.setFixedWidth(COLUMN_WIDTH)
        self._queue = queue
        self.head = SectionHead("Queue")
        self.filter = FilterPanel(queue)
        self.filter_button = self.head.add_button("filter-variant", "Filter the queue (Ctrl+F)")
        self.filter_button.setCheckable(True)
        self.filter_button.toggled.connect(self.filter.unfold)
        self.view = QueueView(queue)
        self.truth = TruthPanel()
        self.truth.hide()
        self.choices = ChoiceView()
        self.reason = Muted(wrap=True)
        self.habit = Muted(wrap=True)
        self.bar = QProgressBar(maximum=1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Part of the queue that is settled")
        self.percent = Muted()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.filter)
        column.addWidget(self.view, 1)
        self.one = QWidget()
        one = QVBoxLayout(self.one)
        one.setContentsMargins(0, 0, 0, 0)
        one.setSpacing(0)
        one.addWidget(SectionHead("This object"))
        one.addWidget(self.choices)
        for label in (self.reason, self.habit):
            label.setContentsMargins(12, 4, 12, 2)
            one.addWidget(label)
        column.addWidget(self.one)
        column.addWidget(self.truth)
        column.addWidget(SectionHead("Progress"))
        row = QHBoxLayout()
        row.setContentsMargins(12, 2, 12, 2)
        row.addWidget(self.bar, 1)
        row.addWidget(self.percent)
        column.addLayout(row)
        queue.counted.connect(self.refresh)
        self.explain("", "")
        self.refresh()

    def refresh(self) -> None:
        """Counts and progress."""
        self.view.empty_label.setText(NOTHING_LISTED if self._queue.total else NO_QUEUE)
        groups = self._queue.open_groups
        words = f"{groups} one-object group{'' if groups == 1 else 's'}" if groups else ""
        self.head.set_count(words, "warn")
        self.bar.setValue(round(1000 * self._queue.progress))
        self.percent.setText(f"{round(100 * self._queue.progress)}%")

    def search(self) -> None:
        """Let a person type what is to be listed."""
        self.filter_button.setChecked(True)
        self.filter.unfold()

    def show_truth(self, on: bool) -> None:
        """What annotations and predictions make of each other, in place of what can be said about the object."""
        self.truth.setVisible(on)
        self.one.setVisible(not on)

    def explain(self, reason: str, habit: str) -> None:
        """Why the object is here, and what was done with such ones before."""
        for label, text in ((self.reason, reason), (self.habit, habit)):
            label.setText(text)
            label.setVisible(bool(text))
