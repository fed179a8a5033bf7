"""What overlap tests and matching share: objects with a class and a score, and how much two of them coincide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Annotation, BoxXYXY
from engine.domain.prediction import Prediction

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_BLOCK = 1 << 18  # pairs whose boxes are compared at once: a few megabytes
_LOOSER = 1 - 1e-9  # what rounding may have taken from a bound must not cost a pair


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
    return item.box_xyxy if item.mask is None else item.mask.box


def area(item: Prediction) -> float:
    """Mask area in pixels, or the box's area where there is no mask."""
    if item.mask is not None:
        return item.mask.area
    x0, y0, x1, y1 = item.box_xyxy
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)


def overlap(a: Prediction, b: Prediction) -> Overlap:
    """Exact overlap by mask; by box when either has no mask.

    Raises:
        ValueError: when the masks are of images of different sizes.
    """
    if a.mask is not None and b.mask is not None:
        size_a, size_b = float(a.mask.area), float(b.mask.area)
        shared = float((a.mask.rle & b.mask.rle).area())
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

    Both limits are above 0, or pairs that merely touch are given, too.
    """
    for start, bounds in overlap_bounds(a, b):
        left, right = np.nonzero(bounds.reach(min_iou) | bounds.hold(min_containment))
        yield from zip((left + start).tolist(), right.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What pairs can share at most; both are [N, M] in [0, 1], and 0 exactly where boxes do not touch."""

    iou: Numbers
    containment: Numbers

    def reach(self, min_iou: float) -> Flags:
        """Pairs that may have an IoU of `min_iou`."""
        return (self.iou >= min_iou * _LOOSER) & (self.iou > 0)

    def hold(self, min_containment: float) -> Flags:
        """Pairs of which one may lie in the other by `min_containment`."""
        return (self.containment >= min_containment * _LOOSER) & (self.containment > 0)


def overlap_bounds(a: Sequence[Prediction], b: Sequence[Prediction]) -> Iterator[tuple[int, Bounds]]:
    """Bounds of every object of `a` with every one of `b`, in blocks of rows, each with its first row's index.

    The intersection is at most the boxes' intersection and at most the smaller area, which bounds both ratios from
    above without looking at a pixel.
    """
    if not a or not b:
        return
    # Where some have masks and some only boxes, areas bound nothing: then touching boxes are enough.
    mixed = len({item.mask is None for item in (*a, *b)}) > 1
    extents_a, areas_a = _sizes(a)
    extents_b, areas_b = (extents_a, areas_a) if b is a else _sizes(b)
    rows = max(1, _BLOCK // len(b))
    for start in range(0, len(a), rows):
        shared = _boxes_share(extents_a[:, start : start + rows], extents_b)
        if mixed:
            yield start, Bounds(np.sign(shared), np.sign(shared))
        else:
            yield start, _bounds(shared, areas_a[start : start + rows, None], areas_b)


def _bounds(shared: Numbers, a: Numbers, b: Numbers) -> Bounds:
    smaller = np.minimum(a, b)
    np.minimum(shared, smaller, out=shared)
    union = a + b
    union -= shared
    # Nothing lies in an object without area, and two such have no union: 0 there.
    np.maximum(smaller, 1e-12, out=smaller)
    np.maximum(union, 1e-12, out=union)
    return Bounds(np.divide(shared, union, out=union), np.divide(shared, smaller, out=smaller))


def _sizes(items: Sequence[Prediction]) -> tuple[Numbers, Numbers]:
    """x0, y0, x1, y1 in rows of [4, N], and areas [N]."""
    extents = np.array([extent(i) for i in items], dtype=np.float64)
    return np.ascontiguousarray(extents.T), np.array([area(i) for i in items], dtype=np.float64)


def _boxes_share(a: Numbers, b: Numbers) -> Numbers:
    """[N, M], area that boxes [4, N] and [4, M] share."""
    left, top, right, bottom = a[:, :, None]
    width = np.minimum(right, b[2])
    width -= np.maximum(left, b[0])
    height = np.minimum(bottom, b[3])
    height -= np.maximum(top, b[1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    shared: Numbers = np.multiply(width, height, out=width)
    return shared


def _box_area(box: BoxXYXY) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _box_shared(a: BoxXYXY, b: BoxXYXY) -> float:
    return _box_area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
