"""Shapes drawn by a person or read from a file, turned into masks (and back, where a format knows only polygons).

Coordinates are continuous image pixels: pixel ``(x, y)`` covers ``[x, x+1) x [y, y+1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rlemasklib import RLEMask

from engine.domain.mask import Mask

Points = Sequence[tuple[float, float]] | npt.NDArray[np.floating]


def polygon_mask(points: Points, height: int, width: int) -> Mask:
    """Fill a closed polygon (COCO's rasterisation, even-odd); parts outside the image are cut.

    Fewer than three points give an empty mask.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(xy) < 3:
        return Mask.empty(height, width)
    return Mask(RLEMask.from_polygon(xy, imshape=(height, width)))


def ellipse_points(cx: float, cy: float, rx: float, ry: float, theta: float = 0.0) -> npt.NDArray[np.float64]:
    """Vertices of an ellipse (`theta` in radians), dense enough to be within 0.05 px of the curve; N x 2."""
    radius = max(rx, ry, 0.5)
    count = max(16, math.ceil(math.pi / math.acos(max(0.0, 1 - 0.05 / radius))))
    t = np.linspace(0, 2 * math.pi, count, endpoint=False)
    x, y = rx * np.cos(t), ry * np.sin(t)
    cos, sin = math.cos(theta), math.sin(theta)
    return np.stack([cx + x * cos - y * sin, cy + x * sin + y * cos], axis=1)


def stroke_mask(points: Points, radius: float, height: int, width: int) -> Mask:
    """Pixels whose centre lies within `radius` of the polyline through `points`: what a round brush paints.

    Cost grows with the stroke, not with the image: each segment is rasterised in its own box.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(xy) == 0:
        return Mask.empty(height, width)
    starts, ends = (xy, xy) if len(xy) == 1 else (xy[:-1], xy[1:])
    parts = [_capsule(a, b, radius, height, width) for a, b in zip(starts, ends, strict=True)]
    return Mask.union_of(parts, height, width)


def _capsule(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], radius: float, height: int, width: int) -> Mask:
    low, high = np.minimum(a, b) - radius, np.maximum(a, b) + radius
    x0, y0 = max(0, math.floor(low[0])), max(0, math.floor(low[1]))
    x1, y1 = min(width, math.ceil(high[0]) + 1), min(height, math.ceil(high[1]) + 1)
    if x1 <= x0 or y1 <= y0:
        return Mask.empty(height, width)
    px = np.arange(x0, x1)[None, :] + 0.5 - a[0]
    py = np.arange(y0, y1)[:, None] + 0.5 - a[1]
    dx, dy = b - a
    length2 = dx * dx + dy * dy
    t = np.clip((px * dx + py * dy) / length2, 0, 1) if length2 else 0.0
    inside = (px - t * dx) ** 2 + (py - t * dy) ** 2 <= radius * radius
    return Mask.from_crop(inside, x0, y0, height, width)
