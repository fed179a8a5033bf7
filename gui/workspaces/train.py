"""The Train room: what will be trained, how it goes, what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.errors import UserError
from engine.events import CheckpointSaved, EpochValidated, RunEvent
from engine.project.runs import RunFolder, RunSummary, list_runs
from gui.engine_run import RunHistory, RunStatus
from gui.jobs import Job, Report
from gui.models.preflight import facts_about
from gui.models.run_log import RunLog, ap_words
from gui.widgets.basics import Card, Muted
from gui.workspaces.train_findings import FindingsCard
from gui.workspaces.train_panels import ClassesCard, FactsCard, LogCard, RunCard, RunsCard
from gui.workspaces.train_plan import PRESET_TITLES, PlanCard

if TYPE_CHECKING:
    from gui.session import Session

REFRESH_MS = 250
FACTS_MS = 400
BACKBONE = "EfficientNet-Lite0, offline"


class TrainRoom(QWidget):
    """The room on the window's switch.

    Signals:
        hint_changed(str): one line for the status bar.
        go_wanted(str): a person wants to go on in another room.
    """

    hint_changed = Signal(str)
    go_wanted = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.log = RunLog(self)
        self._charts: tuple[Any, Any] | None = None
        self._job: Job | None = None
        self._again = False
        self._build()
        self._paint = _single_shot(self, REFRESH_MS, self._refresh)
        self._facts_timer = _single_shot(self, FACTS_MS, self._refresh_facts)
        self._connect()

    # --- what the window asks ---------------------------------------------------------------------------------

    def start(self) -> bool:
        """Start a training with the plan as it stands; False when it was refused (a sentence says why)."""
        problem = self.plan.problem()
        if problem:
            self.session.message.emit("error", problem)
            return False
        refusal = self.findings.refusal()
        if refusal:
            self.session.message.emit("error", refusal)
            self._look()  # what was put right outside is seen at the next press
            return False
        if (
            self.log.status is not None
            and self.session.engine.status is not None
            and self.session.engine.status.is_live
        ):
            self.session.message.emit("info", "A training is running. Stop it first: everything it learned is kept.")
            return False
        return self.session.start_training(self.plan.config()) is not None

    # --- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.run_card = RunCard()
        self.loss_card, self.ap_card = Card("Loss"), Card("Validation AP")
        self.classes, self.log_card = ClassesCard(), LogCard()
        self.plan, self.facts, self.runs = PlanCard(), FactsCard(), RunsCard()
        self.findings = FindingsCard(self.session)
        for card in (self.loss_card, self.ap_card):
            card.remark.setTextFormat(Qt.TextFormat.RichText)
        charts = QHBoxLayout()
        charts.setSpacing(12)
        charts.addWidget(self.loss_card, 1)
        charts.addWidget(self.ap_card, 1)
        left = _column(self.run_card, charts, self.classes)
        left.addWidget(self.log_card, 1)
        right = _column(self.plan, self.facts, self.findings, self.runs)
        right.addStretch(1)
        content = QWidget()
        columns = QHBoxLayout(content)
        columns.setContentsMargins(14, 14, 14, 14)
        columns.setSpacing(14)
        columns.addLayout(left, 9)
        columns.addLayout(right, 4)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._build_bar())
        whole.addWidget(scroll, 1)

    def _build_bar(self) -> QWidget:
        bar = QWidget()
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar.setProperty("role", "bar")
        bar.setFixedHeight(36)
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(6)
        self._bar_values: dict[str, QLabel] = {}
        for title in ("Data", "Backbone", "Classes", "Runs on"):
            row.addWidget(Muted(title))
            self._bar_values[title] = QLabel()
            row.addWidget(self._bar_values[title])
            row.addSpacing(12)
        row.addStretch(1)
        row.addWidget(Muted("Preset"))
        self._bar_values["Preset"] = QLabel()
        row.addWidget(self._bar_values["Preset"])
        self._bar_values["Backbone"].setText(BACKBONE)
        return bar

    def _connect(self) -> None:
        session, engine = self.session, self.session.engine
        engine.history.connect(self._on_history)
        engine.run_read.connect(self._on_history)
        engine.run_event.connect(self._on_event)
        engine.run_state.connect(self._on_state)
        session.project_opened.connect(self._on_project)
        session.project_closed.connect(self._on_project)
        session.changed.connect(self._on_changed)
        self.log.reset.connect(self._on_reset)
        self.log.changed.connect(self._paint.start)
        self.log.line_added.connect(self.log_card.add_line)
        self.run_card.stop_asked.connect(self._stop)
        self.run_card.resume_asked.connect(self._resume)
        self.runs.chosen.connect(self._show_run)
        self.plan.changed.connect(self._plan_changed)
        self.findings.image_wanted.connect(self._show_image)
        self._plan_changed()
        if session.store is not None:
            self._on_project()
        if engine.status is not None:
            engine.read_run(engine.status.run)

    # --- what the engine tells --------------------------------------------------------------------------------

    def _on_history(self, history: RunHistory) -> None:
        if self.session.store is None or history.status.run.path.parent.parent != self.session.store.folder:
            return
        self.log.load(history)
        self._read_runs()

    def _on_event(self, event: RunEvent) -> None:
        if not self._shows_followed():
            return
        self.log.add(event)
        if isinstance(event, EpochValidated | CheckpointSaved):
            self._read_runs()

    def _on_state(self, status: RunStatus) -> None:
        self.log.set_status(status)
        self._read_runs()

    def _shows_followed(self) -> bool:
        followed = self.session.engine.status
        return followed is not None and self.log.run is not None and followed.run.path == self.log.run.path

    # --- what a person does -----------------------------------------------------------------------------------

    def _stop(self) -> None:
        self.session.stop_training()

    def _resume(self) -> None:
        if self.log.run is not None:
            self.session.resume_training(self.log.run)

    def _show_run(self, run_id: str) -> None:
        if self.session.store is not None:
            self.session.engine.read_run(RunFolder(self.session.store.folder / "runs" / run_id))

    def _plan_changed(self) -> None:
        name = str(self.plan.preset.currentData())
        self._bar_values["Preset"].setText(PRESET_TITLES.get(name, "my own").lower())
        self._paint.start()
        self._facts_timer.start()

    # --- the project ------------------------------------------------------------------------------------------

    def _on_project(self) -> None:
        self.log.clear()
        self.runs.show_runs((), "")
        self.findings.clear()
        self._facts_timer.start()
        self._read_runs()

    def _on_changed(self, _changed: object) -> None:
        self._facts_timer.start()

    def _refresh_facts(self) -> None:
        self._facts_timer.setInterval(FACTS_MS)  # the start at the first sight has no delay
        store = self.session.store
        if store is None or not self.isVisible():
            return
        self.facts.show_facts(facts_about(store))
        images = len(store.images())
        self._bar_values["Data"].setText(f"{images} image{'s' if images != 1 else ''}")
        self._bar_values["Classes"].setText(str(len(store.categories())))
        self._look()

    def _look(self) -> None:
        if not self.plan.problem():
            self.findings.look(self.plan.config())

    def _show_image(self, image_id: int) -> None:
        if self.session.open_image(image_id):
            self.go_wanted.emit("annotate")

    def _read_runs(self) -> None:
        """List the runs in the background: their events are files of any length."""
        store = self.session.store
        if store is None:
            return
        if self._job is not None:
            self._again = True
            return
        folder = store.folder
        self._job = Job("runs", lambda report: _summaries(folder, report), self)
        self._job.done.connect(self._runs_read)
        self._job.failed.connect(self._runs_read)
        self._job.start()

    def _runs_read(self, found: object) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        store = self.session.store
        if store is not None and isinstance(found, tuple) and found[0] == store.folder:
            shown = self.log.run.id if self.log.run is not None else ""
            self.runs.show_runs(found[1], shown, boxes_only=store.boxes_only)
        if self._again:
            self._again = False
            self._read_runs()

    # --- drawing ----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._charts is None:
            self._make_charts()
        self._facts_timer.start(0)
        self._refresh()
        self.hint_changed.emit("Curves follow the run · you can draw in Annotate meanwhile · Stop keeps everything")

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._paint.stop()

    def _make_charts(self) -> None:
        from gui.workspaces.train_charts import ApChart, LossChart

        self._charts = (LossChart(), ApChart())
        for card, chart in zip((self.loss_card, self.ap_card), self._charts, strict=True):
            chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
            card.body.addWidget(chart, 1)

    def _on_reset(self) -> None:
        self.log_card.show_lines(self.log.lines)
        self.runs.mark(self.log.run.id if self.log.run is not None else "")
        if self.log.config is not None and self.log.status is not None and self.log.status.is_live:
            self.plan.show_config(self.log.config)

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        log = self.log
        self.run_card.refresh(log if log.status is not None else None)
        self.classes.refresh(log)
        self._mark_stages()
        device = str(self.plan.device.currentText()).lower()
        self._bar_values["Runs on"].setText(_short_device(log) or device)
        if self._charts is None:
            return
        from gui.workspaces.train_charts import legend_html

        ends = [s.until_epoch for s in log.config.plan.stages[:-1]] if log.config else []
        for chart in self._charts:
            chart.refresh(log)
            chart.show_stages(ends)
        self.loss_card.remark.setText(legend_html(log) if log.epochs else "total · rpn · class · box · mask")
        self.ap_card.remark.setText(_ap_remark(log))

    def _mark_stages(self) -> None:
        log = self.log
        if log.config is None or log.status is None:
            self.plan.mark(None)
            return
        running = log.status.is_live
        done = log.progress >= 1.0
        self.plan.mark(log.config.plan, len(log.config.plan.stages) if done else log.stage_index, running)


def _ap_remark(log: RunLog) -> str:
    if not log.validations:
        return "mask · box"
    newest, best = log.validations[-1], log.best
    words = "" if log.boxes_only else f"mask {ap_words(newest.mask_ap)} · "
    words += f"box {ap_words(newest.box_ap)}"
    return words + (f" · best at epoch {best.epoch}" if best is not None else "")


def _short_device(log: RunLog) -> str:
    from gui.models.run_log import device_words

    return device_words(log.attempt.device) if log.attempt is not None else ""


def _summaries(folder: Path, _report: Report) -> tuple[Path, list[RunSummary]]:
    found = []
    for run in list_runs(folder):
        try:
            found.append(run.summary())
        except (UserError, OSError):  # a run folder somebody is deleting, or damaged: the others still count
            continue
    return folder, found


def _column(*parts: QWidget | QHBoxLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(14)
    for part in parts:
        column.addWidget(part) if isinstance(part, QWidget) else column.addLayout(part)
    return column


def _single_shot(parent: QWidget, interval: int, then: Any) -> QTimer:
    timer = QTimer(parent, singleShot=True, interval=interval)
    timer.timeout.connect(then)
    return timer
