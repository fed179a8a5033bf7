"""Turning what a decoder gives into H x W x 3 uint8 RGB: modes, bit depths, transparency, orientation."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Pixels = npt.NDArray[np.uint8]

TURNED = frozenset((5, 6, 7, 8))  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112  # EXIF tag


def rgb(image: Image.Image) -> Pixels:
    """An opened image's pixels, as a viewer shows them (not turned yet)."""
    convert = _CONVERT.get(image.mode)
    if convert is not None:
        return convert(image)
    if image.has_transparency_data:
        return _over_white(image)
    return np.array(image.convert("RGB"))


def _over_white(image: Image.Image) -> Pixels:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return np.array(white.convert("RGB"))


def _stretched_gray(image: Image.Image) -> Pixels:
    return np.repeat(stretched(np.asarray(image))[:, :, None], 3, axis=2)


def _from_lab(image: Image.Image) -> Pixels:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert converted is not None
    return np.array(converted)


_CONVERT: dict[str, Callable[[Image.Image], Pixels]] = {
    "I;16": _stretched_gray,
    "I;16B": _stretched_gray,
    "I;16L": _stretched_gray,
    "I;16N": _stretched_gray,
    "I": _stretched_gray,
    "F": _stretched_gray,
    "LAB": _from_lab,
}


def stretched(values: npt.NDArray[np.generic]) -> Pixels:
    """Linear map of the finite values' range to 0..255 uint8; a flat image becomes 0, NaN becomes 0."""
    numbers = values.astype(np.float32)
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(numbers[finite].min()), float(numbers[finite].max())
    scale = 255.0 / (high - low) if high > low else 0.0
    scaled = np.where(finite, (numbers - low) * scale, 0.0)
    bytes_: Pixels = np.rint(scaled).astype(np.uint8)
    return bytes_


def is_deep_color(image: Image.Image) -> bool:
    """Whether the file has more than 8 bits per colour channel, which Pillow would cut to 8 without stretching."""
    if image.mode not in ("RGB", "RGBA", "LA", "CMYK"):
        return False
    raw_modes = (str(tile[3]) for tile in getattr(image, "tile", ()))
    return any(";16" in mode for mode in raw_modes)


def deep_color(path: Path) -> Pixels:
    """Pixels of a file for which :func:`is_deep_color` holds (not turned yet).

    Raises:
        OSError: when the file is damaged.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None:
        raise OSError("it is truncated or damaged")
    if values.ndim == 2 or values.shape[2] < 3:
        return np.repeat(stretched(values.reshape(*values.shape[:2], -1)[:, :, :1]), 3, axis=2)
    opaque = stretched(values[:, :, 2::-1])
    if values.shape[2] == 3:
        return opaque
    alpha = values[:, :, 3:].astype(np.float32) / np.iinfo(values.dtype).max
    blended: Pixels = np.rint(opaque * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return blended


def deep_turn(image: Image.Image) -> int:
    """The orientation that is left to apply to what :func:`deep_color` gives."""
    return 1 if image.format == "TIFF" else orientation(image)  # cv2 turns TIFFs whatever it is asked


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8, without decoding pixels where that can be avoided."""
    try:
        late = (
            image.format == "PNG" and "exif" not in image.info and _png_has_exif(Path(getattr(image, "filename", "")))
        )
        exif = image.getexif() if late else Image.Image.getexif(image)  # PNG's own one decodes the whole image
        value = int(exif.get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError, struct.error):
        return 1  # damaged metadata does not make the pixels unreadable
    return value if 1 <= value <= 8 else 1


def _png_has_exif(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in (b"eXIf", b"IEND"):
                return bool(kind == b"eXIf")
            file.seek(length + 4, 1)
    return False


def turned(pixels: npt.NDArray[Any], orientation: int) -> Pixels:
    """`pixels` made upright for an EXIF orientation (EXIF 2.32, tag 274)."""
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(turn(pixels) if turn else pixels, dtype=np.uint8)


_TURNS: dict[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: p.transpose(1, 0, 2)[:, ::-1],
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: p.transpose(1, 0, 2)[::-1],
}
