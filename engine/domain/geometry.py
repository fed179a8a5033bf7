"""Shapes drawn by a person or read from a file, turned into masks (and back, where a format knows only polygons).

Coordinates are continuous image pixels: pixel ``(x, y)`` covers ``[x, x+1) x [y, y+1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rlemasklib import RLEMask

from engine.domain.capsule import capsule_mask, column_runs_mask
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


def ellipse_mask(box: Sequence[float], height: int, width: int) -> Mask:
    """Pixels whose centre lies in the ellipse inside `box` ``(x0, y0, x1, y1)``; what leaves the image is cut."""
    (cx, rx), (cy, ry) = (((box[i] + box[i + 2]) / 2, abs(box[i + 2] - box[i]) / 2) for i in (0, 1))
    if not rx or not ry:
        return Mask.empty(height, width)
    columns = np.arange(max(0, math.floor(cx - rx)), min(width, math.ceil(cx + rx)))
    half = ry * np.sqrt(np.maximum(0, 1 - ((columns + 0.5 - cx) / rx) ** 2))
    half = np.where(np.abs(columns + 0.5 - cx) <= rx, half, -1)
    top = np.clip(np.ceil(cy - half - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(cy + half - 0.5) + 1, 0, height).astype(np.int64)
    some = top < bottom
    return column_runs_mask(columns[some], top[some], bottom[some], height, width)


def stroke_mask(points: Points, radius: float, height: int, width: int) -> Mask:
    """Pixels whose centre lies within `radius` of the polyline through `points`: what a round brush paints.

    Cost grows with the stroke, not with the image.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(xy) == 0:
        return Mask.empty(height, width)
    starts, ends = (xy, xy) if len(xy) == 1 else (xy[:-1], xy[1:])
    parts = [capsule_mask(a, b, radius, height, width) for a, b in zip(starts, ends, strict=True)]
    return Mask.union_of(parts, height, width)
