"""Large images cut into overlapping tiles, so that the network sees them without shrinking them first."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from engine.config import DetectConfig
from engine.domain.mask import BoxInt
from engine.model.architecture import Architecture

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of an image that is looked at on its own.

    Attributes:
        row, column: place in the grid.
        box: half-open ``(x0, y0, x1, y1)`` in pixels of the image.
    """

    row: int
    column: int
    box: BoxInt


def tile_side(config: DetectConfig, architecture: Architecture) -> int:
    """Longest side of a tile in pixels; 0 when images are looked at as a whole.

    ``auto`` takes what the network is fed pixel by pixel: its input's longer side, or where the shorter side decides
    (torchvision's rule) that one, since tiles are square.
    """
    if config.tile == "off":
        return 0
    if config.tile == "auto":
        return min(architecture.image_size, architecture.short_side or architecture.image_size)
    return config.tile


def tiles_of(height: int, width: int, *, side: int, overlap: float) -> tuple[Tile, ...]:
    """Tiles that cover an image of ``height x width``, row by row; one when it is no larger than a tile.

    All have the same size, at most `side` x `side`, and share at least `overlap` of it with their neighbours; they are
    spread evenly, so no narrow strip is left over at the end.
    """
    rows = spans(height, side, overlap)
    columns = spans(width, side, overlap)
    return tuple(
        Tile(row, column, (x0, y0, x1, y1))
        for row, (y0, y1) in enumerate(rows)
        for column, (x0, x1) in enumerate(columns)
    )


def spans(length: int, side: int, overlap: float) -> tuple[Span, ...]:
    """Half-open spans of equal length that cover ``[0, length)``."""
    if length <= side:
        return ((0, length),)
    shared = max(1, round(side * overlap))
    count = ceil((length - shared) / (side - shared))
    starts = [i * (length - side) // (count - 1) for i in range(count)]
    return tuple((start, start + side) for start in starts)
