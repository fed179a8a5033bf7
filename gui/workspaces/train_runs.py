"""The runs of the project, in the Train room: read in the background, listed newest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QTableWidgetItem, QWidget

from engine.errors import UserError
from engine.project.runs import RunSummary, list_runs
from gui.jobs import Job, Report
from gui.models.run_log import STATE_WORDS, ap_words, when_words
from gui.models.weights_choices import RunWeights
from gui.widgets.basics import Card, Muted
from gui.workspaces.train_tables import cell, fit_height, plain_table

if TYPE_CHECKING:
    from gui.session import Session


class RunsCard(Card):
    """All runs, newest first.

    Signals:
        chosen(str): a person picked the run of that id.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Runs", parent=parent)
        self._empty = Muted(
            "Runs appear here. Each keeps its data, its events and the weights of every epoch.", wrap=True
        )
        self._table = plain_table(("Run", "State", "Mask AP", "Epochs", "When"), "Training runs")
        self._table.itemSelectionChanged.connect(self._selected)
        self.body.addWidget(self._empty)
        self.body.addWidget(self._table)
        self._ids: list[str] = []
        self.show_runs((), "")

    def show_runs(self, runs: Sequence[RunSummary], shown: str, *, boxes_only: bool = False) -> None:
        """List `runs`; the one with the id `shown` is marked."""
        self._empty.setVisible(not runs)
        self._table.setVisible(bool(runs))
        self._table.blockSignals(True)
        self._ids = [run.id for run in runs]
        self._table.setHorizontalHeaderItem(2, QTableWidgetItem("Box AP" if boxes_only else "Mask AP"))
        self._table.setRowCount(len(runs))
        for row, run in enumerate(runs):
            ap = run.box_ap if boxes_only else run.mask_ap
            words = (run.id, STATE_WORDS[run.state], ap_words(ap), f"{run.epochs_done} of {run.epochs}",
                     when_words(run.created))  # fmt: skip
            for column, text in enumerate(words):
                self._table.setItem(row, column, cell(text))
        self.mark(shown)
        self._table.blockSignals(False)
        fit_height(self._table, 8)

    def mark(self, shown: str) -> None:
        """Select the row of a run without telling."""
        self._table.blockSignals(True)
        if shown in self._ids:
            self._table.selectRow(self._ids.index(shown))
        else:
            self._table.clearSelection()
        self._table.blockSignals(False)

    def _selected(self) -> None:
        rows = self._table.selectionModel().selectedRows()
        if rows:
            self.chosen.emit(self._ids[rows[0].row()])


class RunsReader(QObject):
    """Reads the runs of the open project in the background: their events are files of any length.

    Signals:
        read(object): the runs as :class:`gui.models.weights_choices.RunWeights`, newest first.
    """

    read = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._again = False

    def look(self) -> None:
        """Read them now; while a reading is under way, once more after it."""
        store = self._session.store
        if store is None:
            return
        if self._job is not None:
            self._again = True
            return
        folder = store.folder
        self._job = Job("runs", lambda report: _read(folder, report), self)
        self._job.done.connect(self._ended)
        self._job.failed.connect(self._ended)
        self._job.start()

    def _ended(self, found: object) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        store = self._session.store
        if store is not None and isinstance(found, tuple) and found[0] == store.folder:
            self.read.emit(found[1])
        if self._again:
            self._again = False
            self.look()


def _read(folder: Path, _report: Report) -> tuple[Path, tuple[RunWeights, ...]]:
    found = []
    for run in list_runs(folder):
        try:
            found.append(RunWeights.of(run, run.summary()))
        except (UserError, OSError):  # a run folder somebody is deleting, or damaged: the others still count
            continue
    return folder, tuple(found)
