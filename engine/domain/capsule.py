"""Capsules: what a round brush paints between two points.  A long wide stroke costs as little as a short thin one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.domain.mask import Mask

Floats = npt.NDArray[np.float64]
SMALL = 1 << 14  # pixels up to which testing every one is faster than reckoning runs


def capsule_mask(a: Floats, b: Floats, radius: float, height: int, width: int) -> Mask:
    """Pixels whose centre lies within `radius` of the segment from `a` to `b` (x, y; continuous image pixels)."""
    low, high = np.minimum(a, b) - radius, np.maximum(a, b) + radius
    x0, y0 = max(0, math.floor(low[0])), max(0, math.floor(low[1]))
    x1, y1 = min(width, math.ceil(high[0]) + 1), min(height, math.ceil(high[1]) + 1)
    if x1 <= x0 or y1 <= y0:
        return Mask.empty(height, width)
    columns = np.arange(x0, x1)
    if (x1 - x0) * (y1 - y0) <= SMALL:
        inside = _within(columns[None, :] + 0.5, np.arange(y0, y1)[:, None] + 0.5, a, b, radius)
        return Mask.from_crop(inside, x0, y0, height, width)
    first, after = _rows(columns + 0.5, a, b, radius)
    start, end = np.clip(first, 0, height).astype(np.int64), np.clip(after, 0, height).astype(np.int64)
    some = start < end
    return column_runs_mask(columns[some], start[some], end[some], height, width)


def _within(x: Floats, y: Floats, a: Floats, b: Floats, radius: float) -> npt.NDArray[np.bool_]:
    """Whether points lie within `radius` of the segment."""
    dx, dy = b - a
    px, py, length2 = x - a[0], y - a[1], dx * dx + dy * dy
    t = np.clip((px * dx + py * dy) / length2, 0, 1) if length2 else 0.0
    inside: npt.NDArray[np.bool_] = (px - t * dx) ** 2 + (py - t * dy) ** 2 <= radius * radius
    return inside


def _rows(x: Floats, a: Floats, b: Floats, radius: float) -> tuple[Floats, Floats]:
    """Half-open run of rows in each column with centre `x`; a capsule is convex, so there is one at most."""
    top, bottom = _borders(x, a, b, radius)
    first, last = np.ceil(top - 0.5), np.floor(bottom - 0.5)
    # Rounding may be off by one row where the border runs through a pixel's centre: ask there.
    first += ~_within(x, first + 0.5, a, b, radius)
    first -= _within(x, first - 0.5, a, b, radius)
    last -= ~_within(x, last + 0.5, a, b, radius)
    last += _within(x, last + 1.5, a, b, radius)
    return first, last + 1


def _borders(x: Floats, a: Floats, b: Floats, radius: float) -> tuple[Floats, Floats]:
    """Upper and lower border of the capsule at each `x`: of its two discs and of the strip between them.

    Columns beside the capsule get its nearest end, where no row passes the test that follows.
    """
    top, bottom = np.full(len(x), np.inf), np.full(len(x), -np.inf)
    for cx, cy in (a, b):
        covers = np.abs(x - cx) <= radius
        half = np.sqrt(np.maximum(radius * radius - (x - cx) ** 2, 0))
        top = np.where(covers, np.minimum(top, cy - half), top)
        bottom = np.where(covers, np.maximum(bottom, cy + half), bottom)
    upper, lower = _strip(x - a[0], b - a, radius)
    crosses = upper <= lower
    top = np.where(crosses, np.minimum(top, a[1] + upper), top)
    bottom = np.where(crosses, np.maximum(bottom, a[1] + lower), bottom)
    nearest = np.where(np.abs(x - a[0]) <= np.abs(x - b[0]), a[1], b[1])
    beside = top > bottom
    return np.where(beside, nearest, top), np.where(beside, nearest, bottom)


def _strip(x: Floats, d: Floats, radius: float) -> tuple[Floats, Floats]:
    """Rows, relative to the segment's start, of the rectangle around it; upper > lower where it does not reach."""
    dx, dy = d
    if not dx:  # upright: its discs cover the same columns
        return np.full(len(x), np.inf), np.full(len(x), -np.inf)
    reach = radius * math.hypot(dx, dy) / abs(dx)
    upper, lower = x * dy / dx - reach, x * dy / dx + reach
    if not dy:
        along = (min(dx, 0) <= x) & (x <= max(dx, 0))
        return np.where(along, upper, np.inf), lower
    with np.errstate(over="ignore"):  # nearly level: the ends lie at infinity, and infinities compare rightly
        ends = np.sort([-x * dx / dy, (dx * dx + dy * dy - x * dx) / dy], axis=0)
    return np.maximum(upper, ends[0]), np.minimum(lower, ends[1])


def column_runs_mask(
    columns: npt.NDArray[np.int64], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], height: int, width: int
) -> Mask:
    """Mask with rows ``start..end`` of each column set; columns ascend, no run is empty."""
    first, last = columns * height + start, columns * height + end
    joined = first[1:] == last[:-1]  # a run down to the last row goes on at the top of the next column
    first, last = np.delete(first, np.flatnonzero(joined) + 1), np.delete(last, np.flatnonzero(joined))
    borders = np.column_stack([first, last]).ravel()
    counts = np.diff(np.concatenate([[0], borders, [height * width]]))
    return Mask.from_counts(counts if counts[-1] else counts[:-1], height, width)
