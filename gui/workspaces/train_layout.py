"""How the Train room arranges its cards."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gui.widgets.basics import Card, Heading


def row(*cards: QWidget) -> QHBoxLayout:
    """Cards beside each other, equally wide."""
    line = QHBoxLayout()
    line.setSpacing(12)
    for card in cards:
        line.addWidget(card, 1)
    return line


def add_head(card: Card, title: QWidget | str, *right: QWidget) -> None:
    """A title, the card's remark, which gives way when the window is narrow, and widgets at the right end."""
    card.remark.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    card.remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    line = QHBoxLayout()
    line.setSpacing(10)
    line.addWidget(Heading(title) if isinstance(title, str) else title)
    line.addWidget(card.remark, 1)
    for widget in right:
        line.addWidget(widget)
    card.body.addLayout(line)


def column(*parts: QWidget | QHBoxLayout) -> QVBoxLayout:
    """Cards and rows of cards below each other."""
    stack = QVBoxLayout()
    stack.setSpacing(14)
    for part in parts:
        stack.addWidget(part) if isinstance(part, QWidget) else stack.addLayout(part)
    return stack


def scrolled(left: QVBoxLayout, right: QVBoxLayout) -> QScrollArea:
    """Two columns that scroll together when the window is too small for them."""
    content = QWidget()
    columns = QHBoxLayout(content)
    columns.setContentsMargins(14, 14, 14, 14)
    columns.setSpacing(14)
    columns.addLayout(left, 9)
    columns.addLayout(right, 4)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(content)
    scroll.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return scroll
