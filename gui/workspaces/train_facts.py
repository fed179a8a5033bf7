"""What the data is like, in the Train room, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gui.models.preflight import Fact
from gui.widgets.basics import Card, Chip, ChipKind


class FactsCard(Card):
    """ "Before you start": what the data is like, and what stands in the way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Before you start", parent=parent)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)
        self._facts: tuple[Fact, ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self._facts

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show `facts`, one a line."""
        if tuple(facts) == self._facts:
            return
        self._facts = tuple(facts)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, fact in enumerate(self._facts):
            kinds: dict[str, ChipKind] = {"ok": "ok", "note": "warn", "stop": "bad"}
            text = QLabel(fact.text)
            text.setWordWrap(True)
            self._grid.addWidget(Chip(fact.kind, kinds[fact.kind]), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(text, row, 1)
