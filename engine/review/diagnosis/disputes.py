"""Where a network contradicts what it was taught, and is as sure of it as where it agrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import fmean
from typing import Any

from engine.domain.outcome import FalseReason, ImageOutcomes, PredictionOutcome


class DisputeKind(StrEnum):
    """What the network and the person disagree about."""

    CLASS = "class"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Dispute:
    """One confident contradiction on an image that was trained on.

    Attributes:
        kind: another class for an annotated object, or an object where nothing is annotated.
        image_id: the store's image id.
        prediction_id: as in :class:`~engine.domain.outcome.PredictionOutcome`.
        category_id: what the network says.
        score: how sure it is, in [0, 1].
        instance_id, said_id: the annotated object and its category; None on background.
    """

    kind: DisputeKind
    image_id: int
    prediction_id: int
    category_id: int
    score: float
    instance_id: str | None = None
    said_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "kind": str(self.kind)}


@dataclass(frozen=True)
class Disputes:
    """All contradictions on a set of images, the surest first.

    Attributes:
        errors: what they are a part of: objects that are not found or disputed, and predictions on nothing that are as
            sure as right ones.
    """

    items: tuple[Dispute, ...]
    errors: int

    @property
    def share(self) -> float:
        """Part of the errors that the network insists on, in [0, 1]."""
        return len(self.items) / self.errors if self.errors else 0.0

    @property
    def images(self) -> tuple[int, ...]:
        """Ids of the images with contradictions, those with the most first."""
        counts: defaultdict[int, int] = defaultdict(int)
        for item in self.items:
            counts[item.image_id] += 1
        return tuple(sorted(counts, key=lambda image_id: (-counts[image_id], image_id)))


def disputes_of(outcomes: Sequence[ImageOutcomes]) -> Disputes:
    """Contradictions as confident learning finds label errors (Northcutt et al. 2021, https://arxiv.org/abs/1911.00068).

    A prediction is confident from the mean score on of the right predictions of its class: no threshold is chosen, and
    a network that is unsure of everything is measured by its own standard.  Another class counts only where it is surer
    than a prediction of the annotated class on the same object.
    """
    confident = confident_scores(outcomes)
    items: list[Dispute] = []
    errors = 0
    for image in outcomes:
        found = _disputed(image, confident)
        disputed = {d.instance_id for d in found}
        items += found
        errors += sum(d.kind is DisputeKind.MISSING for d in found)
        errors += sum(i.reason is not None or i.instance_id in disputed for i in image.instances)
    return Disputes(tuple(sorted(items, key=lambda d: (-d.score, d.image_id, d.prediction_id))), errors)


def confident_scores(outcomes: Sequence[ImageOutcomes]) -> dict[int, float]:
    """Mean score of the right predictions of each class that has any."""
    scores: defaultdict[int, list[float]] = defaultdict(list)
    for image in outcomes:
        for row in image.predictions:
            if row.right:
                scores[row.category_id].append(row.score)
    return {category: fmean(of_class) for category, of_class in scores.items()}


def _disputed(image: ImageOutcomes, confident: Mapping[int, float]) -> list[Dispute]:
    """At most one contradiction for each object, the surest."""
    instances = {i.instance_id: i for i in image.instances}
    found: list[Dispute] = []
    seen: set[str] = set()
    for row in sorted(image.predictions, key=lambda p: -p.score):
        if row.category_id not in confident or row.score < confident[row.category_id]:
            continue
        if row.reason is FalseReason.BACKGROUND:
            found.append(_dispute(DisputeKind.MISSING, row, None))
        elif row.reason is FalseReason.WRONG_CLASS and row.instance_id is not None and row.instance_id not in seen:
            seen.add(row.instance_id)
            instance = instances[row.instance_id]
            if not instance.found_at(row.score):
                found.append(_dispute(DisputeKind.CLASS, row, instance.category_id))
    return found


def _dispute(kind: DisputeKind, row: PredictionOutcome, said: int | None) -> Dispute:
    place = None if said is None else row.instance_id
    return Dispute(kind, row.image_id, row.prediction_id, row.category_id, row.score, place, said)
