"""The log of a run, in the Train room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.widgets.basics import Card

MAX_LOG_LINES = 3000


class LogCard(Card):
    """What the run said, in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log", parent=parent)
        self._text = QPlainTextEdit(readOnly=True)
        self._text.setMaximumBlockCount(MAX_LOG_LINES)
        self._text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self._text.setMinimumHeight(80)
        self._text.setAccessibleName("Log of the training")
        self._text.setPlaceholderText("What the training tells appears here.")
        self._text.setStyleSheet("QPlainTextEdit { border: none; }")
        self.body.addWidget(self._text)

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show these lines from the end."""
        self._text.setPlainText("\n".join(lines[-MAX_LOG_LINES:]))
        self._to_end()

    def add_line(self, line: str) -> None:
        """One more line; stays at the end when it was there."""
        bar = self._text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        self._text.appendPlainText(line)
        if at_end:
            self._to_end()

    def text(self) -> str:
        """All lines shown."""
        return self._text.toPlainText()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._to_end()

    def _to_end(self) -> None:
        bar = self._text.verticalScrollBar()
        bar.setValue(bar.maximum())
