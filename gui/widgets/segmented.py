"""A switch of a few named segments, one of them on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QWidget


class Segmented(QFrame):
    """Segments beside each other; exactly one is on.

    Signals:
        chosen(str): a person picked the segment of that key.
    """

    chosen = Signal(str)

    def __init__(self, segments: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        """`segments` are ``(key, text)`` in order; the first is on."""
        super().__init__(parent)
        self.setProperty("role", "segmented")
        self._buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        for key, text in segments:
            button = QPushButton(text, self)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            button.setProperty("key", key)
            button.setAccessibleName(text)
            self._group.addButton(button)
            self._buttons[key] = button
            row.addWidget(button)
        self._group.buttonClicked.connect(self._clicked)
        if segments:
            self.set_current(segments[0][0])

    def current(self) -> str:
        """Key of the segment that is on."""
        checked = self._group.checkedButton()
        return str(checked.property("key")) if checked else ""

    def set_current(self, key: str) -> None:
        """Turn the segment `key` on without telling anyone."""
        self._buttons[key].setChecked(True)

    def button(self, key: str) -> QPushButton:
        """The button of a segment (for tool tips and tests)."""
        return self._buttons[key]

    def _clicked(self, button: QPushButton) -> None:
        self.chosen.emit(str(button.property("key")))
