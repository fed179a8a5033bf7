"""What limits a diagnosis, whatever it says."""

from __future__ import annotations

from dataclasses import dataclass

from engine.project.runs import RunState
from engine.review.diagnosis.evidence import Evidence
from engine.review.preflight.classes import FEWEST_IMAGES
from engine.review.preflight.findings import counted


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a diagnosis was made under.

    Attributes:
        state: of the run.
        changed: annotations or splits of the project are no longer those of the run.
        train_images: annotated training images there are, of which some may not have been looked at.
    """

    state: RunState
    changed: bool
    train_images: int


def caveats_of(evidence: Evidence, under: Circumstances) -> tuple[str, ...]:
    """A sentence for each that applies."""
    told = []
    if under.state is not RunState.FINISHED:
        done = f"{len(evidence.curve)} of {counted(evidence.planned_epochs, 'epoch')}"
        told.append(f"The run is {under.state}, not finished: {done} are known.")
    if under.changed:
        told.append(
            "Annotations or splits changed since the run began; it is judged by the data that it learned from. Train "
            "again to see what the changes did."
        )
    if evidence.val.images < FEWEST_IMAGES:
        told.append(
            f"Validation has only {counted(evidence.val.images, 'image')}: what it says may be luck, and the intervals "
            "are wide."
        )
    if evidence.train.images < under.train_images:
        told.append(
            f"Of {under.train_images:,} training images a random {evidence.train.images:,} were looked at; "
            "contradictions on the others are not listed."
        )
    return tuple(told)
