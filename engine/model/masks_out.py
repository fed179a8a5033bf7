"""Masks out of the network: probabilities pasted into the box's own crop and encoded, never into the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from engine.domain.mask import Mask


def paste(
    probabilities: npt.NDArray[np.float32], box: Sequence[float], height: int, width: int, threshold: float = 0.5
) -> Mask:
    """Mask of one detection in an image of ``height x width``.

    Follows torchvision's ``paste_mask_in_image``: the grid is framed by one cell of zeros, the box grows by as much
    and is cut to whole pixels, and the probabilities are interpolated bilinearly.

    Args:
        probabilities: M x M float32 in [0, 1].
        box: ``(x0, y0, x1, y1)`` in image pixels.
        threshold: a pixel is set from this probability on.
    """
    size = probabilities.shape[-1]
    framed = np.pad(probabilities, 1)
    x0, y0, x1, y1 = _grown(box, (size + 2) / size)
    w, h = max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x1 + 1, width), min(y1 + 1, height)
    if right <= left or bottom <= top:
        return Mask.empty(height, width)
    pasted = cv2.resize(framed, (w, h), interpolation=cv2.INTER_LINEAR)
    inside = pasted[top - y0 : bottom - y0, left - x0 : right - x0] > threshold
    return Mask.from_crop(inside, left, top, height, width)


def _grown(box: Sequence[float], factor: float) -> tuple[int, int, int, int]:
    """`box` grown about its centre and cut to whole pixels towards zero, in float32 as torchvision does."""
    x0, y0, x1, y1 = (np.float32(v) for v in box)
    half_w = (x1 - x0) * np.float32(0.5) * np.float32(factor)
    half_h = (y1 - y0) * np.float32(0.5) * np.float32(factor)
    cx, cy = (x1 + x0) * np.float32(0.5), (y1 + y0) * np.float32(0.5)
    return int(cx - half_w), int(cy - half_h), int(cx + half_w), int(cy + half_h)
