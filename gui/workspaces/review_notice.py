"""What the Review room shows while there is nothing to review."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.widgets.basics import Heading, Muted

NO_RUN = (
    "No network yet",
    "Train one on what is drawn so far; then it can be looked at what it predicts.",
    "Go to Train",
)
NO_PREDICTIONS = (
    "No predictions of this epoch yet",
    "Detect looks at the images and keeps what it finds apart from your labels, until you accept it.",
    "Detect",
)


class ReviewNotice(QWidget):
    """A heading, a sentence, and the button that does what the sentence says."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading, self._more = Heading(), Muted(wrap=True)
        self._more.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._more.setFixedWidth(460)
        self._more.setMinimumHeight(40)  # two lines: aligned widgets get no height for width
        self.button = QPushButton()
        self.button.setProperty("role", "primary")
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(1)
        for widget in (self.heading, self._more, self.button):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def show_words(self, heading: str, more: str, button: str) -> None:
        """Say this."""
        self.heading.setText(heading)
        self._more.setText(more)
        self.button.setText(button)
