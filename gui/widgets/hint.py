"""One line of hints in which keys look like keys.

Two ways to write one: ``"drag outline the hole · Esc cancel"`` and ``"[Y] accept  [1] [2] keep"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import tokens
from gui.widgets.row_delegate import draw_key

SEPARATOR = " · "
# What a hand or a key does, at the beginning of a part; anything else is a sentence.
_KEY = re.compile(
    r"(\[ \]|(?:(?:Shift|Ctrl|Alt)\+|right-)*"
    r"(?:drag|click|wheel|release|Esc|Enter|Del|Backspace|Space|Tab|F\d+|[A-Z0-9.,](?: ?[–-] ?[0-9])?))(?= |$)"
)
_BRACKETS = re.compile(r"\[([^\]\s][^\]]*)\]([^\[]*)")


def split_hint(text: str) -> Iterator[tuple[str, str]]:
    """Parts of a hint: ``(key, words)``, the key "" where a part is a sentence."""
    if _BRACKETS.match(text):
        yield from ((m.group(1), m.group(2).strip()) for m in _BRACKETS.finditer(text))
        return
    for part in filter(None, (p.strip() for p in text.split(SEPARATOR))):
        match = _KEY.match(part)
        key = match.group(1) if match else ""
        yield key.replace("Shift+", "⇧"), part[len(key) :].strip()


class HintLine(QWidget):
    """Paints a hint from the left; what does not fit is cut at the right end, so the first keys stay readable."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._parts: tuple[tuple[str, str], ...] = ()
        font = QFont(self.font())
        font.setPixelSize(12)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def text(self) -> str:
        """The hint as it was given."""
        return self._text

    def set_hint(self, text: str) -> None:
        """Show `text`."""
        if text != self._text:
            self._text, self._parts = text, tuple(split_hint(text))
            self.setAccessibleName(text)
            self.setToolTip(text)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, left, middle = tokens(self.palette()), 0, self.height() // 2
        metrics = QFontMetrics(self.font())
        for key, words in self._parts:
            if key:
                left = draw_key(painter, left, middle, key, theme) + 6
            painter.setPen(theme.color("muted"))
            width = metrics.horizontalAdvance(words)
            painter.drawText(QRect(left, 0, width + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, words)
            left += width + 12
