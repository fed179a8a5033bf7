"""From an image to what the network is fed: one affine for pixels, boxes and masks; batches padded at right and bottom.

Affines are 2 x 3 float64 matrices on continuous pixel coordinates (pixel ``(x, y)`` covers ``[x, x+1) x [y, y+1)``).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own idiom)
from torch import Tensor

from engine.model.architecture import Architecture
from engine.model.device import Device

Affine = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

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


def prepare(
    images: Sequence[Pixels], device: Device, architecture: Architecture
) -> tuple[Tensor, list[tuple[int, int]]]:
    """Resize H x W x 3 uint8 `images` as the network wants them, normalise and pad them (see :func:`batch_of`)."""
    if architecture.short_side is not None:
        return _pad([_resize_like_torchvision(image, device, architecture) for image in images])
    return batch_of([_longest_to(image, architecture.image_size) for image in images], device, architecture)


def batch_of(
    images: Sequence[Pixels], device: Device, architecture: Architecture
) -> tuple[Tensor, list[tuple[int, int]]]:
    """Normalise and pad H x W x 3 uint8 `images`, which have their size already, into one float tensor.

    Returns:
        FloatTensor[B, 3, H, W] on the device, H and W multiples of 32, and the (height, width) of each image.
    """
    return _pad([_normalise(image, device, architecture) for image in images])


def _longest_to(image: Pixels, image_size: int) -> Pixels:
    height, width = image.shape[:2]
    size = input_size(height, width, image_size)
    return warp(image, resize_affine(height, width, size), size)


def _resize_like_torchvision(image: Pixels, device: Device, architecture: Architecture) -> Tensor:
    """What torchvision's ``GeneralizedRCNNTransform`` makes of `image`: float [3, h, w], normalised, then resized.

    Its arithmetic to the letter (bilinear, nothing averaged first), so that its weights see what they were made with.
    """
    short, long = sorted(image.shape[:2])
    scale = min((architecture.short_side or short) / short, architecture.image_size / long)
    scale = max(scale, 1 / short)  # torchvision fails on a side of less than one pixel
    normalised = _normalise(image, device, architecture)[None]
    resized: Tensor = F.interpolate(
        normalised, scale_factor=scale, mode="bilinear", recompute_scale_factor=True, align_corners=False
    )
    return resized[0]


def _normalise(image: Pixels, device: Device, architecture: Architecture) -> Tensor:
    """float32 [3, H, W] on the device; it travels as bytes."""
    pixels = torch.from_numpy(np.ascontiguousarray(image))
    if device.pin_memory:
        pixels = pixels.pin_memory()
    pixels = pixels.to(device.torch_device, non_blocking=True).permute(2, 0, 1)
    mean, std = (
        pixels.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (architecture.mean, architecture.std)
    )
    return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)


def _pad(images: Sequence[Tensor]) -> tuple[Tensor, list[tuple[int, int]]]:
    """Normalised images in one tensor, zeros (the mean colour) at their right and bottom."""
    sizes = [(int(i.shape[1]), int(i.shape[2])) for i in images]
    height = _round_up(max(h for h, _ in sizes))
    width = _round_up(max(w for _, w in sizes))
    batch = images[0].new_zeros((len(images), 3, height, width))
    batch = batch.contiguous(memory_format=torch.channels_last)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[1], : image.shape[2]] = image
    return batch, sizes


def _round_up(value: int) -> int:
    return -(-value // _DIVISOR) * _DIVISOR
