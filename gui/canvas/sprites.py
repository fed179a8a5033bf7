"""Masks as pictures: for every object the filled pixels and the outline, at the pyramid level on screen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QImage, QPainterPath

from engine.domain.mask import Mask
from gui.canvas.outlines import centre_contours, edge_contours, to_path
from gui.canvas.pyramid import MaskPyramid
from gui.canvas.viewport import BoxInt

WHOLE_LIMIT = 1 << 20  # up to so many pixels an object is decoded whole, beyond only around what is seen
WINDOW_GRID = 256
EDGE = 8  # a window's cut edges lie so many pixels outside of what is seen
BUDGET = 192 << 20


@dataclass(frozen=True, slots=True)
class Sprite:
    """One object at one pyramid level.

    Attributes:
        level: pyramid level its pixels belong to.
        window: half-open box, in pixels of that level, that was decoded.
        fill: premultiplied ARGB of the window's size in the object's full colour.
        outline: closed contours, holes included, relative to the window's corner, in pixels of the level.
        cut: the window shows only a part of the object.
    """

    level: int
    window: BoxInt
    fill: QImage
    outline: QPainterPath
    cut: bool


def argb(color: QColor) -> np.uint32:
    """The 32-bit value of an opaque colour in ``QImage.Format_ARGB32_Premultiplied``."""
    return np.uint32(0xFF000000 | color.rgb() & 0xFFFFFF)


def make_fill(pixels: npt.NDArray[np.bool_], color: QColor) -> QImage:
    """Picture of `pixels` (h x w) in `color`, transparent elsewhere."""
    height, width = pixels.shape
    fill = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    if pixels.size:
        pixels_of(fill)[:] = pixels * argb(color)
    return fill


def pixels_of(image: QImage) -> npt.NDArray[np.uint32]:
    """The pixels of a 32-bit image for writing, h x w; valid as long as the image is."""
    stride = image.bytesPerLine() // 4
    return np.frombuffer(image.bits(), np.uint32).reshape(image.height(), stride)[:, : image.width()]


class SpriteCache:
    """Sprites by key, remade when mask, colour or level changed or when what is seen left their window."""

    def __init__(self) -> None:
        self._pyramids: dict[Hashable, MaskPyramid] = {}
        self._sprites: OrderedDict[Hashable, tuple[Sprite, QColor, bool]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, mask: Mask, color: QColor, *, level: int, seen: BoxInt, exact: bool) -> Sprite:
        """The sprite of `mask` that covers `seen`.

        Args:
            key: whose sprite; the mask may change under it.
            level: pyramid level.
            seen: half-open box on screen, in pixels of that level.
            exact: outline along pixel edges (zoomed in) instead of through pixel centres.
        """
        pyramid = self._pyramid(key, mask)
        box = pyramid.box(level)
        cached = self._sprites.get(key)
        if cached is not None:
            sprite, known_color, known_exact = cached
            same = sprite.level == level and known_color == color and known_exact == exact
            if same and (not sprite.cut or _inside(_needed(box, seen), sprite.window)):
                self._sprites.move_to_end(key)
                return sprite
        sprite = _make_sprite(pyramid, color, level, _window(box, seen), exact)
        self._keep(key, sprite, color, exact)
        return sprite

    def forget(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._pyramids.pop(key, None)
            self._drop(key)

    def clear(self) -> None:
        self._pyramids.clear()
        self._sprites.clear()
        self._bytes = 0

    def _pyramid(self, key: Hashable, mask: Mask) -> MaskPyramid:
        pyramid = self._pyramids.get(key)
        if pyramid is None or pyramid.mask is not mask:
            pyramid = self._pyramids[key] = MaskPyramid(mask)
            self._drop(key)
        return pyramid

    def _keep(self, key: Hashable, sprite: Sprite, color: QColor, exact: bool) -> None:
        self._drop(key)
        self._sprites[key] = (sprite, color, exact)
        self._bytes += sprite.fill.sizeInBytes()
        while self._bytes > BUDGET and len(self._sprites) > 1:
            self._drop(next(iter(self._sprites)))

    def _drop(self, key: Hashable) -> None:
        dropped = self._sprites.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped[0].fill.sizeInBytes()


def _make_sprite(pyramid: MaskPyramid, color: QColor, level: int, window: BoxInt, exact: bool) -> Sprite:
    pixels = pyramid.decode(level, window)
    contours = edge_contours(pixels) if exact else centre_contours(pixels)
    return Sprite(level, window, make_fill(pixels, color), to_path(contours), window != pyramid.box(level))


def _needed(box: BoxInt, seen: BoxInt) -> BoxInt:
    """The part of `box` that must be decoded so that no cut edge comes into sight."""
    x0, y0 = max(box[0], seen[0] - EDGE), max(box[1], seen[1] - EDGE)
    x1, y1 = min(box[2], seen[2] + EDGE), min(box[3], seen[3] + EDGE)
    return x0, y0, max(x0, x1), max(y0, y1)


def _window(box: BoxInt, seen: BoxInt) -> BoxInt:
    if (box[2] - box[0]) * (box[3] - box[1]) <= WHOLE_LIMIT:
        return box
    x0, y0, x1, y1 = _needed(box, seen)
    return (
        max(box[0], x0 // WINDOW_GRID * WINDOW_GRID),
        max(box[1], y0 // WINDOW_GRID * WINDOW_GRID),
        min(box[2], -(-x1 // WINDOW_GRID) * WINDOW_GRID),
        min(box[3], -(-y1 // WINDOW_GRID) * WINDOW_GRID),
    )


def _inside(inner: BoxInt, outer: BoxInt) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
