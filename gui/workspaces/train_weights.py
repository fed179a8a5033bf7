"""The chooser of what a training starts from: packaged, published, a run of the project, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from engine.model.offered import OFFERED
from gui.models.weights_choices import (
    FILE_PATTERN,
    FILE_SUFFIXES,
    RunWeights,
    WeightsChoice,
    is_torchvision,
    named_choices,
    other_choice,
    run_choices,
)
from gui.widgets.basics import Muted

_FILE = "file…"  # data of the entry that asks for a file


class WeightsChooser(QWidget):
    """A list, what the choice means below it, and a line for the class names of a file that has none.

    Signals:
        changed: other weights were chosen, or their classes were named.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: tuple[RunWeights, ...] = ()
        self._choices: dict[str, WeightsChoice] = {}
        self._current = ""
        self._build()
        self._fill()
        self.choose(next(iter(OFFERED)))

    def _build(self) -> None:
        self.list = QComboBox()
        self.list.setAccessibleName("Start from")
        self.list.setToolTip("The weights that the training begins with")
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(20)
        self.list.setMaxVisibleItems(20)
        self.list.activated.connect(self._activated)
        self._names = QLineEdit()
        self._names.setAccessibleName("Class names of the file")
        self._names.setPlaceholderText("Its classes in order, for example: nut, washer")
        self._names.setToolTip("One name for each class of the file, without the background; empty: all start fresh")
        self._names.textEdited.connect(self.changed)
        self.note = Muted(wrap=True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Muted("Start from"))
        row.addWidget(self.list, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._names)
        column.addWidget(self.note)

    # --- what it says -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> str:
        """What was chosen, as :class:`engine.config.TrainConfig` has it."""
        return self._current

    @property
    def title(self) -> str:
        """What was chosen, for a person."""
        return self._choices[self._current].title

    @property
    def names(self) -> str:
        """Class names of the file, "" where they do not matter."""
        return self._names.text().strip() if is_torchvision(self._current) else ""

    # --- changing it ------------------------------------------------------------------------------------------

    def choose(self, weights: str, *, names: str = "") -> None:
        """Show these weights as chosen, without telling."""
        self._current = weights
        if weights not in self._choices:
            self._fill()
        self._names.setText(names)
        self._show()

    def show_runs(self, runs: Sequence[RunWeights]) -> None:
        """Offer the checkpoints of these runs; what is chosen stays chosen."""
        if tuple(runs) != self._runs and not self.list.view().isVisible():  # a list a person reads stays as it is
            self._runs = tuple(runs)
            self._fill()
        self._show()

    def forget_runs(self) -> None:
        """Another project: its runs are others, and a run that was chosen is none of them."""
        self._runs = ()
        if self._current.startswith("run:"):
            self._current = next(iter(OFFERED))
        self._fill()
        self._show()
        self.changed.emit()

    def _fill(self) -> None:
        """Names, runs, what is chosen where it is neither, and the entry for a file."""
        sections = [named_choices(), run_choices(self._runs)]
        listed = {c.weights for section in sections for c in section}
        if self._current and self._current not in listed:
            sections.append([other_choice(self._current)])
        self._choices = {c.weights: c for section in sections for c in section}
        with QSignalBlocker(self.list):
            self.list.clear()
            for section in filter(None, sections):
                if self.list.count():
                    self.list.insertSeparator(self.list.count())
                for choice in section:
                    self.list.addItem(choice.title, choice.weights)
                    self.list.setItemData(self.list.count() - 1, choice.note, Qt.ItemDataRole.ToolTipRole)
            self.list.insertSeparator(self.list.count())
            self.list.addItem("A file…", _FILE)

    def _show(self) -> None:
        with QSignalBlocker(self.list):
            self.list.setCurrentIndex(self.list.findData(self._current))
        self._names.setVisible(is_torchvision(self._current))
        self.note.setText(self._note())

    def _note(self) -> str:
        """Looks at the disk again: a download may have come, a file may be gone."""
        listed = {c.weights: c for c in (*named_choices(), *run_choices(self._runs))}
        return (listed.get(self._current) or other_choice(self._current)).note

    def _activated(self, _index: int) -> None:
        asked = str(self.list.currentData())
        if asked == _FILE:
            self._show()
            self._ask_file()
        elif asked != self._current:
            self._chosen(asked)

    def _chosen(self, weights: str) -> None:
        self.choose(weights)
        self.changed.emit()

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Weights to start from", "", FILE_PATTERN)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._file_chosen)
        dialog.open()

    def _file_chosen(self, path: str) -> None:
        if Path(path).suffix in FILE_SUFFIXES:
            self._chosen(path)
        else:  # typed into the dialog
            self.note.setText(f"{Path(path).name} is no file of weights: choose a .safetensors, .pth or .pt.")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.note.setText(self._note())
