"""The bar at the top: project and menus, the switch of rooms, the run, Detect and Train."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QMenuBar, QPushButton, QWidget

from gui.widgets.basics import Chip
from gui.widgets.icons import icon
from gui.widgets.segmented import Segmented

BAR_HEIGHT = 44
ROOMS = (("annotate", "Annotate"), ("review", "Review"), ("train", "Train"))


class TopBar(QWidget):
    """Three parts: left, a centred switch, right.

    Signals:
        room_chosen(str): a segment of the switch was picked.
        train_pressed, detect_pressed: the two buttons.
    """

    room_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bar")
        self.setFixedHeight(BAR_HEIGHT)
        self.project = QLabel("Maskwright")
        self.project.setProperty("role", "heading")
        self.menu_bar = QMenuBar()
        self.switch = Segmented(ROOMS)
        self.switch.setAccessibleName("Room")
        self.switch.chosen.connect(self.room_chosen)
        self.run_chip = Chip()
        self.run_chip.hide()
        self.detect = QPushButton("Detect")
        self.detect.setToolTip("Let the newest run predict the objects of all images")
        self.train = QPushButton("Train")
        self.train.setProperty("role", "go")
        self.train.setIcon(icon("play", "on_accent"))
        self.train.setToolTip("Train on what is drawn; the plan is in the Train room")
        self._lay_out()
        self.show_project("")

    def _lay_out(self) -> None:
        left, right = QHBoxLayout(), QHBoxLayout()
        left.setSpacing(8)
        right.setSpacing(12)
        left.addWidget(self.project)
        left.addWidget(self.menu_bar, 0, Qt.AlignmentFlag.AlignVCenter)
        left.addStretch(1)
        right.addStretch(1)
        for widget in (self.run_chip, self.detect, self.train):
            right.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 12, 1)
        grid.addLayout(left, 0, 0)
        grid.addWidget(self.switch, 0, 1, Qt.AlignmentFlag.AlignCenter)
        grid.addLayout(right, 0, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)

    def show_project(self, name: str) -> None:
        """Show the project's name; "" is the welcome page, where there is nothing to switch or train."""
        self.project.setText(name or "Maskwright")
        for widget in (self.switch, self.detect, self.train):
            widget.setVisible(bool(name))
        if not name:
            self.run_chip.hide()

    def show_run(self, text: str, kind: str = "ok") -> None:
        """Show how the run stands; "" hides the chip."""
        self.run_chip.set(text, kind)  # type: ignore[arg-type]
        self.run_chip.setVisible(bool(text) and self.switch.isVisibleTo(self))
