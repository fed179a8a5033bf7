"""Two networks on the very same objects: what the second one fixed, and what it broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.domain.annotation import Annotation, Category
from engine.domain.outcome import ImageOutcomes, InstanceOutcome
from engine.domain.prediction import Detections
from engine.review.bootstrap import DRAWS, Difference, Rows, differences
from engine.review.quality.compared import compare_images
from engine.review.quality.outcomes import outcomes_of


class Fate(StrEnum):
    """What became of an object from the first network to the second."""

    FIXED = "fixed"
    BROKEN = "broken"
    BOTH_WRONG = "both-wrong"
    BOTH_RIGHT = "both-right"


_FATES = {
    (False, True): Fate.FIXED,
    (True, False): Fate.BROKEN,
    (False, False): Fate.BOTH_WRONG,
    (True, True): Fate.BOTH_RIGHT,
}


@dataclass(frozen=True, slots=True)
class ObjectFate:
    """One annotated object and what either network made of it."""

    fate: Fate
    first: InstanceOutcome
    second: InstanceOutcome


@dataclass(frozen=True)
class Paired:
    """Two networks compared.

    Attributes:
        objects: every annotated object, images by id.
        figures: ``ap50``, ``recall`` and ``precision`` of both, with the interval of the difference.
        min_score: from which a prediction counts for the objects, recall and precision.
        images: that were compared.
    """

    objects: tuple[ObjectFate, ...]
    figures: dict[str, Difference]
    min_score: float
    images: int

    def count(self, fate: Fate) -> int:
        """Objects of that fate."""
        return sum(o.fate is fate for o in self.objects)

    def to_json(self, names: dict[int, str]) -> dict[str, Any]:
        """Plain values; the objects that changed by name, the others by number."""
        return {
            "images": self.images,
            "min_score": self.min_score,
            "objects": {str(fate).replace("-", "_"): self.count(fate) for fate in Fate},
            "figures": {name: figure.to_json() for name, figure in self.figures.items()},
            "changed": [_changed(o, names) for o in self.objects if o.fate in (Fate.FIXED, Fate.BROKEN)],
        }

    def sentence(self) -> str:
        """The result in words."""
        ap = self.figures["ap50"]
        fixed = self.count(Fate.FIXED)
        said = f"The second run fixed {fixed} object{'' if fixed == 1 else 's'} and broke {self.count(Fate.BROKEN)}"
        if ap.difference is None or ap.low is None or ap.high is None:
            return f"{said}."
        verdict = "more than chance" if ap.sure else "which may be chance"
        return (
            f"{said}; AP50 changed by {ap.difference:+.3f} (95 % of redrawn image sets between {ap.low:+.3f} and "
            f"{ap.high:+.3f}), {verdict}."
        )


def compare_networks(
    truth: Sequence[Annotation],
    first: Sequence[Detections],
    second: Sequence[Detections],
    categories: Sequence[Category],
    *,
    boxes_only: bool = False,
    min_score: float = 0.5,
    draws: int = DRAWS,
    seed: int = 0,
) -> Paired:
    """Match both with `truth` at IoU 0.5 and compare object by object.

    An object is right when a prediction of its class and of `min_score` or more found it.

    Args:
        truth: one annotation an image, at least one.
        first, second: unfiltered, images in any order.
    """
    one, two = (_outcomes(truth, found, categories, boxes_only=boxes_only) for found in (first, second))
    ids = [c.id for c in categories]
    figures = differences(Rows(one, ids, min_score), Rows(two, ids, min_score), len(one), draws=draws, seed=seed)
    pairs = [(a, b) for i, j in zip(one, two, strict=True) for a, b in zip(i.instances, j.instances, strict=True)]
    fates = tuple(ObjectFate(_FATES[a.found_at(min_score), b.found_at(min_score)], a, b) for a, b in pairs)
    return Paired(fates, figures, min_score, len(one))


def _outcomes(
    truth: Sequence[Annotation], found: Sequence[Detections], categories: Sequence[Category], *, boxes_only: bool
) -> list[ImageOutcomes]:
    return [outcomes_of(image) for image in compare_images(truth, found, categories, boxes_only=boxes_only)]


def _changed(fate: ObjectFate, names: dict[int, str]) -> dict[str, Any]:
    return {
        "fate": str(fate.fate),
        "image_id": fate.first.image_id,
        "instance_id": fate.first.instance_id,
        "class": names.get(fate.first.category_id, "?"),
        "first": _told(fate.first),
        "second": _told(fate.second),
    }


def _told(row: InstanceOutcome) -> dict[str, Any]:
    return {"score": row.score, "iou": row.iou, "reason": str(row.reason) if row.reason else None}
