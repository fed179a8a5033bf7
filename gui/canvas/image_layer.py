"""The image, drawn into device pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

from gui.canvas.pyramid import ImagePyramid
from gui.canvas.viewport import BoxInt, Viewport


def draw_image(
    target: npt.NDArray[np.uint32], pyramid: ImagePyramid, view: Viewport, box: BoxInt, background: QColor
) -> None:
    """Fill the device `box` of `target` (H x W, 0xffRRGGBB) with the image, and `background` around it.

    Zoomed in, every image pixel is a sharp square; zoomed out, pixels of the nearest finer level are interpolated.
    """
    part = target[box[1] : box[3], box[0] : box[2]]
    part[:] = background.rgb()
    x0, x1 = _covered(view.x, view.image_width * view.scale, box[0], box[2])
    y0, y1 = _covered(view.y, view.image_height * view.scale, box[1], box[3])
    if x0 >= x1 or y0 >= y1:
        return
    draw = _nearest if view.scale >= 1 else _smooth
    target[y0:y1, x0:x1] = draw(pyramid, view, (x0, y0, x1, y1))


def _covered(start: float, length: float, low: int, high: int) -> tuple[int, int]:
    """Device pixels in ``low..high`` whose centre lies on the image along one axis."""
    return max(low, math.ceil(start - 0.5)), min(high, math.ceil(start + length - 0.5))


def _nearest(pyramid: ImagePyramid, view: Viewport, box: BoxInt) -> npt.NDArray[np.uint32]:
    image = pyramid.level(0)
    cols = _sampled(box[0], box[2], view.x, view.scale, image.shape[1])
    rows = _sampled(box[1], box[3], view.y, view.scale, image.shape[0])
    crop = _to_rgb32(image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1])
    sampled: npt.NDArray[np.uint32] = crop[rows - rows[0]][:, cols - cols[0]]
    return sampled


def _sampled(low: int, high: int, start: float, scale: float, size: int) -> npt.NDArray[np.intp]:
    index = np.floor((np.arange(low, high) + 0.5 - start) / scale).astype(np.intp)
    clipped: npt.NDArray[np.intp] = np.clip(index, 0, size - 1)
    return clipped


def _smooth(pyramid: ImagePyramid, view: Viewport, box: BoxInt) -> npt.NDArray[np.uint32]:
    image, scale = pyramid.level(view.level), view.scale * 2**view.level
    x0, y0 = (max(0, math.floor((d - o) / scale) - 1) for d, o in ((box[0], view.x), (box[1], view.y)))
    x1, y1 = (math.ceil((d - o) / scale) + 2 for d, o in ((box[2], view.x), (box[3], view.y)))
    crop = np.ascontiguousarray(image[y0:y1, x0:x1])
    # Device pixel centres to pixel indices of the crop.
    shift_x = (box[0] + 0.5 - view.x) / scale - 0.5 - x0
    shift_y = (box[1] + 0.5 - view.y) / scale - 0.5 - y0
    matrix = np.array([[1 / scale, 0, shift_x], [0, 1 / scale, shift_y]])
    size = (box[2] - box[0], box[3] - box[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return _to_rgb32(cv2.warpAffine(crop, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _to_rgb32(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    bgra = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA)
    pixels: npt.NDArray[np.uint32] = bgra.view(np.uint32)[:, :, 0]
    return pixels
