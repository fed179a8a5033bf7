"""How well anchors fit the objects of a data set, measured on the true grids, and sizes that fit better.

An anchor's overlap with a box is largest where its centre is nearest, along x and along y independently: the shared
area is a product of two overlaps, each of which only shrinks with the distance.  So the best of all anchors is found
exactly without laying them all out (a test compares with the network's own).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.model.inputs import input_size, resize_affine
from engine.project.dataset import FrozenImage
from engine.training.samples import place

Floats = npt.NDArray[np.float64]

STRIDES = (4, 8, 16, 32, 64)
_DIVISOR = 32  # inputs are padded to multiples of it
# An anchor of less than two strides leaves gaps between its places; one of 16 spans more than its level sees well.
_LEAST_STRIDES, _MOST_STRIDES = 2, 16
_ROUND_TO = 4
_ROUNDS = 50  # k-means in one dimension settles long before


@dataclass(frozen=True)
class Objects:
    """Objects as the network is fed them, without augmentation.

    Attributes:
        boxes: float [N, 4] xyxy in input pixels.
        frames: int [N, 2], height and width of each one's padded input.
        categories: int [N], the store's ids.
    """

    boxes: Floats
    frames: npt.NDArray[np.int64]
    categories: npt.NDArray[np.int64]

    @property
    def sizes(self) -> Floats:
        """Square roots of the boxes' areas, in input pixels."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return np.asarray(np.sqrt(sides[:, 0] * sides[:, 1]))


@dataclass(frozen=True)
class AnchorFit:
    """How well anchors fit some objects; shares in [0, 1].

    Attributes:
        objects: how many there are.
        unmatched50, unmatched70: share that no anchor overlaps with that IoU.  (Training gives such an object its best
            anchor nevertheless.)
        mean_iou: mean of each object's best IoU.
    """

    objects: int
    unmatched50: float
    unmatched70: float
    mean_iou: float

    @classmethod
    def of(cls, best: Floats) -> AnchorFit:
        """From the best IoU of each object, at least one."""
        return cls(len(best), float((best < 0.5).mean()), float((best < 0.7).mean()), float(best.mean()))


def placed_objects(images: Sequence[FrozenImage], image_size: int) -> Objects:
    """Boxes of the objects of `images` at the input's size, as samples have them; what vanishes is left out."""
    boxes, frames, categories = [], [], []
    for image in images:
        a = image.annotation
        size = input_size(a.height, a.width, image_size)
        affine = resize_affine(a.height, a.width, size)
        for instance in a.instances:
            box, _ = place(instance, affine, size)
            if box is not None:
                boxes.append(box)
                frames.append([-(-side // _DIVISOR) * _DIVISOR for side in size])
                categories.append(instance.category_id)
    return Objects(
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        np.array(frames, dtype=np.int64).reshape(-1, 2),
        np.array(categories, dtype=np.int64),
    )


def best_ious(objects: Objects, sizes: Sequence[int], ratios: Sequence[float]) -> Floats:
    """IoU of each object with the anchor that fits it best, [N].

    Args:
        sizes: side of the square anchor in input pixels, one per pyramid level.
        ratios: heights per width, at every place of every level.
    """
    best = np.zeros(len(objects.boxes))
    for level, size in enumerate(sizes):
        centres = _nearest_centres(objects, level)
        for ratio in ratios:
            best = np.maximum(best, _ious(objects.boxes, centres, _half_sides(size, ratio)))
    return best


def suggested_sizes(objects: Objects) -> tuple[int, ...]:
    """One anchor size per pyramid level, rising: the centres of clusters of the objects' sizes (k-means on logarithms).

    Each is kept within what its level can see, so a level that no object needs keeps a size of its own.
    """
    logs = np.sort(np.log(objects.sizes))
    centres = np.quantile(logs, (np.arange(len(STRIDES)) + 0.5) / len(STRIDES))
    for _ in range(_ROUNDS):
        nearest = np.abs(logs[:, None] - centres[None]).argmin(axis=1)
        moved = np.array([logs[nearest == k].mean() if (nearest == k).any() else c for k, c in enumerate(centres)])
        if np.allclose(moved, centres):
            break
        centres = moved
    chosen: list[int] = []
    for stride, size in zip(STRIDES, np.exp(np.sort(centres)), strict=True):
        rounded = round(float(size) / _ROUND_TO) * _ROUND_TO
        least = max(_LEAST_STRIDES * stride, chosen[-1] + _ROUND_TO if chosen else 0)
        chosen.append(min(max(rounded, least), max(_MOST_STRIDES * stride, least)))
    return tuple(chosen)


def _half_sides(size: int, ratio: float) -> tuple[float, float]:
    """Half width and half height of an anchor, rounded as torchvision's ``AnchorGenerator`` rounds them."""
    root = np.sqrt(np.float32(ratio))
    return float(np.round(size * (1 / root) / 2)), float(np.round(size * root / 2))


def _nearest_centres(objects: Objects, level: int) -> Floats:
    """Centre (x, y) of the place on the grid of `level` that is nearest to each object's centre, [N, 2]."""
    cells = -(-objects.frames // STRIDES[level])
    strides = objects.frames // cells  # torchvision's: on the coarsest level it may be less than the nominal one
    cells, strides = cells[:, ::-1], strides[:, ::-1]
    middle = (objects.boxes[:, :2] + objects.boxes[:, 2:]) / 2
    return np.asarray(np.clip(np.rint(middle / strides), 0, cells - 1) * strides, dtype=np.float64)


def _ious(boxes: Floats, centres: Floats, half: tuple[float, float]) -> Floats:
    reach = np.array(half)
    shared = np.minimum(boxes[:, 2:], centres + reach) - np.maximum(boxes[:, :2], centres - reach)
    intersection = np.prod(np.clip(shared, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + 4 * half[0] * half[1]
    return np.asarray(intersection / (areas - intersection))
