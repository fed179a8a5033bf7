"""Pictures for the training bench: noise that compresses like a photograph, and objects with holes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.domain.annotation import Annotation, Category, Instance, Split
from engine.domain.mask import Mask
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.sample.noise import Rng, fractal_noise

_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2")
_QUALITY = 90  # of the JPEG files
_CORNERS = 24  # of an outline
_RADIUS = (0.02, 0.09)  # of objects, as a share of the longer side
_MIN_RADIUS = 5.0
_HOLE = 0.4  # its radius, as a share of the object's


def make_pictures(folder: Path, *, count: int, objects: int, longest: int, classes: int, seed: int) -> FrozenDataset:
    """Write `count` JPEGs of 4:3 with `objects` ring-like objects each; the same seed gives the same pictures.

    Args:
        folder: where the files go; made if it is missing.
        longest: longer side in pixels.
        classes: number of categories, at most five.
    """
    folder.mkdir(parents=True, exist_ok=True)
    categories = tuple(Category(k + 1, f"class {k + 1}", _COLORS[k]) for k in range(classes))
    images = tuple(
        _picture(folder.absolute(), number, objects=objects, longest=longest, classes=classes, seed=seed)
        for number in range(1, count + 1)
    )
    return FrozenDataset(categories, images)


def _picture(folder: Path, number: int, *, objects: int, longest: int, classes: int, seed: int) -> FrozenImage:
    rng = np.random.default_rng([seed, number])
    height, width = round(longest * 0.75), longest
    pixels = _background(rng, height, width)
    instances = []
    for index in range(objects):
        mask, category = _ring(rng, height, width), int(rng.integers(1, classes + 1))
        _paint(pixels, mask, rng)
        instances.append(Instance.from_mask(mask, category, id=f"{number}-{index}"))
    path = folder / f"{number:04d}.jpg"
    Image.fromarray(pixels).save(path, quality=_QUALITY)
    return FrozenImage(number, path, Annotation(number, height, width, tuple(instances)), Split.TRAIN)


def _background(rng: Rng, height: int, width: int) -> npt.NDArray[np.uint8]:
    """H x W x 3 uint8: coarse and fine structure in every channel, and a camera's grain."""
    cell = max(2.0, max(height, width) / 8)
    field = np.stack([fractal_noise(rng, height, width, cell) for _ in range(3)], axis=2)
    grain = rng.standard_normal(field.shape, dtype=np.float32)
    pixels: npt.NDArray[np.uint8] = np.clip(118 + 45 * field + 5 * grain, 0, 255).astype(np.uint8)
    return pixels


def _ring(rng: Rng, height: int, width: int) -> Mask:
    """An uneven blob with a hole, all of it inside the picture."""
    low, high = (max(_MIN_RADIUS, share * max(height, width)) for share in _RADIUS)
    radius = min(float(rng.uniform(low, high)), min(height, width) / 2 - 1)
    side = 2 * int(np.ceil(radius)) + 1
    crop = np.zeros((side, side), dtype=np.uint8)
    outline = _outline(rng, radius, side / 2)
    cv2.fillPoly(crop, [outline], 1)
    cv2.circle(crop, (side // 2, side // 2), max(1, round(radius * _HOLE)), 0, thickness=-1)
    x0, y0 = (int(rng.integers(0, max(1, whole - side + 1))) for whole in (width, height))
    return Mask.from_crop(crop, x0, y0, height, width)


def _outline(rng: Rng, radius: float, centre: float) -> npt.NDArray[np.int32]:
    """Corners [K, 2] (x, y) around ``(centre, centre)``, between 0.7 and 1 of `radius` away from it."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    distance = radius * rng.uniform(0.7, 1.0, size=_CORNERS)
    corners = centre + distance[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(corners, dtype=np.int32)


def _paint(pixels: npt.NDArray[np.uint8], mask: Mask, rng: Rng) -> None:
    """Tint the object; what was there shines through."""
    x0, y0, x1, y1 = mask.box
    part, inside = pixels[y0:y1, x0:x1], mask.decode_crop(mask.box)
    colour = rng.integers(0, 256, size=3)
    part[inside] = (0.4 * part[inside] + 0.6 * colour).astype(np.uint8)
