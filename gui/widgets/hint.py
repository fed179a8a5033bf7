"""One line of hints in which keys look like keys: ``"drag outline the hole · Esc cancel"``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.basics import KeyCap, Muted

SEPARATOR = " · "
# What a hand or a key does, at the beginning of a part; anything else is a sentence.
_KEY = re.compile(
    r"(\[ \]|(?:(?:Shift|Ctrl|Alt)\+|right-)*"
    r"(?:drag|click|wheel|release|Esc|Enter|Del|Backspace|Space|Tab|F\d+|[A-Z0-9.,](?: ?[–-] ?[0-9])?))(?= |$)"
)


def split_hint(text: str) -> Iterator[tuple[str, str]]:
    """Parts of a hint: ``(key, words)``, the key "" where a part is a sentence."""
    for part in filter(None, (p.strip() for p in text.split(SEPARATOR))):
        match = _KEY.match(part)
        key = match.group(1) if match else ""
        yield key.replace("Shift+", "⇧"), part[len(key) :].strip()


class HintLine(QWidget):
    """Shows a hint; the same words again cost nothing, as tools repeat them with every move of the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def text(self) -> str:
        """The hint as it was given."""
        return self._text

    def set_hint(self, text: str) -> None:
        """Show `text`."""
        if text == self._text:
            return
        self._text = text
        self.setAccessibleName(text)
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for key, words in split_hint(text):
            if key:
                self._row.addWidget(KeyCap(key, self))
            self._row.addWidget(Muted(words, self))
            self._row.addSpacing(8)
        self._row.addStretch(1)
