"""One image's truth and predictions side by side, with everything they share: what all measures here start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.review.candidates import keys_of
from engine.review.matching import Overlaps, overlaps_between

MIN_IOU = 0.5  # from which a prediction has found an instance, as in COCO's AP50
# What overlaps less lies on background: the IoU is TIDE's (Bolya et al. 2020, https://arxiv.org/abs/2008.08115).  A
# fragment of a large object has less; it is on that object all the same if half of it is.
ON_OBJECT_IOU = 0.1
ON_OBJECT_SHARE = 0.5


@dataclass(frozen=True)
class ComparedImage:
    """What lies on one image, as far as both sides know its classes.

    Attributes:
        annotation: the truth; every instance has a mask, or none has.
        predictions: in the order they were given, likewise.
        keys: what to call each prediction: its id where they are stored, else its place.
        overlaps: of the pairs of which one lies on the other.
    """

    annotation: Annotation
    predictions: tuple[Prediction, ...]
    keys: tuple[int, ...]
    overlaps: Overlaps


def compare_images(
    truth: Iterable[Annotation], detections: Iterable[Detections], categories: Sequence[Category], *, boxes_only: bool
) -> Iterator[ComparedImage]:
    """The images of `truth` by id; those that were not looked at have no predictions.

    As in :func:`~engine.review.evaluation.precision_curves`, other categories than `categories` do not count, and
    without `boxes_only` a box that has no mask counts as a filled one.
    """
    found = {d.image_id: d.predictions for d in detections}
    known = {c.id for c in categories}
    for annotation in sorted(truth, key=lambda a: a.image_id):
        yield _compared(annotation, found.get(annotation.image_id, ()), known, boxes_only=boxes_only)


def _compared(
    annotation: Annotation, predictions: Sequence[Prediction], known: set[int], *, boxes_only: bool
) -> ComparedImage:
    size = annotation.height, annotation.width
    keys = keys_of(predictions)
    kept = [k for k, p in enumerate(predictions) if p.category_id in known]
    instances = tuple(
        replace(i, mask=_shape(i, size, boxes_only=boxes_only)) for i in annotation if i.category_id in known
    )
    shown = tuple(replace(predictions[k], mask=_shape(predictions[k], size, boxes_only=boxes_only)) for k in kept)
    annotation = replace(annotation, instances=instances)
    overlaps = overlaps_between(annotation, shown, min_iou=ON_OBJECT_IOU, min_containment=ON_OBJECT_SHARE)
    return ComparedImage(annotation, shown, tuple(keys[k] for k in kept), overlaps)


def _shape(item: Instance | Prediction, size: tuple[int, int], *, boxes_only: bool) -> Mask | None:
    if boxes_only:
        return None
    return item.mask if item.mask is not None else Mask.from_box(item.box_xyxy, *size)
