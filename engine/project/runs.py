"""Training runs on disk: what was asked, on which data, how far it came, and whether it is alive."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from engine.config import TrainConfig
from engine.errors import RunError
from engine.events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointSaved,
    EpochValidated,
    RunEvent,
    StepDone,
    from_line,
)
from engine.project.dataset import FrozenDataset, freeze
from engine.project.filelock import FileLock, is_locked
from engine.project.trainable import check_trainable as check_trainable

if TYPE_CHECKING:
    from engine.project.store import ProjectStore

CheckpointName = Literal["best", "last"] | int


class RunState(StrEnum):
    """Derived from the lock and the last terminal event, never stored."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One row of the list of runs; APs are of the best epoch, None before the first validation."""

    id: str
    preset: str
    state: RunState
    created: float
    epochs: int
    epochs_done: int
    best_epoch: int | None
    mask_ap: float | None
    mask_ap50: float | None
    box_ap: float | None
    box_ap50: float | None
    device: str


class RunFolder:
    """``runs/<id>/``: config, frozen data, events, checkpoints, predictions, and the lock its trainer holds."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def config(self) -> TrainConfig:
        """What the run was asked to do.

        Raises:
            RunError: when ``config.json`` is missing or damaged.
        """
        file = self.path / "config.json"
        try:
            return TrainConfig.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise RunError(f"Run {self.id} has no readable configuration.", path=file) from error

    def dataset(self) -> FrozenDataset:
        """The data as it was when the run was made."""
        return FrozenDataset.load(self.path / "data" / "dataset.json", root=self.path)

    @property
    def created(self) -> float:
        """Seconds since the epoch."""
        return (self.path / "config.json").stat().st_mtime

    @property
    def predictions_path(self) -> Path:
        return self.path / "predictions.sqlite"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def lock_path(self) -> Path:
        return self.path / "lock"

    @property
    def output_path(self) -> Path:
        """Where the trainer's own output goes."""
        return self.path / "trainer.log"

    # --- checkpoints ------------------------------------------------------------------------------------------

    def checkpoint(self, name: CheckpointName) -> Path:
        """Path of a checkpoint: ``best``, ``last`` or the weights after an epoch (from 1)."""
        stem = f"epoch_{name:04d}" if isinstance(name, int) else name
        return self.path / "checkpoints" / f"{stem}.safetensors"

    def checkpoint_epochs(self) -> list[int]:
        """Epochs whose weights are kept."""
        found = (self.path / "checkpoints").glob("epoch_*.safetensors")
        return sorted(int(p.stem.removeprefix("epoch_")) for p in found)

    # --- life -------------------------------------------------------------------------------------------------

    def hold(self) -> FileLock:
        """Take the run's lock for the life of a trainer.

        Raises:
            RunError: when a trainer holds it already.
        """
        lock = FileLock(self.lock_path)
        if not lock.acquire():
            raise RunError(f"Run {self.id} is being trained already.", path=self.path)
        lock.write(json.dumps({"pid": os.getpid(), "host": os.uname().nodename if hasattr(os, "uname") else "",
                               "started": time.time()}))  # fmt: skip
        return lock

    def is_live(self) -> bool:
        """Whether a trainer holds the lock right now."""
        return is_locked(self.lock_path)

    def request_stop(self) -> None:
        """Ask the trainer to finish its step, save everything and end."""
        (self.path / "stop").touch()

    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    def clear_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    # --- what happened ----------------------------------------------------------------------------------------

    def events(self) -> list[RunEvent]:
        """Events in order, without those a resume went back behind."""
        if not self.events_path.exists():
            return []
        with self.events_path.open("rb") as file:
            parsed = (from_line(line) for line in file)
            return without_superseded([e for e in parsed if e is not None])

    def state(self, events: list[RunEvent] | None = None) -> RunState:
        """How the run stands: the lock says alive, the newest attempt's terminal event says how it ended."""
        live = self.is_live()
        return state_from(self.events() if events is None else events, live)

    def summary(self, events: list[RunEvent] | None = None) -> RunSummary:
        """The run in one row."""
        events = self.events() if events is None else events
        config = self.config
        key = "box_ap" if config.boxes_only else "mask_ap"
        validations = [e for e in events if isinstance(e, EpochValidated)]
        best = max(validations, key=lambda e: getattr(e, key) or 0.0, default=None)
        saved = [e.epoch for e in events if isinstance(e, CheckpointSaved) and e.name.startswith("epoch_")]
        devices = [e.device for e in events if isinstance(e, AttemptStarted)]
        return RunSummary(
            id=self.id,
            preset=config.preset,
            state=self.state(events),
            created=self.created,
            epochs=config.plan.epochs,
            epochs_done=max(saved, default=0),
            best_epoch=best.epoch if best else None,
            mask_ap=best.mask_ap if best else None,
            mask_ap50=best.mask_ap50 if best else None,
            box_ap=best.box_ap if best else None,
            box_ap50=best.box_ap50 if best else None,
            device=devices[-1] if devices else "",
        )


