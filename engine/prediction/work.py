"""What a detection is asked to look at, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from engine.domain.prediction import Detections
from engine.errors import DataError, UserError
from engine.project.images import image_size, read_image
from engine.project.pixels import rgb, stretched
from engine.project.regions import Regions, open_regions

Image = npt.NDArray[np.uint8]
Found = Detections | UserError


@dataclass(frozen=True, slots=True)
class Item:
    """An image to look at.

    Attributes:
        index: its place among those asked for.
        image_id: the store's id, 0 for a loose image.
        source: a file, or pixels (see :func:`as_rgb`).
        shape: (height, width), of a file by its header; None when that cannot be read.
    """

    index: int
    image_id: int
    source: Image | Path
    shape: tuple[int, int] | None

    @classmethod
    def of(cls, index: int, image_id: int, source: Image | Path) -> Item:
        """An item whose shape is looked up."""
        return cls(index, image_id, source, _shape_of(source))

    def regions(self) -> Regions:
        """Its pixels part by part, as :meth:`pixels` would give them.

        Raises:
            UserError: when it cannot be read, or is no image.
        """
        return open_regions(self.source if isinstance(self.source, Path) else as_rgb(self.source))

    def pixels(self) -> Image:
        """H x W x 3 uint8 RGB.

        Raises:
            UserError: when it cannot be read, or is no image.
        """
        return read_image(self.source) if isinstance(self.source, Path) else as_rgb(self.source)


@dataclass(frozen=True, slots=True)
class Job:
    """Pixels that go through the network at once: an image, or a tile of one.

    Attributes:
        read: gives H x W x 3 uint8 RGB or raises a :class:`UserError`; called in another thread.
    """

    image_id: int
    read: Callable[[], Image]


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What came of one image: what was found, or why it could not be looked at.

    Attributes:
        kept: it was found by an earlier detection and not looked at again.
    """

    item: Item
    found: Found
    kept: bool = False


def _shape_of(source: Image | Path) -> tuple[int, int] | None:
    if not isinstance(source, Path):
        return (source.shape[0], source.shape[1]) if source.ndim in (2, 3) else None
    try:
        return image_size(source)
    except UserError:
        return None  # reading it will say why


def as_rgb(pixels: npt.NDArray[Any]) -> Image:
    """Pixels that a person's program has, as H x W x 3 uint8 RGB; converted as a file would be.

    Args:
        pixels: H x W or H x W x 1 gray, H x W x 3 RGB or H x W x 4 RGBA; uint8, or other numbers to be stretched.

    Raises:
        DataError: when it is none of these.
    """
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0 or pixels.dtype.kind not in "uif":
        raise DataError(
            f"An image cannot have the shape {pixels.shape} and the type {pixels.dtype}.",
            hint="Give height x width x 3, RGB, uint8.",
        )
    if pixels.shape[2] == 4:
        return _over_white(pixels)
    if pixels.dtype != np.uint8:
        pixels = stretched(pixels)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _over_white(pixels: npt.NDArray[Any]) -> Image:
    if pixels.dtype != np.uint8:
        most = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "ui" else 1.0
        alpha = np.rint(np.clip(pixels[:, :, 3:] / most, 0, 1) * 255).astype(np.uint8)
        pixels = np.concatenate([stretched(pixels[:, :, :3]), alpha], axis=2)
    return rgb(Pillow.fromarray(np.ascontiguousarray(pixels), "RGBA"))
