"""What an engine process tells: typed, frozen events, one JSON object a line.

Every event has ``type`` (its class name in snake case) and ``time`` (seconds since the epoch).  Readers ignore event
types they do not know, so that an older window can follow a newer engine.
"""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    time: float = Field(default_factory=time.time)


class AttemptStarted(_Event):
    """A trainer process (or `ranks` of them together) took up a run, at its start or after a resume."""

    type: Literal["attempt_started"] = "attempt_started"
    run: str
    attempt: int
    resumed_epoch: int = 0
    resumed_step: int = 0
    epochs: int
    device: str
    dtype: str
    pid: int
    train_images: int
    val_images: int
    categories: list[str]
    ranks: int = 1


class StageStarted(_Event):
    """A stage of the plan begins (index from 0)."""

    type: Literal["stage_started"] = "stage_started"
    index: int
    layers: str
    until_epoch: int
    learning_rate: float
    augment: bool
    trainable_parameters: int


class StepDone(_Event):
    """One optimiser step. `epoch` counts from 1, `step` over the whole run from 1; losses are the batch's means.

    `facts` are shares in [0, 1] where there was something to count: ``rpn_recall50`` and ``rpn_recall70`` (objects that
    some proposal covers with that IoU), ``roi_positives``, ``class_accuracy``, ``foreground_accuracy`` (of positive
    ROIs), ``mask_accuracy`` (of mask pixels).  `data_wait` is the share of the step spent waiting for samples,
    `gradient_norm` is before clipping, `memory_mib` the peak so far, `vanished` the objects that augmentation moved out
    of the picture.
    """

    type: Literal["step_done"] = "step_done"
    epoch: int
    step: int
    steps_per_epoch: int
    losses: dict[str, float]
    learning_rate: float
    images_per_second: float
    seconds_left: float
    facts: dict[str, float] = Field(default_factory=dict)
    gradient_norm: float = 0.0
    data_wait: float = 0.0
    memory_mib: float = 0.0
    vanished: int = 0


class EpochValidated(_Event):
    """Validation after an epoch: COCO AP in original pixels, each in [0, 1], NaN-free (None: no ground truth)."""

    type: Literal["epoch_validated"] = "epoch_validated"
    epoch: int
    step: int
    mask_ap: float | None
    mask_ap50: float | None
    box_ap: float | None
    box_ap50: float | None
    per_class: dict[str, float | None] = Field(default_factory=dict)
    seconds: float


class CheckpointSaved(_Event):
    """A checkpoint is complete on disk."""

    type: Literal["checkpoint_saved"] = "checkpoint_saved"
    name: str
    epoch: int
    step: int
    best: bool = False


class Note(_Event):
    """Something worth telling a person."""

    type: Literal["note"] = "note"
    level: Literal["info", "warning", "error"] = "info"
    text: str


class AttemptEnded(_Event):
    """The one terminal event of an attempt."""

    type: Literal["attempt_ended"] = "attempt_ended"
    outcome: Literal["finished", "stopped", "failed"]
    epoch: int
    step: int
    reason: str = ""


RunEvent = Annotated[
    AttemptStarted | StageStarted | StepDone | EpochValidated | CheckpointSaved | Note | AttemptEnded,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[RunEvent] = TypeAdapter(RunEvent)


def to_line(event: RunEvent) -> str:
    """One line of JSON, newline included."""
    return event.model_dump_json() + "\n"


def from_line(line: str | bytes) -> RunEvent | None:
    """The event of one line; None for a torn line or a type this version does not know."""
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError:
        return None
