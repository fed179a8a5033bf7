"""What overlap tests and matching share: objects with a class and a score, and how much two of them coincide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Annotation, BoxXYXY
from engine.domain.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two objects of one image share pixels.

    Attributes:
        iou: intersection over union in [0, 1].
        containment: intersection over the smaller one's area in [0, 1].
    """

    iou: float
    containment: float


def as_candidates(annotation: Annotation) -> tuple[Prediction, ...]:
    """An image's instances as predictions of score 1.0; the k-th instance (from 0) gets id ``k + 1``."""
    return tuple(
        Prediction(k, annotation.image_id, i.category_id, 1.0, i.box_xyxy, i.mask)
        for k, i in enumerate(annotation.instances, start=1)
    )


def keys_of(predictions: Sequence[Prediction]) -> list[int]:
    """What to call each prediction: its id when all have one of their own (stored ones do), else its position."""
    ids = [p.id for p in predictions]
    return ids if 0 not in ids and len(set(ids)) == len(ids) else list(range(len(ids)))


def extent(item: Prediction) -> BoxXYXY:
    """Tight box of the mask, or the predicted box where there is no mask."""
    if item.mask is None:
        return item.box_xyxy
    x0, y0, x1, y1 = item.mask.box
    return (float(x0), float(y0), float(x1), float(y1))


def area(item: Prediction) -> float:
    """Mask area in pixels, or the box's area where there is no mask."""
    if item.mask is not None:
        return float(item.mask.area)
    x0, y0, x1, y1 = item.box_xyxy
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)


def overlap(a: Prediction, b: Prediction) -> Overlap:
    """Exact overlap by mask; by box when either has no mask."""
    if a.mask is not None and b.mask is not None:
        size_a, size_b, shared = float(a.mask.area), float(b.mask.area), float(a.mask.intersection_area(b.mask))
    else:
        box_a, box_b = extent(a), extent(b)
        size_a, size_b, shared = _box_area(box_a), _box_area(box_b), _box_shared(box_a, box_b)
    union, smaller = size_a + size_b - shared, min(size_a, size_b)
    if union <= 0 or smaller <= 0:
        return Overlap(0.0, 0.0)
    return Overlap(shared / union, shared / smaller)


def possible_pairs(
    a: Sequence[Prediction], b: Sequence[Prediction], *, min_iou: float, min_containment: float = 2.0
) -> Iterator[tuple[int, int]]:
    """Index pairs into `a` and `b` whose boxes and areas allow an overlap that large; no pair that has one is left out.

    The intersection is at most the boxes' intersection and at most the smaller area, which bounds both ratios from
    above without looking at a pixel.
    """
    if not a or not b:
        return
    # Where some have masks and some only boxes, areas bound nothing: then touching boxes are enough.
    mixed = len({item.mask is None for item in (*a, *b)}) > 1
    boxes_a, boxes_b = _boxes(a), _boxes(b)
    areas_a, areas_b = _areas(a), _areas(b)
    for i in range(len(a)):
        low = np.maximum(boxes_a[i, :2], boxes_b[:, :2])
        high = np.minimum(boxes_a[i, 2:], boxes_b[:, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        smaller = np.minimum(areas_a[i], areas_b)
        shared = np.minimum(shared, smaller)
        enough = (shared >= min_iou * (areas_a[i] + areas_b - shared) * (1 - 1e-9)) | (
            shared >= min_containment * smaller * (1 - 1e-9)
        )
        for j in np.flatnonzero((enough | mixed) & (shared > 0)):
            yield i, int(j)


def _boxes(items: Sequence[Prediction]) -> npt.NDArray[np.float64]:
    return np.array([extent(i) for i in items], dtype=np.float64).reshape(-1, 4)


def _areas(items: Sequence[Prediction]) -> npt.NDArray[np.float64]:
    return np.array([area(i) for i in items], dtype=np.float64)


def _box_area(box: BoxXYXY) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _box_shared(a: BoxXYXY, b: BoxXYXY) -> float:
    return _box_area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
