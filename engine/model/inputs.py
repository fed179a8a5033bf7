"""From an image to what the network is fed: one affine for pixels, boxes and masks; batches padded at right and bottom.

Affines are 2 x 3 float64 matrices on continuous pixel coordinates (pixel ``(x, y)`` covers ``[x, x+1) x [y, y+1)``).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.model.device import Device

Affine = npt.NDArray[np.float64]

# The normalisation of the packaged EfficientNet-Lite0 weights (timm's default_cfg of tf_efficientnet_lite0).
_MEAN = 127.5
_SCALE = 1 / 127.5
_DIVISOR = 32


def input_size(height: int, width: int, image_size: int) -> tuple[int, int]:
    """``(height, width)`` of the network's input: the longer side becomes `image_size`, the shape stays."""
    scale = image_size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_affine(height: int, width: int, size: tuple[int, int]) -> Affine:
    """Affine that stretches an image of ``height x width`` to `size` (height, width)."""
    return np.array([[size[1] / width, 0, 0], [0, size[0] / height, 0]], dtype=np.float64)


def warp(pixels: npt.NDArray[np.uint8], affine: Affine, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Resample `pixels` (H x W or H x W x C uint8) by `affine` into `size` (height, width); outside is 0.

    What shrinks is averaged over areas first, so that nothing thin falls between the samples.
    """
    reduced, affine = _reduce(pixels, affine)
    matrix = to_pixel_centres(affine)
    warped: npt.NDArray[np.uint8] = cv2.warpAffine(reduced, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR)
    return warped


def to_pixel_centres(affine: Affine) -> Affine:
    """The same map for integer coordinates that name pixel centres (OpenCV's convention)."""
    half = np.full(2, 0.5)
    moved = affine.copy()
    moved[:, 2] = affine[:, :2] @ half + affine[:, 2] - half
    return moved


def _reduce(pixels: npt.NDArray[np.uint8], affine: Affine) -> tuple[npt.NDArray[np.uint8], Affine]:
    """Shrink by the largest whole factor that `affine` shrinks by anyway."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    factor = int(1 / scale + 1e-6) if scale > 0 else 1
    height, width = pixels.shape[:2]
    if factor < 2 or min(height, width) < factor:
        return pixels, affine
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    back = np.diag([width / small[0], height / small[1]])
    return reduced, np.concatenate([affine[:, :2] @ back, affine[:, 2:]], axis=1)


def batch_of(images: Sequence[npt.NDArray[np.uint8]], device: Device) -> tuple[Tensor, list[tuple[int, int]]]:
    """Normalise and pad H x W x 3 uint8 `images` into one float tensor.

    Returns:
        FloatTensor[B, 3, H, W] on the device, H and W multiples of 32, and the (height, width) of each image.
    """
    sizes = [(int(i.shape[0]), int(i.shape[1])) for i in images]
    height = _round_up(max(h for h, _ in sizes))
    width = _round_up(max(w for _, w in sizes))
    stacked = np.full((len(images), height, width, 3), round(_MEAN), dtype=np.uint8)
    for row, image in zip(stacked, images, strict=True):
        row[: image.shape[0], : image.shape[1]] = image
    batch = torch.from_numpy(stacked)
    if device.pin_memory:
        batch = batch.pin_memory()
    batch = batch.to(device.torch_device, non_blocking=True).permute(0, 3, 1, 2)
    normalised = batch.to(torch.float32).sub_(_MEAN).mul_(_SCALE)
    return normalised.contiguous(memory_format=torch.channels_last), sizes


def _round_up(value: int) -> int:
    return -(-value // _DIVISOR) * _DIVISOR
