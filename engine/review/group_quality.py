"""How good same-object groups are, measured against annotations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.domain.annotation import Annotation
from engine.domain.prediction import Detections, Prediction
from engine.review.candidates import as_candidates, keys_of, overlap, possible_pairs
from engine.review.overlaps import Group


@dataclass(frozen=True, slots=True)
class GroupQuality:
    """Counts over all images that have annotations.

    Attributes:
        groups: same-object groups that were flagged.
        one_object: those whose members all lie on one and the same annotated object.
        keeper_right: of these, the suggested keeper has the object's class.
        other_right: of these, one of the others has it: keeping the suggestion would have been wrong.
        second_ranked: objects whose true class ranks second among the detections on them.
        second_found: of these, flagged with the true class among the candidates.
        second_ranked_one_roi, second_found_one_roi: the same where first and second come from one ROI.
    """

    groups: int
    one_object: int
    keeper_right: int
    other_right: int
    second_ranked: int
    second_found: int
    second_ranked_one_roi: int
    second_found_one_roi: int

    @property
    def precision(self) -> float | None:
        """Share of groups that are one object; None without groups."""
        return self.one_object / self.groups if self.groups else None

    @property
    def recall(self) -> float | None:
        """Share of objects with the true class in second place that were flagged; None without such objects."""
        return self.second_found / self.second_ranked if self.second_ranked else None

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall}


def measure_groups(
    groups: Iterable[Group],
    truth: Iterable[Annotation],
    detections: Iterable[Detections],
    *,
    min_iou: float = 0.5,
) -> GroupQuality:
    """Compare `groups`, found in `detections`, with `truth`; only images in `truth` count.

    An object's detections are those that overlap it by `min_iou` or more; they are ranked by each class's best score.
    The second place may come from another ROI than the first, since suppression within a class may leave either.

    Args:
        groups: of :func:`~engine.review.overlaps.find_groups` on the very predictions in `detections`; where they
            are not stored (no ids), found image by image, so that positions mean the same on both sides.
        truth: annotations, one per image.
        detections: unfiltered (down to the lowest score stored), so that second places are seen.
        min_iou: least mask IoU (box IoU without masks) between a detection and an object.
    """
    found = {d.image_id: d.predictions for d in detections}
    by_image: dict[int, list[Group]] = defaultdict(list)
    for group in groups:
        if group.kind == "same-object":
            by_image[group.image_id].append(group)
    total: dict[str, int] = dict.fromkeys(GroupQuality.__dataclass_fields__, 0)
    for annotation in truth:
        predictions = found.get(annotation.image_id, ())
        _count(total, annotation, predictions, by_image.get(annotation.image_id, []), min_iou)
    return GroupQuality(**total)


def _count(
    total: dict[str, int],
    annotation: Annotation,
    predictions: Sequence[Prediction],
    groups: Sequence[Group],
    min_iou: float,
) -> None:
    on_object = _predictions_by_object(annotation, predictions, min_iou)
    ids = keys_of(predictions)
    members = [{m.key for m in (g.keeper, *g.others)} for g in groups]
    for group, keys in zip(groups, members, strict=True):
        total["groups"] += 1
        owners = [k for k, own in on_object.items() if keys <= {ids[p] for p in own}]
        if owners:
            category = annotation.instances[owners[0]].category_id
            total["one_object"] += 1
            total["keeper_right"] += group.keeper.category_id == category
            total["other_right"] += category in {m.category_id for m in group.others}
    for index, own in on_object.items():
        ranked = _best_of_classes(predictions, own)
        if len(ranked) > 1 and predictions[ranked[1]].category_id == annotation.instances[index].category_id:
            flagged = any({ids[ranked[0]], ids[ranked[1]]} <= keys for keys in members)
            one_roi = predictions[ranked[0]].roi == predictions[ranked[1]].roi >= 0
            total["second_ranked"] += 1
            total["second_found"] += flagged
            total["second_ranked_one_roi"] += one_roi
            total["second_found_one_roi"] += one_roi and flagged


def _predictions_by_object(
    annotation: Annotation, predictions: Sequence[Prediction], min_iou: float
) -> dict[int, list[int]]:
    objects = as_candidates(annotation)
    found: dict[int, list[int]] = {}
    for index, position in possible_pairs(objects, predictions, min_iou=min_iou):
        if overlap(objects[index], predictions[position]).iou >= min_iou:
            found.setdefault(index, []).append(position)
    return found


def _best_of_classes(predictions: Sequence[Prediction], positions: Iterable[int]) -> list[int]:
    """The best prediction of each class, highest score first."""
    best: dict[int, int] = {}
    for position in sorted(positions, key=lambda p: -predictions[p].score):
        best.setdefault(predictions[position].category_id, position)
    return list(best.values())
