"""Power-of-two pyramids of images and of masks, made level by level when first asked for."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.domain.mask import Mask

Pixels = npt.NDArray[np.uint8]


class ImagePyramid:
    """Halved copies of an image; together they cost a third of it.

    A pixel of level ``k`` is the mean of the ``2**k x 2**k`` image pixels it covers, of fewer at the right and lower
    edge.
    """

    def __init__(self, image: Pixels) -> None:
        """`image` is H x W x 3 uint8 and is not copied."""
        self._levels = [image]

    def level(self, k: int) -> Pixels:
        """Pixels of level `k`, ``ceil(H / 2**k) x ceil(W / 2**k) x 3``."""
        while len(self._levels) <= k:
            self._levels.append(_halved(self._levels[-1]))
        return self._levels[k]


def _halved(image: Pixels) -> Pixels:
    h, w = image.shape[:2]
    out = np.empty(((h + 1) // 2, (w + 1) // 2, 3), dtype=np.uint8)
    even = image[: h // 2 * 2, : w // 2 * 2]
    if even.size:
        out[: h // 2, : w // 2] = cv2.resize(even, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    if w % 2 and h > 1:
        out[: h // 2, -1] = _pair_means(image[: h // 2 * 2, -1])
    if h % 2:
        row = image[-1]
        out[-1, : w // 2] = _pair_means(row[: w // 2 * 2])
        if w % 2:
            out[-1, -1] = row[-1]
    return out


def _pair_means(line: Pixels) -> Pixels:
    pairs = line.reshape(-1, 2, 3).astype(np.uint16)
    return ((pairs[:, 0] + pairs[:, 1] + 1) // 2).astype(np.uint8)


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
