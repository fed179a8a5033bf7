"""Small pieces that every room is built from: chips, key caps, section heads, cards, text with a role."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.widgets.icons import icon

ChipKind = Literal["", "ok", "warn", "bad", "accent"]


def restyle(widget: QWidget) -> None:
    """Let the style sheet see a changed dynamic property."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class Chip(QLabel):
    """A small rounded label: ``Chip("model 0.91")``, ``Chip("running", "warn")``."""

    def __init__(self, text: str = "", kind: ChipKind = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("role", "chip")
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def set(self, text: str, kind: ChipKind = "") -> None:
        """Show other words in another colour."""
        self.setText(text)
        if self.property("kind") != kind:
            self.setProperty("kind", kind)
            restyle(self)


class KeyCap(QLabel):
    """A key, drawn as a key: ``KeyCap("Esc")``."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("role", "keycap")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)


class Muted(QLabel):
    """Text that explains and steps back; wraps when `wrap` is set."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, wrap: bool = False) -> None:
        super().__init__(text, parent)
        self.setProperty("role", "muted")
        self.setWordWrap(wrap)


class Heading(QLabel):
    """A bold title of a card or dialog."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("role", "heading")


class SectionHead(QWidget):
    """An upper-case section head with an optional count beside it; room for small buttons at the right."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "section")
        self._title = QLabel(title.upper(), self)
        self._title.setProperty("role", "section-title")
        self.count = Chip(parent=self)
        self.count.hide()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 8, 8, 4)
        self._row.setSpacing(8)
        self._row.addWidget(self._title)
        self._row.addWidget(self.count)
        self._row.addStretch(1)

    def set_count(self, text: str, kind: ChipKind = "") -> None:
        """Show `text` as a chip after the title; "" hides it."""
        self.count.set(text, kind)
        self.count.setVisible(bool(text))

    def add_button(self, icon_name: str, tip: str) -> QToolButton:
        """A small flat button at the right end."""
        button = QToolButton(self)
        button.setIcon(icon(icon_name, "muted"))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setProperty("role", "flat")
        self._row.addWidget(button)
        return button


class Card(QFrame):
    """A bordered panel with a title, an optional muted remark at the right, and a body layout."""

    def __init__(self, title: str = "", remark: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(12, 12, 12, 12)
        self.body.setSpacing(8)
        self.remark = Muted(remark)
        if title:
            head = QHBoxLayout()
            head.addWidget(Heading(title))
            head.addStretch(1)
            head.addWidget(self.remark)
            self.body.addLayout(head)


def rule(parent: QWidget | None = None, *, vertical: bool = False) -> QFrame:
    """A one-pixel line."""
    line = QFrame(parent)
    line.setProperty("role", "rule")
    if vertical:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line
