"""The Train room: what will be trained, how it goes, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.events import CheckpointSaved, EpochValidated, RunEvent
from engine.project.runs import RunFolder
from gui.engine_run import RunHistory, RunStatus
from gui.models.preflight import facts_about
from gui.models.run_log import RunLog, device_words
from gui.models.weights_choices import RunWeights
from gui.throttle import Throttle
from gui.workspaces.train_bar import TrainBar
from gui.workspaces.train_classes import ClassesCard
from gui.workspaces.train_curves import ApCard, LossCard, ShareCard
from gui.workspaces.train_facts import FactsCard
from gui.workspaces.train_findings import FindingsCard
from gui.workspaces.train_layout import column, row, scrolled
from gui.workspaces.train_live import LiveCard
from gui.workspaces.train_log import LogCard
from gui.workspaces.train_plan import PRESET_TITLES, PlanCard
from gui.workspaces.train_run_card import RunCard
from gui.workspaces.train_runs import RunsCard, RunsReader

if TYPE_CHECKING:
    from gui.session import Session

REFRESH_MS = 250
FACTS_MS = 400


class TrainRoom(QWidget):
    """The room on the window's switch.

    Signals:
        hint_changed(str): one line for the status bar.
        go_wanted(str): a person wants to go on in another room.
    """

    hint_changed = Signal(str)
    go_wanted = Signal(str)
    _has_curves = False  # a change of the palette can come before anything else

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.log = RunLog(self)
        self._runs_reader = RunsReader(session, self)
        self._build()
        self._paint = Throttle(REFRESH_MS, self._refresh, self)
        self._facts_timer = QTimer(self, singleShot=True, interval=FACTS_MS)
        self._facts_timer.timeout.connect(self._refresh_facts)
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
        self.bar = TrainBar()
        self.run_card = RunCard()
        self.loss_card, self.ap_card, self.share_card = LossCard(), ApCard(), ShareCard()
        self.live, self.classes, self.log_card = LiveCard(), ClassesCard(), LogCard()
        self.plan, self.facts, self.runs = PlanCard(), FactsCard(), RunsCard()
        self.findings = FindingsCard(self.session)
        upper, lower = row(self.loss_card, self.ap_card), row(self.live, self.share_card)
        left = column(self.run_card, upper, lower, self.classes)
        left.addWidget(self.log_card, 1)
        right = column(self.plan, self.facts, self.findings, self.runs)
        right.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(scrolled(left, right), 1)

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
        self.log.changed.connect(self._paint_soon)
        self.log.line_added.connect(self.log_card.add_line)
        self.run_card.stop_asked.connect(self._stop)
        self.run_card.resume_asked.connect(self._resume)
        self.runs.chosen.connect(self._show_run)
        self.plan.changed.connect(self._plan_changed)
        self.findings.image_wanted.connect(self._show_image)
        self.share_card.chosen.connect(self._draw_share)
        self._runs_reader.read.connect(self._runs_read)
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
        self._runs_reader.look()

    def _on_event(self, event: RunEvent) -> None:
        if not self._shows_followed():
            return
        self.log.add(event)
        if isinstance(event, EpochValidated | CheckpointSaved):
            self._runs_reader.look()

    def _on_state(self, status: RunStatus) -> None:
        self.log.set_status(status)
        self._runs_reader.look()

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
        self.bar.show_value("Preset", PRESET_TITLES.get(name, "my own").lower())
        self.bar.show_value("Starts from", self.plan.weights.title)
        self._paint_soon()
        self._facts_timer.start()

    # --- the project ------------------------------------------------------------------------------------------

    def _on_project(self) -> None:
        self.log.clear()
        self.runs.show_runs((), "")
        self.plan.weights.forget_runs()
        self.findings.clear()
        self._facts_timer.start()
        self._runs_reader.look()

    def _on_changed(self, _changed: object) -> None:
        self._facts_timer.start()

    def _refresh_facts(self) -> None:
        self._facts_timer.setInterval(FACTS_MS)  # the start at the first sight has no delay
        store = self.session.store
        if store is None or not self.isVisible():
            return
        self.facts.show_facts(facts_about(store))
        images = len(store.images())
        self.bar.show_value("Data", f"{images} image{'s' if images != 1 else ''}")
        self.bar.show_value("Classes", str(len(store.categories())))
        self._look()

    def _look(self) -> None:
        if not self.plan.problem():
            self.findings.look(self.plan.config())

    def _show_image(self, image_id: int) -> None:
        if self.session.open_image(image_id):
            self.go_wanted.emit("annotate")

    def _runs_read(self, found: Sequence[RunWeights]) -> None:
        store = self.session.store
        if store is not None:
            shown = self.log.run.id if self.log.run is not None else ""
            self.runs.show_runs([run.summary for run in found], shown, boxes_only=store.boxes_only)
            self.plan.weights.show_runs(found)

    # --- drawing ----------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._has_curves:
            self._has_curves = True
            for card in (self.loss_card, self.ap_card, self.share_card):
                card.make_chart()
        self._facts_timer.start(0)
        self._refresh()
        self.hint_changed.emit("Curves follow the run · you can draw in Annotate meanwhile · Stop keeps everything")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._has_curves:
            self._paint_soon()  # the words of the curves have their colours

    def _paint_soon(self) -> None:
        """Draw within :data:`REFRESH_MS`, however fast a run tells."""
        self._paint.push(None)

    def _on_reset(self) -> None:
        self.log_card.show_lines(self.log.lines)
        self.runs.mark(self.log.run.id if self.log.run is not None else "")
        if self.log.config is not None and self.log.status is not None and self.log.status.is_live:
            self.plan.show_config(self.log.config)

    def _refresh(self, _: None = None) -> None:
        if not self.isVisible():
            return
        log = self.log
        self.run_card.refresh(log if log.status is not None else None)
        self.live.refresh(log)
        self.classes.refresh(log)
        self._mark_stages()
        self.bar.show_value("Runs on", _device(log) or str(self.plan.device.currentText()).lower())
        for card in (self.loss_card, self.ap_card, self.share_card):
            card.refresh(log)

    def _draw_share(self) -> None:
        self.share_card.refresh(self.log)

    def _mark_stages(self) -> None:
        log = self.log
        if log.config is None or log.status is None:
            self.plan.mark(None)
            return
        running = log.status.is_live
        done = log.progress >= 1.0
        self.plan.mark(log.config.plan, len(log.config.plan.stages) if done else log.stage_index, running)


def _device(log: RunLog) -> str:
    return device_words(log.attempt.device) if log.attempt is not None else ""
