"""The smaller cards of the Train room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from engine.project.runs import RunState, RunSummary
from gui.models.preflight import Fact
from gui.models.run_log import STATE_WORDS, RunLog, ap_words, when_words
from gui.widgets.basics import Card, Chip, ChipKind, Heading, Muted

if TYPE_CHECKING:
    pass

STATE_KINDS: dict[RunState, ChipKind] = {
    RunState.STARTING: "warn",
    RunState.RUNNING: "warn",
    RunState.FINISHED: "ok",
    RunState.STOPPED: "",
    RunState.FAILED: "bad",
    RunState.LOST: "bad",
}
MAX_LOG_LINES = 3000


class RunCard(Card):
    """One line on the run: where it is, how fast, how long still, and what can be done with it.

    Signals:
        stop_asked, resume_asked: a person pressed the button.
    """

    stop_asked = Signal()
    resume_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._name = Heading("No training yet")
        self._state = Chip()
        self._facts = Muted("Press Train: the data is frozen, a run starts, and you can go on drawing meanwhile.")
        self._facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = QProgressBar(maximum=1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the training")
        self._bar.setMinimumWidth(90)
        self._left = QLabel()
        self.stop = QPushButton("Stop and keep")
        self.stop.setProperty("role", "stop")
        self.stop.setToolTip("Finishes the step, saves everything; Resume goes on from there")
        self.stop.clicked.connect(self.stop_asked)
        self.resume = QPushButton("Resume")
        self.resume.setToolTip("Goes on from the last checkpoint, on the data the run was started with")
        self.resume.clicked.connect(self.resume_asked)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._state)
        row.addWidget(self._facts, 3)
        row.addWidget(self._bar, 2)
        for widget in (self._left, self.stop, self.resume):
            row.addWidget(widget)
        self.body.addLayout(row)
        self._reason = QLabel()
        self._reason.setWordWrap(True)
        self._reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self._reason)
        self.refresh(None)

    def refresh(self, log: RunLog | None) -> None:
        """Show how the run stands."""
        status = log.status if log is not None else None
        live = status is not None and status.is_live
        for widget, shown in (
            (self._state, status is not None),
            (self._bar, status is not None),
            (self._left, live),
            (self.stop, live),
            (self.resume, log is not None and can_resume(log)),
            (self._reason, bool(status and status.reason)),
        ):
            widget.setVisible(shown)
        if log is None or status is None:
            self._name.setText("No training yet")
            self._facts.setText("Press Train: the data is frozen, a run starts, and you can go on drawing meanwhile.")
            return
        self._name.setText(f"Run {status.run.id}")
        words = "stopping" if status.stopping else STATE_WORDS[status.state]
        self._state.set(words, STATE_KINDS[status.state])
        self._facts.setText(log.headline())
        self._facts.setToolTip(log.headline())
        self._bar.setValue(round(1000 * log.progress))
        self._left.setText(log.time_left())
        self.stop.setEnabled(not status.stopping)
        self._reason.setText(status.reason)


def can_resume(log: RunLog) -> bool:
    """Whether there is something left to train and nobody trains it."""
    if log.status is None or log.status.is_live or log.status.state is RunState.FINISHED:
        return False
    return log.config is not None


class FactsCard(Card):
    """ "Before you start": what the data is like, and what stands in the way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Before you start", parent=parent)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)
        self._facts: tuple[Fact, ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self._facts

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show `facts`, one a line."""
        if tuple(facts) == self._facts:
            return
        self._facts = tuple(facts)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, fact in enumerate(self._facts):
            kinds: dict[str, ChipKind] = {"ok": "ok", "note": "warn", "stop": "bad"}
            text = QLabel(fact.text)
            text.setWordWrap(True)
            self._grid.addWidget(Chip(fact.kind, kinds[fact.kind]), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(text, row, 1)


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
                self._table.setItem(row, column, _cell(text))
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


class ClassesCard(Card):
    """What the last validation said, class by class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What validation says", parent=parent)
        self._empty = Muted("After the first epoch: how well each class is found in the validation images.", wrap=True)
        self._table = plain_table(("Class", "Now", "Best", "Means"), "Validation AP by class")
        self.body.addWidget(self._empty)
        self.body.addWidget(self._table)
        self.refresh(None)

    def refresh(self, log: RunLog | None) -> None:
        """Show the newest figures beside the best of all epochs."""
        newest = log.validations[-1] if log is not None and log.validations else None
        self._empty.setVisible(newest is None)
        self._table.setVisible(newest is not None)
        if newest is None or log is None:
            self.remark.setText("")
            return
        self.remark.setText(
            f"epoch {newest.epoch} · AP50 {ap_words(newest.mask_ap50 if not log.boxes_only else newest.box_ap50)}"
        )
        rows = sorted(newest.per_class.items(), key=lambda kv: (kv[1] is None, kv[1] or 0.0))
        self._table.setRowCount(len(rows))
        for row, (name, value) in enumerate(rows):
            known = [v.per_class.get(name) for v in log.validations]
            best = max((k for k in known if k is not None), default=None)
            for column, text in enumerate((name, ap_words(value), ap_words(best), ap_means(value, best))):
                self._table.setItem(row, column, _cell(text))
        fit_height(self._table, 8)


def ap_means(value: float | None, best: float | None) -> str:
    """What an AP of one class means, in words."""
    if value is None:
        return "no object of this class in the validation images"
    if value < 0.05:
        return "not found yet"
    if best is not None and value < best - 0.1:
        return "was better before: the best epoch is kept"
    if value < 0.3:
        return "often missed or drawn roughly"
    return "found, outlines still rough" if value < 0.6 else "found well"


class LogCard(Card):
    """What the run said, in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log", parent=parent)
        self._text = QPlainTextEdit(readOnly=True)
        self._text.setMaximumBlockCount(MAX_LOG_LINES)
        self._text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self._text.setMinimumHeight(80)
        self._text.setAccessibleName("Log of the training")
        self._text.setPlaceholderText("What the training tells appears here.")
        self._text.setStyleSheet("QPlainTextEdit { border: none; }")
        self.body.addWidget(self._text)

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show these lines from the end."""
        self._text.setPlainText("\n".join(lines[-MAX_LOG_LINES:]))
        self._to_end()

    def add_line(self, line: str) -> None:
        """One more line; stays at the end when it was there."""
        bar = self._text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        self._text.appendPlainText(line)
        if at_end:
            self._to_end()

    def text(self) -> str:
        """All lines shown."""
        return self._text.toPlainText()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._to_end()

    def _to_end(self) -> None:
        bar = self._text.verticalScrollBar()
        bar.setValue(bar.maximum())


def plain_table(titles: Sequence[str], name: str) -> QTableWidget:
    """A read-only table of rows with thin lines."""
    table = QTableWidget(0, len(titles))
    table.setHorizontalHeaderLabels(list(titles))
    table.setAccessibleName(name)
    table.setProperty("role", "plain")
    table.setShowGrid(False)
    table.setStyleSheet("QTableView::item { padding: 0px 6px; border: none; }")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(28)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    return table


def fit_height(table: QTableWidget, most: int) -> None:
    """Make a table as high as its rows, up to `most` of them."""
    rows = min(table.rowCount(), most)
    height = table.verticalHeader().defaultSectionSize() * rows + table.horizontalHeader().sizeHint().height() + 4
    table.setFixedHeight(height)


def _cell(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item
