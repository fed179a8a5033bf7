"""What the network will see of a mask: its pixels at the input's size, its 28 x 28 target, and that target pasted back.

The same arithmetic as training's (``engine.training.samples``, ``engine.model.roi_heads``), on NumPy alone; the tests
compare both.  A rectangle of run lengths is decoded, never the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import Mask

Bits = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

TARGET_SIDE = 28  # side of the mask branch's grid (He et al. 2017, figure 4)
_STRIP = 1024  # columns decoded at once: an object of 16,000 x 16,000 pixels would take gigabytes


@dataclass(frozen=True, slots=True)
class Scale:
    """From an image's pixels to those of the network's input.

    Attributes:
        x, y: factors of the two directions, which differ by rounding.
    """

    x: float
    y: float

    @classmethod
    def of(cls, height: int, width: int, image_size: int) -> Scale:
        """For an image of ``height x width`` whose longer side becomes `image_size`."""
        factor = image_size / max(height, width)
        return cls(max(1, round(width * factor)) / width, max(1, round(height * factor)) / height)

    def box(self, box: BoxXYXY) -> BoxXYXY:
        """`box` in input pixels."""
        return (box[0] * self.x, box[1] * self.y, box[2] * self.x, box[3] * self.y)


def input_pixels(mask: Mask, scale: Scale) -> Bits:
    """`mask` at the input's size, cut to what is set, [h, w]; empty, [0, 0], when nothing is left of it.

    An input pixel is set when at least half of it is covered.
    """
    if mask.is_empty:
        return np.zeros((0, 0), bool)
    x0, y0, x1, y1 = mask.box
    strips = [(left, y0, min(left + _STRIP, x1), y1) for left in range(x0, x1, _STRIP)]
    rows = [_covered(mask.decode_crop(strip).astype(np.float32), y0, y1, scale.y) for strip in strips]
    return tight(_covered(np.hstack(rows).T, x0, x1, scale.x).T >= 0.5 - 1e-4)


def _covered(values: Floats, start: int, stop: int, factor: float) -> Floats:
    """Mean of the pixels `start` to `stop` along the first axis over each pixel of an axis scaled by `factor`."""
    edges = np.arange(math.floor(start * factor), math.ceil(stop * factor) + 1) / factor - start
    sums = np.concatenate([np.zeros((1, values.shape[1]), np.float32), np.cumsum(values, axis=0)])
    at = np.clip(edges, 0, stop - start)
    low = np.minimum(at.astype(np.int64), stop - start - 1)
    part = (at - low).astype(np.float32)[:, None]
    upto = sums[low] * (1 - part) + sums[low + 1] * part
    return np.asarray(np.diff(upto, axis=0) * factor, dtype=np.float32)


def tight(bits: Bits) -> Bits:
    """`bits` without empty rows and columns at its border."""
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), bool)
    return bits[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def mask_target(bits: Bits) -> Floats:
    """Training target of a box that fits `bits` tightly, [28, 28] in [0, 1]: ``roi_align`` of torchvision.

    With its defaults (not aligned, as many samples a cell as it has pixels) it is separable: one matrix of weights for
    rows, one for columns.
    """
    framed = np.pad(bits.astype(np.float32), 1)
    weighted = _roi_weights(bits.shape[0]) @ framed @ _roi_weights(bits.shape[1]).T
    return np.asarray(weighted, dtype=np.float32)


def _roi_weights(length: int) -> Floats:
    """Weights [28, length + 2] of ``length`` pixels with a frame of one; the ROI begins behind the frame's first."""
    samples = max(1, math.ceil(length / TARGET_SIDE))
    step = max(length, 1) / TARGET_SIDE / samples
    weights = np.zeros((TARGET_SIDE, length + 2), np.float32)
    at = 1 + (np.arange(TARGET_SIDE * samples) + 0.5) * step
    low = np.minimum(at.astype(np.int64), length + 1)
    high = np.minimum(low + 1, length + 1)
    part = np.where(high > low, at - low, 0.0).astype(np.float32)
    cells = np.arange(TARGET_SIDE * samples) // samples
    np.add.at(weights, (cells, low), (1 - part) / samples)
    np.add.at(weights, (cells, high), part / samples)
    return weights


def pasted(target: Floats, height: int, width: int) -> Bits:
    """What a network that learned `target` by heart would give for a box of ``height x width`` pixels.

    Interpolated and cut to whole pixels as detections are (``engine.model.masks_out``): that moves the mask by about
    half a pixel, which makes up for the half that the target is moved by.
    """
    (left, wide), (top, high) = _grown(width), _grown(height)
    back = cv2.resize(np.pad(target, 1), (wide, high), interpolation=cv2.INTER_LINEAR)
    return np.asarray(back)[top : top + height, left : left + width] > 0.5


def _grown(side: int) -> tuple[int, int]:
    """How far the frame of one cell reaches out before a box's `side`, and the side of box and frame."""
    before, behind = math.floor(-side / TARGET_SIDE), math.floor(side + side / TARGET_SIDE)
    return -before, behind - before + 1
