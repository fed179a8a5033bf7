"""Hole fidelity: are the holes of the annotated objects there in the predicted masks?

A hole is what :attr:`Mask.holes <engine.domain.mask.Mask.holes>` says: background that the mask encloses.  What has
fewer than 9 pixels (3 x 3) is a speck, of a ragged outline or a coarse mask, and is left out on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.domain.annotation import BoxXYXY, box_of
from engine.domain.mask import Mask
from engine.domain.outcome import ImageOutcomes
from engine.domain.prediction import Prediction
from engine.review.candidates import overlap, possible_pairs
from engine.review.quality.compared import MIN_IOU, ComparedImage

MIN_HOLE_AREA = 9
HoleKind = Literal["kept", "inexact", "filled", "false"]


@dataclass(frozen=True, slots=True)
class HoleOutcome:
    """What became of one hole of a found object, or where one was invented.

    Attributes:
        image_id, instance_id, prediction_id: the object and the prediction that found it.
        kind: "kept" (IoU 0.5 and above), "inexact" (a predicted hole meets it, but not by that much), "filled" (none
            meets it), or "false" (a predicted hole that is left over).
        area: of the hole, in pixels.
        box_xyxy: around the hole.
        iou: with the predicted hole, 0.0 without one.
    """

    image_id: int
    instance_id: str
    prediction_id: int
    kind: HoleKind
    area: int
    box_xyxy: BoxXYXY
    iou: float


@dataclass(frozen=True, slots=True)
class HoleFidelity:
    """Holes over all images.

    Attributes:
        annotated: holes of all annotated objects.
        compared: of these, on objects that were found; kept + inexact + filled.
        kept, inexact, filled, false: see :class:`HoleOutcome`.
        mean_iou: over the compared holes, in [0, 1]; None without any.
        holes: every one of them, in the images' order.
    """

    annotated: int
    compared: int
    kept: int
    inexact: int
    filled: int
    false: int
    mean_iou: float | None
    holes: tuple[HoleOutcome, ...] = ()

    @property
    def kept_share(self) -> float | None:
        """Share of the compared holes that are there; None without any."""
        return self.kept / self.compared if self.compared else None

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``, without the single holes."""
        figures = asdict(self)
        del figures["holes"]
        return {**figures, "kept_share": self.kept_share, "min_area": MIN_HOLE_AREA}


def hole_fidelity(images: Iterable[tuple[ComparedImage, ImageOutcomes]], *, min_score: float) -> HoleFidelity:
    """Compare the holes of every instance that was found with score `min_score` and above."""
    annotated = 0
    outcomes: list[HoleOutcome] = []
    for image, measured in images:
        masks = dict(zip(image.keys, (p.mask for p in image.predictions), strict=True))
        for instance, outcome in zip(image.annotation, measured.instances, strict=True):
            if instance.mask is None:
                continue
            annotated += len(holes_of(instance.mask))
            found = masks.get(outcome.prediction_id) if outcome.prediction_id is not None else None
            if outcome.found_at(min_score) and found is not None and outcome.prediction_id is not None:
                ids = (image.annotation.image_id, instance.id, outcome.prediction_id)
                outcomes += _of_object(ids, instance.mask, found)
    return _summed(annotated, tuple(outcomes))


def holes_of(mask: Mask) -> tuple[Mask, ...]:
    """The holes of `mask` that are no specks."""
    return tuple(h for h in mask.holes if h.area >= MIN_HOLE_AREA)


def pair_holes(truth: Sequence[Mask], predicted: Sequence[Mask]) -> dict[int, tuple[int, float]]:
    """Pair holes that share pixels one to one, the largest IoU first.

    Returns:
        Position in `truth` to (position in `predicted`, IoU).
    """
    a, b = _as_items(truth), _as_items(predicted)
    meeting = ((overlap(a[i], b[j]).iou, i, j) for i, j in possible_pairs(a, b, min_iou=0.0))
    pairs: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for iou, i, j in sorted(meeting, key=lambda m: (-m[0], m[1], m[2])):
        if iou > 0 and i not in pairs and j not in taken:
            pairs[i] = (j, iou)
            taken.add(j)
    return pairs


def _of_object(ids: tuple[int, str, int], truth: Mask, predicted: Mask) -> Iterator[HoleOutcome]:
    wanted, there = holes_of(truth), holes_of(predicted)
    pairs = pair_holes(wanted, there)
    for k, hole in enumerate(wanted):
        iou = pairs[k][1] if k in pairs else 0.0
        kind: HoleKind = "kept" if iou >= MIN_IOU else "inexact" if iou > 0 else "filled"
        yield HoleOutcome(*ids, kind, hole.area, box_of(hole), iou)
    used = {j for j, _ in pairs.values()}
    for j, hole in enumerate(there):
        if j not in used:
            yield HoleOutcome(*ids, "false", hole.area, box_of(hole), 0.0)


def _summed(annotated: int, holes: tuple[HoleOutcome, ...]) -> HoleFidelity:
    count = Counter(h.kind for h in holes)
    ious = [h.iou for h in holes if h.kind != "false"]
    return HoleFidelity(
        annotated=annotated,
        compared=len(ious),
        kept=count["kept"],
        inexact=count["inexact"],
        filled=count["filled"],
        false=count["false"],
        mean_iou=sum(ious) / len(ious) if ious else None,
        holes=holes,
    )


def _as_items(masks: Sequence[Mask]) -> list[Prediction]:
    return [Prediction(k, 0, 0, 1.0, box_of(m), m) for k, m in enumerate(masks)]
