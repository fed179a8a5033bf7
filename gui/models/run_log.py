"""What a run has told so far, digested for cards and curves."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right

from PySide6.QtCore import QObject, Signal

from engine.config import TrainConfig
from engine.errors import UserError
from engine.events import (
    AttemptEnded,
    AttemptStarted,
    EpochValidated,
    Note,
    RunEvent,
    StageStarted,
    StepDone,
)
from engine.project.runs import RunFolder, RunState
from gui.engine_run import RunHistory, RunStatus
from gui.models.live_numbers import LiveSeries

PARTS = ("rpn", "class", "box", "mask")
_PART_OF = {
    "loss_objectness": "rpn",
    "loss_rpn_box_reg": "rpn",
    "loss_classifier": "class",
    "loss_box_reg": "box",
    "loss_mask": "mask",
}
STATE_WORDS = {
    RunState.STARTING: "starting",
    RunState.RUNNING: "running",
    RunState.FINISHED: "finished",
    RunState.STOPPED: "stopped",
    RunState.FAILED: "failed",
    RunState.LOST: "lost",
}


class RunLog(QObject):
    """One run as it is known now.

    Attributes:
        status: how it stands, None while no run is shown.
        config: what it was asked to do, None when that cannot be read.
        attempt, stage, step: the newest event of each kind.
        epochs: position of each step, in epochs from 0.
        losses: series by name, ``total`` and :data:`PARTS`, as long as :attr:`epochs`.
        live: what else the steps told, as long as :attr:`epochs`.
        validations: by epoch, in order.
        lines: the log in words.

    Signals:
        reset: another run is shown.
        changed: something new was told; coalesce before painting.
        line_added(str): a line of the log.
    """

    reset = Signal()
    changed = Signal()
    line_added = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clear()

    def _clear(self) -> None:
        self.status: RunStatus | None = None
        self.config: TrainConfig | None = None
        self.attempt: AttemptStarted | None = None
        self.stage: StageStarted | None = None
        self.step: StepDone | None = None
        self.steps: list[int] = []
        self.epochs = array("d")
        self.losses = {name: array("d") for name in ("total", *PARTS)}
        self.live = LiveSeries()
        self.validations: list[EpochValidated] = []
        self.lines: list[str] = []

    @property
    def run(self) -> RunFolder | None:
        """The run that is shown."""
        return self.status.run if self.status else None

    def clear(self) -> None:
        """Show no run."""
        self._clear()
        self.reset.emit()
        self.changed.emit()

    def load(self, history: RunHistory) -> None:
        """Show this run from its beginning."""
        self._clear()
        self.status = history.status
        try:
            self.config = history.status.run.config
        except UserError:
            self.config = None
        for event in history.events:
            self._take(event)
        self.reset.emit()
        self.changed.emit()

    def add(self, event: RunEvent) -> None:
        """One more event of the same run."""
        line = self._take(event)
        if line:
            self.line_added.emit(line)
        self.changed.emit()

    def set_status(self, status: RunStatus) -> None:
        """How the run stands now; a status of another run is ignored."""
        if self.status is not None and status.run.path == self.status.run.path:
            self.status = status
            self.changed.emit()

    # --- in numbers and words ---------------------------------------------------------------------------------

    @property
    def total_epochs(self) -> int:
        """Epochs of the plan, 0 when unknown."""
        return self.config.plan.epochs if self.config else (self.attempt.epochs if self.attempt else 0)

    @property
    def progress(self) -> float:
        """Part done, in [0, 1]."""
        if not self.total_epochs:
            return 0.0
        if self.status is not None and self.status.state is RunState.FINISHED:
            return 1.0
        return min(1.0, self.epochs[-1] / self.total_epochs) if self.epochs else 0.0

    @property
    def boxes_only(self) -> bool:
        return bool(self.config and self.config.boxes_only)

    @property
    def best(self) -> EpochValidated | None:
        """The validation of the best epoch."""
        key = "box_ap" if self.boxes_only else "mask_ap"
        return max(self.validations, key=lambda v: getattr(v, key) or 0.0, default=None)

    @property
    def stage_index(self) -> int:
        """Index of the stage that trains now, -1 before the first."""
        return self.stage.index if self.stage else -1

    def headline(self) -> str:
        """One line: epoch x of y, stage, speed, device."""
        if self.status is None:
            return ""
        parts = []
        if self.step is not None:
            parts.append(f"epoch {self.step.epoch} of {self.total_epochs}")
            if self.stage is not None:
                parts.append(f"stage {self.stage.index + 1} “{self.stage.layers}”")
            if self.status.state is RunState.RUNNING:
                parts.append(f"{self.step.images_per_second:.1f} images/s")
        if self.attempt is not None:
            parts.append(device_words(self.attempt.device))
        if not parts:
            parts.append("loading the network" if self.status.is_live else "nothing was trained")
        return " · ".join(parts)

    def time_left(self) -> str:
        """ "14 min left" while it trains, else ""."""
        if self.step is None or self.status is None or self.status.state is not RunState.RUNNING:
            return ""
        return f"{duration_words(self.step.seconds_left)} left"

    # --- taking events ----------------------------------------------------------------------------------------

    def _take(self, event: RunEvent) -> str:
        if isinstance(event, StepDone):
            self._add_step(event)
        elif isinstance(event, EpochValidated):
            self.validations = [v for v in self.validations if v.epoch < event.epoch] + [event]
        elif isinstance(event, StageStarted):
            self.stage = event
        elif isinstance(event, AttemptStarted):
            self.attempt = event
            if event.attempt > 1:
                self._go_back_to(event.resumed_step)
        line = line_of(event)
        if line:
            self.lines.append(line)
        return line

    def _add_step(self, event: StepDone) -> None:
        self.step = event
        self.steps.append(event.step)
        self.epochs.append(event.step / max(1, event.steps_per_epoch))
        parts = dict.fromkeys(PARTS, 0.0)
        for name, value in event.losses.items():
            part = _PART_OF.get(name, name)
            if part in parts:
                parts[part] += value
        self.losses["total"].append(event.losses.get("total", sum(parts.values())))
        for name, value in parts.items():
            self.losses[name].append(value)
        self.live.add(event)

    def _go_back_to(self, step: int) -> None:
        """Forget what came after the checkpoint that this attempt resumes from."""
        keep = bisect_right(self.steps, step)
        del self.steps[keep:], self.epochs[keep:]
        for series in self.losses.values():
            del series[keep:]
        self.live.keep(keep)
        self.validations = [v for v in self.validations if v.step <= step]


def line_of(event: RunEvent) -> str:
    """The line of the log for `event`, "" for one that is only drawn."""
    text = _words_of(event)
    return f"{time.strftime('%H:%M:%S', time.localtime(event.time))}  {text}" if text else ""


def _words_of(event: RunEvent) -> str:
    if isinstance(event, AttemptStarted):
        verb = f"resumed after epoch {event.resumed_epoch}" if event.attempt > 1 else "started"
        images = f"{event.train_images} training and {event.val_images} validation images"
        return (
            f"Training {verb} on {device_words(event.device)}, {event.dtype}: {images}, {', '.join(event.categories)}."
        )
    if isinstance(event, StageStarted):
        augment = "with augmentation" if event.augment else "without augmentation"
        weights = f"{event.trainable_parameters / 1e6:.1f} M weights"
        return (
            f"Stage {event.index + 1}: {event.layers} until epoch {event.until_epoch} at rate "
            f"{event.learning_rate:g}, {augment}, {weights}."
        )
    if isinstance(event, EpochValidated):
        return f"Epoch {event.epoch}: mask AP {ap_words(event.mask_ap)}, box AP {ap_words(event.box_ap)}."
    if isinstance(event, Note):
        return event.text
    if isinstance(event, AttemptEnded):
        return f"Training {event.outcome} at epoch {event.epoch}." + (f" {event.reason}" if event.reason else "")
    return ""


def ap_words(value: float | None) -> str:
    """An AP with two decimals, a dash when there was nothing to measure."""
    return "–" if value is None else f"{value:.2f}"


def device_words(device: str) -> str:
    """ "cpu" as a person says it."""
    return {"cpu": "this CPU", "cuda": "this GPU", "cuda:0": "this GPU", "mps": "this GPU"}.get(device, device)


def duration_words(seconds: float) -> str:
    """ "40 s", "14 min", "2 h 05 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def when_words(moment: float, now: float | None = None) -> str:
    """ "just now", "25 min ago", "yesterday", "Monday", "3 Feb"."""
    now = time.time() if now is None else now
    passed = now - moment
    if passed < 90:
        return "just now"
    if passed < 3600:
        return f"{round(passed / 60)} min ago"
    then, today = time.localtime(moment), time.localtime(now)
    if (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday):
        return time.strftime("today %H:%M", then)
    if passed < 6 * 86400:
        yesterday = time.localtime(now - 86400)
        if (then.tm_year, then.tm_yday) == (yesterday.tm_year, yesterday.tm_yday):
            return "yesterday"
        return time.strftime("%A", then)
    return f"{then.tm_mday} {time.strftime('%b', then)}"
