"""The bar at the top of the Train room: data, weights, classes, device and preset in a line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.widgets.basics import Muted

_LEFT = ("Data", "Starts from", "Classes", "Runs on")
_RIGHT = ("Preset",)


class TrainBar(QWidget):
    """Titles with a value each; :meth:`show_value` fills one in."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bar")
        self.setFixedHeight(36)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 0, 12, 0)
        self._row.setSpacing(6)
        self._values: dict[str, QLabel] = {}
        for title in _LEFT:
            self._add(title)
            self._row.addSpacing(12)
        self._row.addStretch(1)
        for title in _RIGHT:
            self._add(title)

    def value(self, title: str) -> str:
        """What is shown beside `title`."""
        return self._values[title].text()

    def show_value(self, title: str, value: str) -> None:
        """Show `value` beside `title`."""
        self._values[title].setText(value)

    def _add(self, title: str) -> None:
        self._values[title] = QLabel()
        self._row.addWidget(Muted(title))
        self._row.addWidget(self._values[title])
