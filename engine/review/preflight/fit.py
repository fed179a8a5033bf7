"""How one object fits the network: whether its box, its shape and its holes survive the way to the targets."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine.domain.annotation import BoxXYXY, Instance
from engine.domain.mask import Mask
from engine.project.dataset import FrozenImage
from engine.review.preflight.sampling import Bits, Scale, input_pixels, mask_target, pasted

# The network's anchors (``engine.model.mask_rcnn.Architecture``; a test compares): sides in input pixels, and heights
# per width.
ANCHOR_SIZES = (32, 64, 128, 256, 512)
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
# Below this overlap the RPN learns every anchor as background but for the one that is best (Ren et al. 2015, 3.1.2).
BACKGROUND_IOU = 0.3
SMALLEST_SIDE = 1.0  # thinner boxes make losses blow up (torchvision issue 2240), so training leaves them out
LARGEST_INPUT = 4096
_STEP = 32
# A hole that a person sees: specks, as crossing outlines leave them, are not worth a word.
_HOLE_PIXELS = 16
_HOLE_SHARE = 0.002
# Shapes are compared at the image's own size up to this many pixels a side.
_COMPARED_SIDE = 512


@dataclass(frozen=True, slots=True)
class Fit:
    """What becomes of one object.

    Attributes:
        degenerate: nothing is left of it at the input's size: training leaves it out.
        helpful_size: image size at which an anchor overlaps it enough; 0 when one does already, and
            :data:`LARGEST_INPUT` + 1 when none would.
        shape_iou: IoU of the object and its 28 x 28 target pasted back, in [0, 1]; 1 without a mask.
        holes_lost: holes of the object that are closed in the target pasted back.
    """

    image: FrozenImage
    instance: Instance
    degenerate: bool = False
    helpful_size: int = 0
    shape_iou: float = 1.0
    holes_lost: int = 0


def fit_of(image: FrozenImage, instance: Instance, image_size: int, anchors: Sequence[int] = ANCHOR_SIZES) -> Fit:
    """How `instance` fits a network of these anchors whose input's longer side is `image_size`."""
    a = image.annotation
    scale = Scale.of(a.height, a.width, image_size)
    if instance.mask is None:
        return _fit_of_box(image, instance, scale.box(instance.box_xyxy), image_size, anchors)
    height, width, iou, lost = _fit_of_mask(instance.mask, scale)
    if not height:
        return Fit(image, instance, degenerate=True)
    return Fit(image, instance, False, helpful_size(width, height, image_size, anchors), iou, lost)


@functools.lru_cache(maxsize=1 << 15)  # an edit changes one object, and all are looked at again
def _fit_of_mask(mask: Mask, scale: Scale) -> tuple[int, int, float, int]:
    """Height and width in input pixels (0 when nothing is left), IoU of the shape, holes lost."""
    bits = input_pixels(mask, scale)
    return (*bits.shape, *shape_fit(mask, bits)) if bits.size else (0, 0, 0.0, 0)


def _fit_of_box(image: FrozenImage, instance: Instance, box: BoxXYXY, image_size: int, anchors: Sequence[int]) -> Fit:
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) < SMALLEST_SIDE:
        return Fit(image, instance, degenerate=True)
    return Fit(image, instance, helpful_size=helpful_size(width, height, image_size, anchors))


# --- anchors ------------------------------------------------------------------------------------------------------


def helpful_size(width: float, height: float, image_size: int, anchors: Sequence[int] = ANCHOR_SIZES) -> int:
    """The image size from which on an anchor overlaps a box of ``width x height`` input pixels enough.

    0 when one does at `image_size`, or when the box is larger than the smallest anchor: then more pixels do not help.
    """
    if width * height >= anchors[0] ** 2 or best_anchor_iou(width, height, anchors) >= BACKGROUND_IOU:
        return 0
    for size in range(image_size + _STEP - image_size % _STEP, LARGEST_INPUT + 1, _STEP):
        factor = size / image_size
        if best_anchor_iou(width * factor, height * factor, anchors) >= BACKGROUND_IOU:
            return size
    return LARGEST_INPUT + 1


def best_anchor_iou(width: float, height: float, anchors: Sequence[int] = ANCHOR_SIZES) -> float:
    """IoU of a box with the anchor that fits best, laid over its centre."""
    return max(_centred_iou(width, height, size, ratio) for size in anchors for ratio in ANCHOR_RATIOS)


def _centred_iou(width: float, height: float, size: int, ratio: float) -> float:
    anchor_width, anchor_height = size / math.sqrt(ratio), size * math.sqrt(ratio)
    shared = min(width, anchor_width) * min(height, anchor_height)
    return shared / (width * height + size * size - shared)


# --- shapes -------------------------------------------------------------------------------------------------------


def shape_fit(mask: Mask, bits: Bits) -> tuple[float, int]:
    """IoU of `mask` and its target pasted back, and how many of its holes are closed there.

    Args:
        bits: `mask` at the input's size (:func:`input_pixels`), not empty.
    """
    x0, y0, x1, y1 = mask.box
    factor = min(1.0, _COMPARED_SIDE / max(x1 - x0, y1 - y0))
    original = mask.decode_crop(mask.box) if factor == 1 else input_pixels(mask, Scale(factor, factor))
    if not original.size:
        return 0.0, 0
    back = pasted(mask_target(bits), *original.shape)
    union = int(np.count_nonzero(original | back))
    iou = int(np.count_nonzero(original & back)) / union if union else 1.0
    return iou, sum(_is_closed(hole, back) for hole in holes(original))


def holes(bits: Bits) -> list[Bits]:
    """Holes that a person sees, each [h, w]: 4-connected background that does not reach the outside."""
    background = np.pad(~bits, 1, constant_values=True).astype(np.uint8)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    least = max(_HOLE_PIXELS, _HOLE_SHARE * bits.size)
    outside = labels[0, 0]
    inner = [n for n in range(1, count) if n != outside and facts[n, cv2.CC_STAT_AREA] >= least]
    return [np.asarray(labels[1:-1, 1:-1] == n) for n in inner]


def _is_closed(hole: Bits, back: Bits) -> bool:
    """Whether less than half of `hole` is left open."""
    return bool(np.count_nonzero(back & hole) * 2 > np.count_nonzero(hole))
