"""Which lines of the queue are listed: fields to choose from, and what was chosen in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from engine.domain.annotation import Category, Split
from gui.models.review_filter import SPLIT_NAMES, ItemKind, ItemState, QueueFilter
from gui.models.review_queue import ReviewQueue
from gui.widgets.basics import Muted

E = TypeVar("E", bound=StrEnum)


class FilterPanel(QWidget):
    """Fields that can be folded away, and below them what is asked for and a button that clears it.

    The queue keeps what was chosen; the fields follow it.
    """

    def __init__(self, queue: ReviewQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._names: dict[int, str] = {}
        self._make()
        self._lay_out()
        self.text.textChanged.connect(self._chosen)
        for combo in (self.category, self.split, self.kind, self.state):
            combo.activated.connect(self._chosen)
        self.clear.clicked.connect(self.clear_all)
        queue.counted.connect(self.refresh)
        self.fields.hide()
        self.refresh()

    def _make(self) -> None:
        self.text = QLineEdit()
        self.text.setPlaceholderText("Image name")
        self.text.setClearButtonEnabled(True)
        self.text.setAccessibleName("Part of the image's name")
        self.category = _combo("Class", "any class", ())
        self.split = _combo("Split", "any split", [(SPLIT_NAMES[s], s) for s in Split])
        self.kind = _combo("Kind", "any kind", [(k.value, k) for k in ItemKind])
        self.state = _combo("State", "any state", [(s.value, s) for s in ItemState])
        self.said = Muted(wrap=True)
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("List everything again")

    def _lay_out(self) -> None:
        self.fields, self.line = QWidget(), QWidget()
        grid = QGridLayout(self.fields)
        grid.setContentsMargins(12, 0, 12, 6)
        grid.setSpacing(6)
        grid.addWidget(self.text, 0, 0, 1, 2)
        for number, combo in enumerate((self.category, self.split, self.kind, self.state)):
            grid.addWidget(combo, 1 + number // 2, number % 2)
        row = QHBoxLayout(self.line)
        row.setContentsMargins(12, 0, 12, 6)
        row.addWidget(self.said, 1)
        row.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.fields)
        column.addWidget(self.line)

    def unfold(self, on: bool = True) -> None:
        """Show the fields, the cursor in the name's; or fold them away (the filter stays)."""
        self.fields.setVisible(on)
        if on:
            self.text.setFocus()
            self.text.selectAll()

    def show_categories(self, categories: Mapping[int, Category]) -> None:
        """Offer these classes; a filter on one that is gone is taken away."""
        names = {c.id: c.name for c in categories.values()}
        if names == self._names:
            return
        self._names = names
        _fill(self.category, "any class", [(name, id) for id, name in names.items()])
        if self._queue.filter.category_id not in (None, *names):
            self.clear_all()
        self.refresh()

    def clear_all(self) -> None:
        """Ask for nothing."""
        self._queue.set_filter(QueueFilter())
        self.refresh()

    def refresh(self) -> None:
        """Show what the queue is filtered by, and how much is left."""
        wanted, queue = self._queue.filter, self._queue
        if self.text.text() != wanted.text:
            self.text.setText(wanted.text)
        for combo, value in (
            (self.category, wanted.category_id), (self.split, wanted.split), (self.kind, wanted.kind),
            (self.state, wanted.state),
        ):  # fmt: skip
            combo.setCurrentIndex(max(0, combo.findData(value)) if value is not None else 0)
        words = wanted.words(lambda id: self._names.get(id, "class"))
        self.said.setText(f"{words}: {len(queue.items)} of {queue.total}")
        self.line.setVisible(wanted.asks)

    def _chosen(self, _what: object = None) -> None:
        self._queue.set_filter(
            QueueFilter(
                category_id=self.category.currentData(),
                split=_as(Split, self.split),
                kind=_as(ItemKind, self.kind),
                state=_as(ItemState, self.state),
                text=self.text.text(),
            )
        )


def _as(kind: type[E], combo: QComboBox) -> E | None:
    """Qt gives an enum's value back as a plain string."""
    value = combo.currentData()
    return kind(value) if value is not None else None


def _combo(title: str, anything: str, choices: Iterable[tuple[str, object]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(f"{title} listed")
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(6)
    _fill(combo, anything, choices)
    return combo


def _fill(combo: QComboBox, anything: str, choices: Iterable[tuple[str, object]]) -> None:
    combo.clear()
    combo.addItem(anything, None)
    for title, value in choices:
        combo.addItem(title, value)
