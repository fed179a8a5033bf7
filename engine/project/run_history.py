"""Runs read back and compared: figures by epoch, time, data, and which runs were measured on the same images.

Everything comes from a run's folder: ``events.jsonl``, ``config.json`` and the frozen data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.config import TrainConfig
from engine.domain.annotation import Split
from engine.errors import RunError
from engine.events import AttemptStarted, EpochValidated, RunEvent, StepDone
from engine.project.dataset import FrozenDataset
from engine.project.runs import RunFolder, RunSummary


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """One epoch of a learning curve.

    Attributes:
        epoch: from 1.
        loss: mean over the epoch's steps of the sum of the training losses; None when no step is known.
        ap, ap50: COCO AP in [0, 1] on the frozen validation set, of masks or of boxes (:attr:`RunHistory.measure`);
            None before the validation, or without ground truth.
        per_class: AP by class name.
    """

    epoch: int
    loss: float | None
    ap: float | None
    ap50: float | None
    per_class: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The frozen data in short: annotated images of both sets and SHA-256 digests, of everything and of validation."""

    train_images: int
    val_images: int
    digest: str
    val_digest: str


@dataclass(frozen=True, slots=True)
class RunHistory:
    """One run as a person compares it.

    Attributes:
        measure: what AP is of, ``mask`` or ``box``.
        best, last: epochs of the curve with the highest and the newest AP; None before the first validation.
        curve: by epoch.
        seconds: time taken by all attempts, without what a resume threw away and without the pauses between them.
        data: None when the frozen data cannot be read.
    """

    summary: RunSummary
    config: TrainConfig
    measure: str
    best: EpochPoint | None
    last: EpochPoint | None
    curve: tuple[EpochPoint, ...]
    seconds: float
    data: DataFacts | None

    @property
    def id(self) -> str:
        return self.summary.id

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the curve."""
        s, data = self.summary, self.data
        facts = {key: value for key, value in asdict(s).items() if key not in ("id", "created")}
        return {
            "run": s.id,
            **facts,
            "state": str(s.state),
            "measure": self.measure,
            "best_ap": self.best.ap if self.best else None,
            "last_epoch": self.last.epoch if self.last else None,
            "last_ap": self.last.ap if self.last else None,
            "seconds": self.seconds,
            "train_images": data.train_images if data else None,
            "val_images": data.val_images if data else None,
            "data_digest": data.digest if data else None,
            "val_digest": data.val_digest if data else None,
        }


def history_of(run: RunFolder) -> RunHistory:
    """Read a run.

    Raises:
        RunError: when its configuration cannot be read.
    """
    events, config = run.events(), run.config
    summary = run.summary(events)
    measure = "box" if config.boxes_only else "mask"
    curve = curve_of(events, measure)
    validated = {e.epoch for e in events if isinstance(e, EpochValidated)}
    measured = [point for point in curve if point.epoch in validated]
    return RunHistory(
        summary=summary,
        config=config,
        measure=measure,
        best=next((p for p in measured if p.epoch == summary.best_epoch), None),
        last=measured[-1] if measured else None,
        curve=curve,
        seconds=seconds_taken(events),
        data=_data_facts(run),
    )


def curve_of(events: Sequence[RunEvent], measure: str) -> tuple[EpochPoint, ...]:
    """Loss and AP (``mask`` or ``box``) by epoch."""
    losses: defaultdict[int, list[float]] = defaultdict(list)
    validated: dict[int, EpochValidated] = {}
    for event in events:
        if isinstance(event, StepDone):
            losses[event.epoch].append(sum(event.losses.values()))
        elif isinstance(event, EpochValidated):
            validated[event.epoch] = event
    return tuple(_point(epoch, losses.get(epoch, []), validated.get(epoch), measure)
                 for epoch in sorted(losses.keys() | validated.keys()))  # fmt: skip


def seconds_taken(events: Sequence[RunEvent]) -> float:
    """Time from each attempt's start to its newest event, added up."""
    total, start, newest = 0.0, 0.0, 0.0
    for event in events:
        if isinstance(event, AttemptStarted):
            total += newest - start
            start = newest = event.time
        elif start:
            newest = max(newest, event.time)
    return total + newest - start


def same_validation(histories: Sequence[RunHistory]) -> dict[str, list[str]]:
    """Digest of the frozen validation set -> ids of the runs measured on it, for sets that several runs share."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for history in histories:
        if history.data is not None:
            groups[history.data.val_digest].append(history.id)
    return {digest: ids for digest, ids in groups.items() if len(ids) > 1}


def _point(epoch: int, losses: list[float], validated: EpochValidated | None, measure: str) -> EpochPoint:
    return EpochPoint(
        epoch=epoch,
        loss=sum(losses) / len(losses) if losses else None,
        ap=getattr(validated, f"{measure}_ap", None),
        ap50=getattr(validated, f"{measure}_ap50", None),
        per_class=dict(validated.per_class) if validated else {},
    )


def _data_facts(run: RunFolder) -> DataFacts | None:
    try:
        data: FrozenDataset = run.dataset()
    except RunError:
        return None
    return DataFacts(
        train_images=len(data.annotated(Split.TRAIN)),
        val_images=len(data.annotated(Split.VAL)),
        digest=data.digest,
        val_digest=data.digest_of(Split.VAL),
    )
