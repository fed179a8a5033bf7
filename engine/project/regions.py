"""Reading a part of a large image: from the file itself where pixels lie there as they are, else by decoding it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from engine.domain.mask import BoxInt
from engine.errors import ImageReadError
from engine.project.images import MAX_PIXELS, read_image
from engine.project.pixels import Pixels, orientation

# (mode, raw mode) of Pillow, and which byte of a pixel is red, green and blue.
_FORMS = {("RGB", "RGB"): (0, 1, 2), ("RGB", "BGR"): (2, 1, 0), ("L", "L"): (0, 0, 0)}
_FORMATS = ("PPM", "BMP", "DIB", "TIFF")


class Regions(Protocol):
    """An image of which parts can be read.

    Attributes:
        height, width: pixels of the whole image.
    """

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def read(self, box: BoxInt) -> Pixels:
        """The half-open `box` ``(x0, y0, x1, y1)``, which lies inside the image: h x w x 3 uint8 RGB.

        Raises:
            ImageReadError: when the file ends too early.
        """
        ...


def open_regions(source: Path | Pixels) -> Regions:
    """An image file, or pixels that are in memory already.

    Uncompressed PPM, BMP and TIFF files are read part by part; others are decoded as a whole, 3 bytes a pixel.

    Raises:
        ImageReadError: when the file cannot be read.
    """
    if not isinstance(source, Path):
        return _Decoded(source)
    return _uncompressed(source) or _Decoded(read_image(source))


@dataclass(frozen=True, slots=True)
class _Decoded:
    pixels: Pixels

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    def read(self, box: BoxInt) -> Pixels:
        x0, y0, x1, y1 = box
        return self.pixels[y0:y1, x0:x1]


@dataclass(frozen=True, slots=True)
class _Block:
    """A strip or tile of a file.

    Attributes:
        box: what it covers.
        offset: of its first byte.
        stride: bytes from one row to the next.
        upwards: its last row comes first.
    """

    box: BoxInt
    offset: int
    stride: int
    upwards: bool


@dataclass(frozen=True, slots=True)
class _Uncompressed:
    path: Path
    height: int
    width: int
    order: tuple[int, int, int]
    bytes_per_pixel: int
    blocks: Sequence[_Block]

    def read(self, box: BoxInt) -> Pixels:
        x0, y0, x1, y1 = box
        out = np.zeros((y1 - y0, x1 - x0, 3), dtype=np.uint8)
        try:
            data = np.memmap(self.path, dtype=np.uint8, mode="r")
            for block in self.blocks:
                left, top = max(x0, block.box[0]), max(y0, block.box[1])
                right, bottom = min(x1, block.box[2]), min(y1, block.box[3])
                if left < right and top < bottom:
                    part = self._part(data, block, (left, top, right, bottom))
                    out[top - y0 : bottom - y0, left - x0 : right - x0] = part
        except (OSError, ValueError, TypeError) as error:  # numpy's words for a file that is shorter than it says
            raise ImageReadError("The image cannot be read: it is truncated or damaged.", path=self.path) from error
        return out

    def _part(self, data: np.memmap[Any, Any], block: _Block, box: BoxInt) -> Pixels:
        x0, y0, x1, y1 = box
        left, top, _, bottom = block.box
        first, last = (bottom - y1, bottom - y0) if block.upwards else (y0 - top, y1 - top)
        size = self.bytes_per_pixel
        shape = (last - first, x1 - x0, size)
        begin = block.offset + first * block.stride + (x0 - left) * size
        strides = (block.stride, size, 1)
        rows: Pixels = np.ndarray(shape, np.uint8, buffer=data, offset=begin, strides=strides)
        return (rows[::-1] if block.upwards else rows)[:, :, self.order]


def _uncompressed(path: Path) -> _Uncompressed | None:
    """None for every file that is better left to :func:`read_image`, which also words what is wrong with it."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if not _is_plain(image):
                return None
            tiles: list[Any] = list(getattr(image, "tile", ()))
            forms = {_form(image.mode, tile) for tile in tiles}
            order = _FORMS.get(forms.pop() or ("", "")) if len(forms) == 1 else None
            if order is None:
                return None
            size = len(set(order))
            blocks = tuple(_block(tile, size) for tile in tiles)
            return _Uncompressed(path, image.height, image.width, order, size, blocks)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _is_plain(image: Image.Image) -> bool:
    """Whether the bytes of the file are the pixels that a viewer shows."""
    upright = orientation(image) == 1 and not image.has_transparency_data
    return upright and getattr(image, "n_frames", 1) == 1 and image.width * image.height <= MAX_PIXELS


def _form(mode: str, tile: Any) -> tuple[str, str] | None:
    raw = tile.args if isinstance(tile.args, str) else tile.args[0]
    return (mode, str(raw)) if tile.codec_name == "raw" and tile.extents is not None else None


def _block(tile: Any, size: int) -> _Block:
    x0, y0, x1, y1 = tile.extents
    stride, step = (0, 1) if isinstance(tile.args, str) else (int(tile.args[1]), int(tile.args[2]))
    return _Block((x0, y0, x1, y1), int(tile.offset), stride or (x1 - x0) * size, upwards=step < 0)