def state_from(events: list[RunEvent], live: bool) -> RunState:
    """State of a run from its events and whether its lock is held."""
    if live:
        return RunState.RUNNING
    newest = [e for e in events if isinstance(e, AttemptStarted | AttemptEnded)]
    if not newest:
        return RunState.STARTING
    last = newest[-1]
    return RunState(last.outcome) if isinstance(last, AttemptEnded) else RunState.LOST


def without_superseded(events: list[RunEvent]) -> list[RunEvent]:
    """Drop the steps and validations after the checkpoint that a later attempt resumed from."""
    kept: list[RunEvent] = []
    for event in events:
        if isinstance(event, AttemptStarted) and event.attempt > 1:
            kept = [e for e in kept if not _is_after(e, event.resumed_step)]
        kept.append(event)
    return kept


def _is_after(event: RunEvent, step: int) -> bool:
    return isinstance(event, StepDone | EpochValidated | CheckpointSaved) and event.step > step


# --- making, finding, starting ------------------------------------------------------------------------------------


def create_run(store: ProjectStore, config: TrainConfig) -> RunFolder:
    """Freeze the project's data into a new run folder; nothing is trained yet.

    Raises:
        DataError: when the data does not allow a training, with the reason.
        RunError: when the weights to start from do not exist, or the folder cannot be written.
    """
    dataset = freeze(store)
    check_trainable(dataset)
    if dataset.boxes_only != config.boxes_only:
        config = config.model_copy(update={"boxes_only": dataset.boxes_only})
    from engine.project.weights_choice import settle_weights  # it looks up runs itself

    config = config.model_copy(update={"weights": settle_weights(config.weights, store.folder)})
    root = store.folder / "runs"
    try:
        path = _fresh_folder(root)
        (path / "data").mkdir()
        (path / "checkpoints").mkdir()
        dataset.save(path / "data" / "dataset.json")
        (path / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise RunError(f"The run cannot be written: {error.strerror}.", path=root) from error
    return RunFolder(path)


def list_runs(project_folder: Path) -> list[RunFolder]:
    """Runs of a project, newest first."""
    root = Path(project_folder) / "runs"
    found = [RunFolder(p.parent) for p in root.glob("*/config.json")]
    return sorted(found, key=lambda r: (r.created, r.id), reverse=True)


def open_run(project_folder: Path, run_id: str = "last") -> RunFolder:
    """A run by id, or the newest one for ``last``.

    Raises:
        RunError: when there is none.
    """
    runs = list_runs(project_folder)
    if not runs:
        raise RunError("This project has no training run yet.", path=project_folder, hint="Train first.")
    if run_id == "last":
        return runs[0]
    for run in runs:
        if run.id == run_id:
            return run
    known = ", ".join(r.id for r in runs[:5])
    raise RunError(f"There is no run “{run_id}” in this project.", hint=f"Known: {known}.")


def engine_command(*arguments: str) -> list[str]:
    """Command line that starts an engine process, for a checkout, an installed and a frozen app."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "main", *arguments]


def engine_environment() -> dict[str, str]:
    """Environment in which ``-m main`` is found whatever the working directory is."""
    home = str(Path(__file__).resolve().parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def train_command(run: RunFolder, *, resume: bool = False) -> list[str]:
    """Command line of the trainer of `run`."""
    return engine_command("_train", str(run.path), *(["--resume"] if resume else []))


def _fresh_folder(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        path = root / f"{stamp}{suffix}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise RunError("No free name for a run folder.", path=root)
