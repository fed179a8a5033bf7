"""Training samples: what the network is fed, made from an image, its run-length masks and one affine."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from engine.domain.annotation import Instance
from engine.domain.mask import Mask
from engine.model.inputs import Affine, input_size, resize_affine, warp
from engine.model.roi_heads import MaskCrop, Target
from engine.project.dataset import FrozenImage
from engine.project.images import read_image
from engine.training.augment import Augmentation, jitter_light, random_affine

Image = npt.NDArray[np.uint8]
_MIN_SIDE = 1.0  # boxes thinner than this in input pixels make losses blow up (torchvision issue 2240)


@dataclass(frozen=True)
class Sample:
    """One image as the network sees it.

    Attributes:
        image: H x W x 3 uint8 RGB, after resizing and augmentation.
        target: boxes, labels and mask crops in the same pixels.
        instance_ids: which instances are left, in the order of the target.
        vanished: instances that left the picture or became too small.
        affine: from the image's pixels to the sample's.
        image_id: the store's id.
        key: 63-bit seed of the draws that the network makes on this sample (anchors, ROIs).
    """

    image: Image
    target: Target
    instance_ids: tuple[str, ...]
    vanished: tuple[str, ...]
    affine: Affine
    image_id: int
    key: int = 0


class ImageCache:
    """Decoded images, reduced to about what training needs, within a budget of bytes."""

    def __init__(self, *, longest_side: int, budget: int = 512 << 20) -> None:
        self._longest_side = longest_side
        self._budget = budget
        self._bytes = 0
        self._images: OrderedDict[Path, Image] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path) -> Image:
        """The image at `path`, its longer side at most the limit (never enlarged).

        Raises:
            ImageReadError: when it cannot be read.
        """
        with self._lock:
            if path in self._images:
                self._images.move_to_end(path)
                return self._images[path]
        image = self._reduced(read_image(path))
        with self._lock:
            if path not in self._images:
                self._images[path] = image
                self._bytes += image.nbytes
            while self._bytes > self._budget and len(self._images) > 1:
                self._bytes -= self._images.popitem(last=False)[1].nbytes
        return image

    def _reduced(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if max(height, width) <= self._longest_side:
            return image
        small = input_size(height, width, self._longest_side)
        reduced: Image = cv2.resize(image, (small[1], small[0]), interpolation=cv2.INTER_AREA)
        return reduced


def make_sample(
    frozen: FrozenImage,
    pixels: Image,
    *,
    labels: Mapping[int, int],
    image_size: int,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
) -> Sample:
    """Build one sample.

    Args:
        frozen: the annotation; its size is that of the original image.
        pixels: the image, possibly reduced (:class:`ImageCache`).
        labels: network label (from 1) per category id.
        image_size: longer side of the sample in pixels.
        augmentation: None leaves the picture as it is, only resized.
        rng: the sample's own random numbers.
    """
    key = int(rng.integers(1 << 63))
    a = frozen.annotation
    size = input_size(a.height, a.width, image_size)
    if augmentation is None:
        affine = resize_affine(a.height, a.width, size)
    else:
        affine = random_affine(a.height, a.width, size, augmentation, rng)
    image = warp(pixels, _from_reduced(affine, pixels, a.height, a.width), size)
    if augmentation is not None:
        image = jitter_light(image, augmentation.light, rng)
    placed = [(i, *place(i, affine, size)) for i in a.instances]
    kept = [(i, box, crop) for i, box, crop in placed if box is not None]
    target = Target(
        boxes=torch.tensor([box for _, box, _ in kept], dtype=torch.float32).reshape(-1, 4),
        labels=torch.tensor([labels[i.category_id] for i, _, _ in kept], dtype=torch.int64),
        masks=[crop for _, _, crop in kept if crop is not None],
    )
    left = {i.id for i, _, _ in kept}
    return Sample(
        image=image,
        target=target,
        instance_ids=tuple(i.id for i, _, _ in kept),
        vanished=tuple(i.id for i in a.instances if i.id not in left),
        affine=affine,
        image_id=frozen.image_id,
        key=key,
    )


def place(
    instance: Instance, affine: Affine, size: tuple[int, int]
) -> tuple[tuple[float, float, float, float] | None, MaskCrop | None]:
    """Box and mask crop of `instance` after `affine`; no box when it vanished."""
    if instance.mask is None:
        return _placed_box(instance.box_xyxy, affine, size), None
    crop = mask_crop(instance.mask, affine, size)
    if crop is None:
        return None, None
    rows = np.flatnonzero(crop.pixels.numpy().any(axis=1))
    columns = np.flatnonzero(crop.pixels.numpy().any(axis=0))
    box = (
        float(crop.x0 + columns[0]),
        float(crop.y0 + rows[0]),
        float(crop.x0 + columns[-1] + 1),
        float(crop.y0 + rows[-1] + 1),
    )
    return (box, crop) if _is_large_enough(box) else (None, None)


def mask_crop(mask: Mask, affine: Affine, size: tuple[int, int]) -> MaskCrop | None:
    """`mask` resampled by `affine`, only where it lands inside an input of `size`; None when nothing is left.

    A pixel is set when at least half of it is covered, so holes stay holes down to one input pixel.  With a scale of
    1 and whole-pixel moves the pixels are those of the mask.
    """
    x0, y0, x1, y1 = mask.box
    window = _window(_placed_box((x0 - 1, y0 - 1, x1 + 1, y1 + 1), affine, size, clip_to_one=False), size)
    if window is None:
        return None
    left, top, right, bottom = window
    # Two pixels of frame keep interpolation at the mask's edge exact; only this much is ever decoded.
    dense = mask.decode_crop((x0 - 2, y0 - 2, x1 + 2, y1 + 2)).astype(np.uint8) * 255
    moved = affine.copy()
    moved[:, 2] += affine[:, :2] @ np.array([x0 - 2, y0 - 2], dtype=np.float64) - np.array([left, top])
    pixels = warp(dense, moved, (bottom - top, right - left)) >= 128
    if not pixels.any():
        return None
    return MaskCrop(torch.from_numpy(pixels.astype(np.uint8)), left, top)


def _window(box: tuple[float, float, float, float] | None, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Whole pixels around `box` with a frame of two, inside the input."""
    if box is None:
        return None
    left, top = max(0, int(np.floor(box[0])) - 2), max(0, int(np.floor(box[1])) - 2)
    right, bottom = min(size[1], int(np.ceil(box[2])) + 2), min(size[0], int(np.ceil(box[3])) + 2)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _placed_box(
    box: Sequence[float], affine: Affine, size: tuple[int, int], *, clip_to_one: bool = True
) -> tuple[float, float, float, float] | None:
    """Box around the moved corners, cut at the input's border; None when nothing (sensible) is left."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64) @ affine[:, :2].T + affine[:, 2]
    low = np.clip(corners.min(axis=0), 0, [size[1], size[0]])
    high = np.clip(corners.max(axis=0), 0, [size[1], size[0]])
    placed = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    if clip_to_one and not _is_large_enough(placed):
        return None
    return placed if placed[2] > placed[0] and placed[3] > placed[1] else None


def _is_large_enough(box: Sequence[float]) -> bool:
    return box[2] - box[0] >= _MIN_SIDE and box[3] - box[1] >= _MIN_SIDE


def _from_reduced(affine: Affine, pixels: Image, height: int, width: int) -> Affine:
    """`affine` for pixels that were reduced from an image of ``height x width``."""
    if pixels.shape[:2] == (height, width):
        return affine
    back = np.diag([width / pixels.shape[1], height / pixels.shape[0]])
    return np.concatenate([affine[:, :2] @ back, affine[:, 2:]], axis=1)
