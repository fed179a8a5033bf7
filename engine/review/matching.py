"""True positives, false positives and misses of one image, per instance, by mask overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.domain.annotation import Annotation
from engine.domain.prediction import Prediction
from engine.review.candidates import Overlap, as_candidates, overlap, possible_pairs

# By (position of the prediction, position of the instance).
Overlaps = Mapping[tuple[int, int], Overlap]


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


def overlaps_between(
    annotation: Annotation, predictions: Sequence[Prediction], *, min_iou: float, min_containment: float = 2.0
) -> Overlaps:
    """Exact overlaps of an image's predictions with its instances, where they reach either of the two limits."""
    instances = as_candidates(annotation)
    pairs = possible_pairs(predictions, instances, min_iou=min_iou, min_containment=min_containment)
    found = {(k, truth): overlap(predictions[k], instances[truth]) for k, truth in pairs}
    return {key: o for key, o in found.items() if o.iou >= min_iou or o.containment >= min_containment}


def match(
    annotation: Annotation,
    predictions: Sequence[Prediction],
    *,
    min_iou: float = 0.5,
    min_score: float = 0.0,
    same_class: bool = True,
    overlaps: Overlaps | None = None,
) -> Matching:
    """Match greedily as COCO does: best score first, each takes the free instance that it overlaps most.

    Args:
        annotation: the image's truth.
        predictions: of the same image; those below `min_score` are left out entirely.
        min_iou: least mask IoU (box IoU without masks).
        same_class: only instances of the prediction's category; otherwise a wrong class still finds the object,
            which is what a confusion matrix needs: an instance of the own class goes first, then any other.
        overlaps: of all pairs from `min_iou` on, where they are known already.
    """
    known = overlaps if overlaps is not None else overlaps_between(annotation, predictions, min_iou=min_iou)
    kept = sorted((k for k, p in enumerate(predictions) if p.score >= min_score), key=lambda k: -predictions[k].score)
    wanted: dict[int, list[tuple[bool, float, int]]] = {}
    for (position, truth), shared in known.items():
        right = predictions[position].category_id == annotation.instances[truth].category_id
        if shared.iou >= min_iou and (right or not same_class):
            wanted.setdefault(position, []).append((right, shared.iou, truth))
    taken: dict[int, Match] = {}
    for position in kept:
        free = [w for w in wanted.get(position, []) if w[2] not in taken]
        if free:
            right, iou, truth = max(free)
            taken[truth] = Match(annotation.instances[truth].id, position, iou, right)
    used = {m.position for m in taken.values()}
    return Matching(
        matches=tuple(taken[k] for k in sorted(taken)),
        false_positives=tuple(k for k in kept if k not in used),
        missed=tuple(i.id for k, i in enumerate(annotation.instances) if k not in taken),
    )
