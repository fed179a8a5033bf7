"""Areas by the value of the pixels: what the wand grows into and what a threshold brush takes.

Pixels are h x w x 3 uint8 RGB; two of them are *alike* when no channel differs by more than a tolerance in [0, 255].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from rlemasklib import RLEMask

from engine.domain.mask import BoxInt, Mask

Pixels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

BAND = 1 << 20  # pixels looked at together: bounds the memory of a stroke across a huge image


def difference(pixels: Pixels, color: Sequence[int]) -> Pixels:
    """Largest difference from `color` (R, G, B) over the channels, h x w uint8."""
    largest: Pixels = np.zeros(pixels.shape[:2], np.uint8)
    for channel, value in enumerate(color):
        distances = np.abs(np.arange(256) - value).astype(np.uint8)
        largest = cv2.max(largest, cv2.LUT(cv2.extractChannel(pixels, channel), distances))
    return largest


def connected(pixels: Pixels, x: int, y: int, tolerance: int) -> Bools:
    """Pixels alike to the one at ``(x, y)`` and 4-connected with it through such pixels; h x w."""
    height, width = pixels.shape[:2]
    found = np.zeros((height + 2, width + 2), dtype=np.uint8)  # cv2 wants a frame of one pixel
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    reach = (tolerance,) * 3
    cv2.floodFill(np.ascontiguousarray(pixels), found, (x, y), 0, loDiff=reach, upDiff=reach, flags=flags)
    inside: Bools = found[1:-1, 1:-1] != 0
    return inside


def enlarged(pixels: Bools, x0: int, y0: int, size: int, height: int, width: int) -> Mask:
    """Mask of ``size x size`` image pixels for each set one, the first at ``(x0 * size, y0 * size)``, cut to the image.

    Costs follow `pixels`, not the image that they stand for.
    """
    small = RLEMask.from_array(np.asfortranarray(pixels, dtype=np.uint8))
    return Mask(small.repeat(size, size)).translated(x0 * size, y0 * size, height, width)


def alike(mask: Mask, image: Pixels, color: Sequence[int], tolerance: int) -> Mask:
    """The pixels of `mask` that are alike to `color` in `image` (of the mask's size)."""
    height, width = mask.shape
    parts = []
    for x0, y0, x1, y1 in _bands(mask):
        near = difference(image[y0:y1, x0:x1], color) <= tolerance
        parts.append(Mask.from_crop(near & mask.decode_crop((x0, y0, x1, y1)), x0, y0, height, width))
    return Mask.union_of(parts, height, width)


def _bands(mask: Mask) -> Iterator[BoxInt]:
    """Half-open boxes that cover `mask`, each tight around some of its columns."""
    x0, y0, x1, y1 = mask.box
    step = max(1, BAND // max(1, y1 - y0))
    for left in range(x0, x1, step):
        right = min(x1, left + step)
        top, bottom = mask.cropped((left, y0, right, y1)).box[1::2]
        if top < bottom:
            yield left, y0 + top, right, y0 + bottom
