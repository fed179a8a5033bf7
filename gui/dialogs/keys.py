"""The sheet of keys (F1), made from the table of actions, so that it cannot be wrong."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.actions import Actions, ActionSpec, Room
from gui.dialogs.frame import FormDialog
from gui.widgets.basics import KeyCap

MOUSE = (
    ("wheel", "Zoom at the cursor"),
    ("Space+drag", "Move the image (middle button too)"),
    ("drag", "Paint; with the right button erase"),
    ("Shift+click", "Straight line from the last point (brush)"),
    ("Shift+drag", "Shapes and wand: add to the selected object"),
    ("Alt+drag", "Shapes and wand: take away (the right button does the same)"),
    ("Shift+Alt+drag", "Shapes and wand: the selected object keeps only that"),
    ("Ctrl+wheel", "Brush size; [ and ] do the same"),
    ("Enter", "Close a polygon"),
    ("Esc", "Cancel what is being drawn"),
)
HEADS = (("Everywhere", Room.ALL), ("Annotate", Room.ANNOTATE), ("Review", Room.REVIEW), ("Train", Room.TRAIN))


def sections(specs: tuple[ActionSpec, ...]) -> list[tuple[str, list[tuple[tuple[str, ...], str]]]]:
    """Keys by where they hold; numbered keys are one line."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {title: [] for title, _ in HEADS}
    for entry in specs:
        if not entry.keys or entry.name[-1:].isdigit():
            continue
        in_one = [title for title, room in HEADS[1:] if entry.rooms == room]
        found[in_one[0] if in_one else "Everywhere"].append((entry.keys[:1], entry.text.removesuffix("…")))
    found["Annotate"].append((("1–9",), "Class of the selected or next object"))
    found["Review"].append((("1–9",), "Keep that candidate of a group"))
    found["Everywhere"] += [((key,), text) for key, text in MOUSE]
    return [(title, found[title]) for title, _ in HEADS if found[title]]


class KeysDialog(FormDialog):
    """All keys and what the mouse does."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Keys and mouse", "", "Close", parent, width=840)
        self.cancel.hide()
        self.primary.clicked.connect(self.accept)
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setSpacing(32)
        everywhere, *rooms = [self._section(title, rows) for title, rows in sections(actions.specs())]
        columns.addLayout(everywhere, 1)
        right = QVBoxLayout()
        right.setSpacing(16)
        for section in rooms:
            right.addLayout(section)
        right.addStretch(1)
        columns.addLayout(right, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        scroll.setMinimumHeight(560)
        self.column.addWidget(scroll)

    def _section(self, title: str, rows: list[tuple[tuple[str, ...], str]]) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(6)
        head = QLabel(title.upper())
        head.setProperty("role", "section-title")
        column.addWidget(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 96)
        grid.setColumnStretch(1, 1)
        for n, (keys, text) in enumerate(rows):
            caps = QHBoxLayout()
            caps.setSpacing(4)
            for key in keys:
                caps.addWidget(KeyCap(key.replace("PgDown", "PgDn").replace("Return", "Enter")))
            caps.addStretch(1)
            grid.addLayout(caps, n, 0)
            grid.addWidget(QLabel(text), n, 1, Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(grid)
        column.addStretch(1)
        return column
