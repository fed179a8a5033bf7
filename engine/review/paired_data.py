"""The frozen objects that two runs share, and what each of them found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.annotation import Annotation, Category, Split
from engine.domain.prediction import Detections
from engine.errors import RunError
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder


@dataclass(frozen=True)
class SharedTruth:
    """What both runs were to find, as it was frozen when they started."""

    annotations: tuple[Annotation, ...]
    categories: tuple[Category, ...]
    boxes_only: bool


def shared_truth(first: RunFolder, second: RunFolder, split: Split) -> SharedTruth:
    """The frozen split of two runs.

    Raises:
        RunError: when the two differ, have no annotated image, or cannot be read.
    """
    one, two = first.dataset(), second.dataset()
    images = one.annotated(split)
    if one.digest_of(split) != two.digest_of(split):
        raise RunError(
            f"Runs {first.id} and {second.id} have different {split} sets ({len(images)} and "
            f"{len(two.annotated(split))} images, or other annotations), so their objects cannot be compared.",
            hint="The list of runs says which ones share a set.",
        )
    if not images:
        raise RunError(f"The {split} set of these runs has no annotated image.", path=first.path)
    boxes_only = first.config.boxes_only or second.config.boxes_only
    return SharedTruth(tuple(i.annotation for i in images), one.categories, boxes_only)


def detections_on(run: RunFolder, truth: Sequence[Annotation], project: str) -> tuple[int, list[Detections]]:
    """What the run found on all of `truth`, of the newest epoch that has looked at them all; and that epoch.

    Args:
        project: how a person calls the project's folder, for the hint.

    Raises:
        RunError: when no epoch has looked at all of them.
    """
    wanted = [a.image_id for a in truth]
    with PredictionStore(run.predictions_path) as staged:
        most = 0
        for epoch in staged.epochs():
            there = set(staged.image_ids(epoch))
            if there.issuperset(wanted):
                return epoch, [staged.detections(image_id, epoch) for image_id in wanted]
            most = max(most, len(there.intersection(wanted)))
    raise RunError(
        f"Run {run.id} has predictions of {most} of the {len(wanted)} images only.",
        path=run.path,
        hint=f"Measure it first: evaluate {project} --run {run.id}.",
    )
