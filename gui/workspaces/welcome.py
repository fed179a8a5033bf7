"""What an empty window shows: four ways to begin, each with one line that says what happens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.widgets.basics import Heading, Muted
from gui.widgets.icons import icon

CHOICES = (
    ("new_project", "folder-plus-outline", "New project", "Start from a folder of images. They stay where they are."),
    ("open_project", "folder-open-outline", "Open project", "Go on with a project folder of Maskwright."),
    ("open_sample", "flask-outline", "Open the sample project", "Washers, nuts and gaskets, drawn and ready to train."),
)  # fmt: skip


class ChoiceButton(QPushButton):
    """An icon, a title and the one line that explains it."""

    def __init__(self, icon_name: str, title: str, line: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "choice")
        self.setAccessibleName(title)
        self.setAccessibleDescription(line)
        self.setMinimumHeight(64)
        picture = QLabel(self)
        picture.setPixmap(icon(icon_name, "accent").pixmap(QSize(26, 26)))
        self._picture, self._icon_name = picture, icon_name
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(Heading(title))
        words.addWidget(Muted(line))
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(16)
        row.addWidget(picture)
        row.addLayout(words, 1)
        for label in self.findChildren(QLabel):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def restyle(self) -> None:
        """The theme changed: labels hold pixmaps, which do not follow by themselves."""
        self._picture.setPixmap(icon(self._icon_name, "accent").pixmap(QSize(26, 26)))


class Welcome(QWidget):
    """The page without a project.

    Signals:
        recent_chosen(object): path of a recent project.
    """

    recent_chosen = Signal(object)

    def __init__(self, actions: Sequence[tuple[str, QAction]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choices: dict[str, ChoiceButton] = {}
        by_name = dict(actions)
        column = QVBoxLayout()
        column.setSpacing(8)
        title = QLabel("Maskwright")
        title.setProperty("role", "title")
        column.addWidget(title)
        column.addWidget(Muted("Draw masks, holes included. Train Mask R-CNN. Review what it predicts."))
        column.addSpacing(16)
        for name, icon_name, text, line in CHOICES:
            button = ChoiceButton(icon_name, text, line)
            button.clicked.connect(by_name[name].trigger)
            self.choices[name] = button
            column.addWidget(button)
        column.addSpacing(16)
        self._recent_head = QLabel("RECENT")
        self._recent_head.setProperty("role", "section-title")
        column.addWidget(self._recent_head)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(4)
        column.addLayout(self._recent)
        column.addSpacing(8)
        column.addWidget(Muted("Or drop a folder of images, or a VIA or COCO JSON, anywhere on this window."))
        self._center(column)

    def _center(self, column: QVBoxLayout) -> None:
        page = QWidget()
        page.setMaximumWidth(560)
        page.setLayout(column)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.addStretch(1)
        row.addWidget(page, 4)
        row.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        outer = QWidget()
        outer_column = QVBoxLayout(outer)
        outer_column.addStretch(2)
        outer_column.addWidget(middle)
        outer_column.addStretch(3)
        scroll.setWidget(outer)
        for widget in (outer, middle, page, scroll.viewport()):
            widget.setAutoFillBackground(False)
        own = QVBoxLayout(self)
        own.setContentsMargins(0, 0, 0, 0)
        own.addWidget(scroll)

    def restyle(self) -> None:
        """Follow the theme."""
        for button in self.choices.values():
            button.restyle()

    def show_recent(self, folders: Sequence[Path]) -> None:
        """List the recent projects that are still there."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        there = [f for f in folders if (f / "project.sqlite").is_file()]
        self._recent_head.setVisible(bool(there))
        for folder in there[:5]:
            button = QPushButton(f"{folder.name}   ·   {_short(folder.parent)}")
            button.setProperty("role", "recent")
            button.setToolTip(str(folder))
            button.setProperty("folder", str(folder))
            button.clicked.connect(self._recent_clicked)
            self._recent.addWidget(button)

    def _recent_clicked(self) -> None:
        self.recent_chosen.emit(Path(str(self.sender().property("folder"))))


def _short(folder: Path) -> str:
    try:
        return f"~/{folder.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return str(folder)
