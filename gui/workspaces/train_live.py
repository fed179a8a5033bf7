"""The numbers of the running step, in the Train room; each explains itself under the mouse."""

from __future__ import annotations

from html import escape

from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from gui.models.live_numbers import NUMBERS, WINDOW, LiveNumber
from gui.models.run_log import RunLog
from gui.theme import SMALL_PX
from gui.widgets.basics import Card, Heading, Muted

_COLUMNS = 3


class NumberTile(QWidget):
    """One number with its title above; the tooltip says what it means and what is healthy."""

    def __init__(self, number: LiveNumber, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.value = Heading("–")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(_small(Muted(number.title)))
        column.addWidget(self.value)
        self.setToolTip(f"<p>{escape(number.meaning)}</p><p>{escape(number.healthy)}</p>")
        self.setAccessibleName(number.title)
        self.setAccessibleDescription(f"{number.meaning} {number.healthy}")

    def show_value(self, value: float | None) -> None:
        """Show the number, a dash where it is not known."""
        self.value.setText("–" if value is None else self.number.words(value))


def _small(label: QLabel) -> QLabel:
    font = label.font()
    font.setPixelSize(SMALL_PX)
    label.setFont(font)
    return label


class LiveCard(Card):
    """All numbers of a step in a small grid."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Live", parent=parent)
        self.tiles = {number.key: NumberTile(number) for number in NUMBERS}
        self.remark.setToolTip("Rest the mouse on a number: it says what it means and what is healthy")
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        for place, tile in enumerate(self.tiles.values()):
            grid.addWidget(tile, place // _COLUMNS, place % _COLUMNS)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        self.body.addLayout(grid)
        self.body.addStretch(1)
        self.refresh(None)

    def refresh(self, log: RunLog | None) -> None:
        """Show the newest numbers of `log`."""
        for tile in self.tiles.values():
            tile.show_value(log.live.value(tile.number) if log is not None else None)
        if log is None or not len(log.live):
            self.remark.setText("with the first step")
        else:
            self.remark.setText(f"mean of the last {min(len(log.live), WINDOW)} steps")
