"""All checks of the data before a training, in the order of their weight."""

from __future__ import annotations

from collections.abc import Callable

from engine.config import TrainConfig
from engine.project.dataset import FrozenDataset
from engine.review.preflight.classes import class_findings, obstacle_findings
from engine.review.preflight.findings import Finding, most_important_first
from engine.review.preflight.fit import ANCHOR_SIZES
from engine.review.preflight.objects import object_findings
from engine.review.preflight.pictures import USED, file_findings, leak_findings, use_findings

Report = Callable[[float, str], None]


def preflight(dataset: FrozenDataset, config: TrainConfig, *, progress: Report | None = None) -> list[Finding]:
    """What a person should know before training on `dataset`: refusals first, then warnings, then notes.

    Needs no network and no torch.  Files of the training and validation split are opened for their headers, and once at
    a low resolution to find equal pictures.

    Args:
        progress: called with the part that is done, in [0, 1], and what is being looked at; what it raises ends the
            work.
    """
    tell = progress or _silent
    names = {c.id: c.name for c in dataset.categories}
    used = [image for split in USED for image in dataset.annotated(split)]
    tell(0.0, "Looking at the files")
    found = [*obstacle_findings(dataset), *file_findings(used)]
    found += object_findings(
        used,
        image_size=config.image_size,
        names=names,
        anchors=config.anchor_sizes or ANCHOR_SIZES,
        progress=lambda done, total: tell(0.5 * done / total, "Looking at the objects"),
    )
    found += class_findings(dataset)
    found += leak_findings(
        dataset, progress=lambda done, total: tell(0.5 + 0.5 * done / total, "Comparing the pictures")
    )
    found += use_findings(dataset)
    return most_important_first(found)


def _silent(_part: float, _text: str) -> None:
    """Nobody listens."""
