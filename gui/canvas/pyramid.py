"""Power-of-two pyramids of images and of masks, made level by level when first asked for."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.domain.mask import Mask

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LevelPart:
    """A part of one level of an image.

    Attributes:
        pixels: h x w x 3 uint8 RGB, not to be written to.
        level: one pixel stands for ``2**level x 2**level`` image pixels.
        x, y: of its top-left pixel in the level.
    """

    pixels: Pixels
    level: int
    x: int
    y: int


class ImagePyramid:
    """Smaller copies of an image, each made when it is first looked at.

    A pixel of level ``k`` is the mean of the ``2**k x 2**k`` image pixels it covers, of fewer at the right and lower
    edge.
    """

    def __init__(self, image: Pixels) -> None:
        """`image` is H x W x 3 uint8 and is not copied."""
        self._levels = {0: image}

    def level(self, k: int) -> Pixels:
        """Pixels of level `k`, ``ceil(H / 2**k) x ceil(W / 2**k) x 3``."""
        if k not in self._levels:
            finer = max(j for j in self._levels if j < k)
            self._levels[k] = _shrunk(self._levels[finer], 2 ** (k - finer))
        return self._levels[k]


def _shrunk(image: Pixels, factor: int) -> Pixels:
    height, width = image.shape[:2]
    rows, cols = height // factor, width // factor  # whole blocks; what is left over makes one more row and column
    out = np.empty((-(-height // factor), -(-width // factor), 3), dtype=np.uint8)
    for y in ((0, rows), (rows, len(out))):
        for x in ((0, cols), (cols, out.shape[1])):
            source = image[y[0] * factor : y[1] * factor, x[0] * factor : x[1] * factor]
            _mean_into(out[y[0] : y[1], x[0] : x[1]], source)
    return out


def _mean_into(target: Pixels, source: Pixels) -> None:
    height, width = target.shape[:2]
    if not target.size:
        return
    if target.flags.c_contiguous:  # written in place: a second array of this size would cost more than the means
        cv2.resize(source, (width, height), dst=target, interpolation=cv2.INTER_AREA)
    else:
        target[:] = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA)


class MaskPyramid:
    """Max-pooled copies of a mask's box: a pixel of level ``k`` is set when any image pixel under it is.

    So a ring one pixel thin stays whole at every zoom.  Costs grow with the object's runs, never with the image.
    """

    def __init__(self, mask: Mask) -> None:
        x0, y0 = mask.box[:2]
        self.mask = mask
        self._levels = [(mask.cropped(mask.box), x0, y0)]

    def box(self, k: int) -> tuple[int, int, int, int]:
        """Half-open box of the mask in pixels of level `k`."""
        level, x0, y0 = self._level(k)
        return x0, y0, x0 + level.width, y0 + level.height

    def decode(self, k: int, window: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
        """Dense copy of the half-open `window`, given in pixels of level `k`."""
        level, x0, y0 = self._level(k)
        return level.decode_crop((window[0] - x0, window[1] - y0, window[2] - x0, window[3] - y0))

    def _level(self, k: int) -> tuple[Mask, int, int]:
        while len(self._levels) <= k:
            self._levels.append(_pooled(*self._levels[-1]))
        return self._levels[k]


def _pooled(mask: Mask, x0: int, y0: int) -> tuple[Mask, int, int]:
    if not mask.width or not mask.height:
        return mask, x0 // 2, y0 // 2
    left, top = x0 % 2, y0 % 2  # so that pairs of pixels mean the same pairs for every mask
    width, height = mask.width + left, mask.height + top
    framed = mask.padded(left, top, height + height % 2, width + width % 2)
    return Mask(framed.rle.max_pool2x2()), x0 // 2, y0 // 2
