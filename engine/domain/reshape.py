"""One mask made into another: grown, shrunk, smoothed, freed of specks, split by a line.

Everything is done on run lengths, so cost and memory follow the object's outline, never the size of the image.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from rlemasklib import RLEMask

from engine.domain.capsule import capsule_mask, column_runs_mask
from engine.domain.mask import Mask

Point = tuple[float, float]

SMOOTH_REACH = 2  # pixels on each side of the one that is decided: a median of 5 x 5
STEPS = 4  # pixels: a median of 5 x 5 takes hardly more than that off an edge
# Every pixel whose square a line touches has its centre within half a diagonal: no 8-connected path gets across.
BARRIER = math.sqrt(0.5) + 1e-6


def grown(mask: Mask) -> Mask:
    """With every pixel whose centre lies within 1 px of a pixel of `mask`."""
    return Mask(mask.rle.dilate3x3(connectivity=4))


def shrunk(mask: Mask) -> Mask:
    """Without the pixels that touch background by an edge; the border of the image is no edge of an object."""
    return Mask(mask.rle.erode3x3(connectivity=4))


def largest_part(mask: Mask) -> Mask:
    """Only the largest 8-connected part."""
    return mask if mask.is_empty else Mask(mask.rle.largest_connected_component(connectivity=8))


def without_specks(mask: Mask, *, min_area: int) -> Mask:
    """Without 8-connected parts of fewer than `min_area` pixels; the largest part always stays."""
    kept = Mask(mask.rle.remove_small_components(min_area, connectivity=8))
    return largest_part(mask) if kept.is_empty else kept


def smoothed(mask: Mask) -> Mask:
    """Each pixel as most of the 5 x 5 around it; parts and holes that would be lost stay as they were.

    At the border of the image the outermost pixels are repeated, as in ``cv2.medianBlur``.
    """
    if mask.is_empty:
        return mask
    x0, y0, x1, y1 = mask.box
    reach = SMOOTH_REACH
    window = max(0, x0 - reach), max(0, y0 - reach), min(mask.width, x1 + reach), min(mask.height, y1 + reach)
    before = mask.cropped(window)
    after = _median(before)
    while not (lost := _lost(before, after)).is_empty:  # ends: what is put back, with its rim, is never lost again
        around = Mask(lost.rle.dilate3x3(connectivity=8))
        after = (after - around) | (before & around)
    return after.padded(window[0], window[1], mask.height, mask.width)


def _median(mask: Mask) -> Mask:
    reach, side = SMOOTH_REACH, 2 * SMOOTH_REACH + 1
    framed = mask.rle.pad(reach, reach, reach, reach, border_type="replicate")
    offsets = [(x, y) for x in range(side) for y in range(side)]
    shifted = [framed.crop(np.array([x, y, mask.width, mask.height])) for x, y in offsets]
    return Mask(RLEMask.merge_count(shifted, len(offsets) // 2 + 1))


def _lost(before: Mask, after: Mask) -> Mask:
    """Parts and holes of `before` of which nothing is left in `after`."""
    parts = _untouched(before, after, connectivity=8)
    return parts | _untouched(before.filled - before, after.filled - after, connectivity=4)


def _untouched(pixels: Mask, seeds: Mask, *, connectivity: int) -> Mask:
    """The connected parts of `pixels` that hold none of `seeds`.

    Most of what a seed can be reached from lies next to one, so a few steps leave little to be looked at part by part.
    """
    reached = pixels & seeds
    for _ in range(STEPS):
        reached = Mask(reached.rle.dilate3x3(connectivity=connectivity)) & pixels
    near = Mask(reached.rle.dilate3x3(connectivity=connectivity))
    rest = [Mask(part) for part in (pixels - reached).rle.connected_components(connectivity=connectivity)]
    return Mask.union_of([part for part in rest if not part.intersection_area(near)], *pixels.shape)


def split(mask: Mask, a: Point, b: Point) -> tuple[Mask, Mask] | None:
    """The two pieces into which the segment from `a` to `b` (x, y; image pixels) parts `mask`, the larger first.

    A segment parts an object where no 8-connected path leads around its ends.  Pieces that it does not touch stay with
    the larger one; no pixel is lost.  None when the segment does not part the object.
    """
    start, end = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
    cut = mask & capsule_mask(start, end, BARRIER, *mask.shape)
    if cut.is_empty:
        return None
    side = _right_of(start, end, cut)
    near = Mask(cut.rle.dilate3x3(connectivity=8))
    pieces: dict[str, list[Mask]] = {"right": [], "left": [], "apart": []}
    for piece in (mask - cut).parts():
        pieces[_place(piece, near, side)].append(piece)
    if not pieces["right"] or not pieces["left"]:
        return None
    right = Mask.union_of((*pieces["right"], cut & side), *mask.shape)
    left = Mask.union_of((*pieces["left"], cut - side), *mask.shape)
    larger, smaller = (right, left) if right.area >= left.area else (left, right)
    return Mask.union_of((larger, *pieces["apart"]), *mask.shape), smaller


def _place(piece: Mask, near: Mask, side: Mask) -> str:
    """On which side of the cut a piece lies, judged by most of its pixels that touch it."""
    touching = piece & near
    if touching.is_empty:
        return "apart"
    return "right" if 2 * touching.intersection_area(side) > touching.area else "left"


def _right_of(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], cut: Mask) -> Mask:
    """Pixels to the right of the line through `a` and `b` (as one walks on a screen), in the columns around `cut`."""
    dx, dy = b - a
    columns = np.arange(max(0, cut.box[0] - 1), min(cut.width, cut.box[2] + 1))
    x = columns + 0.5 - a[0]
    if dx:
        row = np.clip(np.ceil(a[1] + x * dy / dx - 0.5), 0, cut.height).astype(np.int64)
        top = row if dx > 0 else np.zeros_like(row)
        bottom = np.full_like(row, cut.height) if dx > 0 else row
    else:
        top = np.zeros(len(columns), dtype=np.int64)
        bottom = np.where(-dy * x >= 0, cut.height, 0)
    some = top < bottom
    return column_runs_mask(columns[some], top[some], bottom[some], cut.height, cut.width)
