"""True positives, false positives and misses of one image, per instance, by mask overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.annotation import Annotation
from engine.domain.prediction import Prediction
from engine.review.candidates import as_candidates, overlap, possible_pairs


@dataclass(frozen=True, slots=True)
class Match:
    """A prediction that found an instance.

    Attributes:
        instance_id: the instance.
        position: the prediction's place in the sequence that was matched.
        iou: of the two masks (boxes without masks).
        right_class: whether their categories agree.
    """

    instance_id: str
    position: int
    iou: float
    right_class: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """What became of an image's predictions and instances.

    Attributes:
        matches: one per found instance.
        false_positives: positions of predictions that found nothing.
        missed: ids of instances that nothing found.
    """

    matches: tuple[Match, ...]
    false_positives: tuple[int, ...]
    missed: tuple[str, ...]

    @property
    def true_positives(self) -> tuple[Match, ...]:
        """Matches of the right class."""
        return tuple(m for m in self.matches if m.right_class)


def match(
    annotation: Annotation,
    predictions: Sequence[Prediction],
    *,
    min_iou: float = 0.5,
    min_score: float = 0.0,
    same_class: bool = True,
) -> Matching:
    """Match greedily as COCO does: best score first, each takes the free instance that it overlaps most.

    Args:
        annotation: the image's truth.
        predictions: of the same image; those below `min_score` are left out entirely.
        min_iou: least mask IoU (box IoU without masks).
        same_class: only instances of the prediction's category; otherwise a wrong class still finds the object,
            which is what a confusion matrix needs.
    """
    instances = as_candidates(annotation)
    kept = sorted((k for k, p in enumerate(predictions) if p.score >= min_score), key=lambda k: -predictions[k].score)
    overlaps: dict[int, list[tuple[float, int]]] = {}
    for place, truth in possible_pairs([predictions[k] for k in kept], instances, min_iou=min_iou):
        position = kept[place]
        if same_class and predictions[position].category_id != instances[truth].category_id:
            continue
        iou = overlap(predictions[position], instances[truth]).iou
        if iou >= min_iou:
            overlaps.setdefault(position, []).append((iou, truth))
    taken: dict[int, Match] = {}
    for position in kept:
        free = [(iou, truth) for iou, truth in overlaps.get(position, []) if truth not in taken]
        if free:
            iou, truth = max(free)
            right = predictions[position].category_id == instances[truth].category_id
            taken[truth] = Match(annotation.instances[truth].id, position, iou, right)
    used = {m.position for m in taken.values()}
    return Matching(
        matches=tuple(taken[k] for k in sorted(taken)),
        false_positives=tuple(k for k in kept if k not in used),
        missed=tuple(i.id for k, i in enumerate(annotation.instances) if k not in taken),
    )
