"""The line at the bottom: what the hand can do now, where the cursor is, whether all is saved, which image this is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.widgets.basics import Muted, restyle
from gui.widgets.hint import HintLine

LINE_HEIGHT = 26


class StatusLine(QWidget):
    """Hint at the left; cursor, saved mark and image at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "status")
        self.setFixedHeight(LINE_HEIGHT)
        self.hint = HintLine(self)
        self._cursor, self.saved, self._image = Muted(), Muted(), Muted()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 1, 12, 0)
        row.setSpacing(18)
        row.addWidget(self.hint, 1)
        for label in (self._cursor, self.saved, self._image):
            label.setTextFormat(Qt.TextFormat.PlainText)
            row.addWidget(label)

    def show_cursor(self, point: object, over: str = "") -> None:
        """`point` is ``(x, y)`` in image pixels, or None outside the image."""
        if not isinstance(point, tuple):
            self._cursor.setText("")
            return
        words = f"x {int(point[0]):,}  y {int(point[1]):,}"
        self._cursor.setText(f"{words} · {over}" if over else words)

    def show_saved(self, saved: bool | None) -> None:
        """None: nothing to say."""
        self.saved.setText("" if saved is None else "saved" if saved else "not saved")
        self.saved.setProperty("kind", "bad" if saved is False else "")
        restyle(self.saved)

    def show_image(self, name: str, width: int = 0, height: int = 0) -> None:
        """The image on screen; "" for none."""
        self._image.setText(f"{name}  {width}×{height}" if name else "")

    def show_image_facts(self, shown: bool) -> None:
        """Cursor and image only mean something where an image is on screen."""
        self._cursor.setVisible(shown)
        self._image.setVisible(shown)
