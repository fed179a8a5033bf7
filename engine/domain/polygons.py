"""Polygons with interiors: what other tools draw instead of masks, and the exact way back.

Coordinates are continuous image pixels, as in :mod:`engine.domain.geometry`.  A *ring* is closed without repeating its
first point.  A *keyhole* ring is one ring that walks along a zero-width bridge to each hole and back: the only way to
say "hole" in a format that knows a single outline; filled even-odd, the bridge cancels out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import shapely
from shapely.validation import explain_validity

from engine.domain.geometry import polygon_mask
from engine.domain.mask import Mask

Point = tuple[float, float]
Ring = tuple[Point, ...]
FloatArray = npt.NDArray[np.float64]

_MOST_BRIDGES = 512  # beyond this a ring is read as it stands: splitting is quadratic in the number of bridges


@dataclass(frozen=True, slots=True)
class Polygon:
    """One connected outline with its holes.

    Attributes:
        exterior: outer ring.
        interiors: rings of the holes, inside `exterior`.
    """

    exterior: Ring
    interiors: tuple[Ring, ...] = ()


class RingFault(StrEnum):
    """Why an outline is not a plain polygon."""

    TOO_FEW_POINTS = "fewer than three points"
    NO_AREA = "no area"
    SELF_CROSSING = "crosses itself"


def clean_ring(points: Iterable[Sequence[float]]) -> Ring:
    """`points` without repeated neighbours and without the repetition of the first point at the end."""
    ring: list[Point] = []
    for x, y in points:
        point = (float(x), float(y))
        if not ring or ring[-1] != point:
            ring.append(point)
    while len(ring) > 1 and ring[-1] == ring[0]:
        ring.pop()
    return tuple(ring)


def ring_fault(ring: Sequence[Point]) -> RingFault | None:
    """What is wrong with `ring`; a keyhole bridge and points that merely touch are fine.

    A crossing ring still has a meaning, even-odd filling; the other faults leave nothing to fill.
    """
    clean = clean_ring(ring)
    if len(set(clean)) < 3:
        return RingFault.TOO_FEW_POINTS
    if _on_one_line(clean):
        return RingFault.NO_AREA
    pieces = [piece for piece in split_keyhole(clean) if len(piece) >= 3]
    if not pieces:
        return RingFault.NO_AREA
    return RingFault.SELF_CROSSING if any(map(_crosses, pieces)) else None


def _on_one_line(ring: Ring) -> bool:
    xy = np.array(ring) - ring[0]
    far = xy[np.argmax(np.abs(xy).sum(axis=1))]
    return not np.any(xy[:, 0] * far[1] - xy[:, 1] * far[0])


def _crosses(ring: Ring) -> bool:
    # GEOS says "Ring Self-intersection" for a ring that only touches itself in a point, "Self-intersection" for a cross
    return str(explain_validity(shapely.Polygon(ring))).startswith("Self-intersection")


# --- rings to masks -------------------------------------------------------------------------------------------------


def outline_mask(points: Sequence[Point] | FloatArray, height: int, width: int) -> Mask:
    """Fill a closed outline even-odd, as :func:`polygon_mask`, whatever its coordinates are.

    The rasteriser's memory grows with the length of the edges, so an outline far outside the image (a damaged or
    hostile file) is cut to the image's surroundings first; that changes no pixel of the image.

    Raises:
        ValueError: when a coordinate is not finite.
    """
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(xy).all():
        raise ValueError("a coordinate is not a finite number")
    margin = float(max(height, width, 64))
    if len(xy) and (xy.min() < -margin or xy[:, 0].max() > width + margin or xy[:, 1].max() > height + margin):
        xy = _clipped(xy, (-margin, -margin, width + margin, height + margin))
    return polygon_mask(xy, height, width)


def _clipped(xy: FloatArray, box: tuple[float, float, float, float]) -> FloatArray:
    """Sutherland-Hodgman: cut a ring (N x 2) to `box`; parity inside the box is kept, for crossing rings too."""
    for axis, bound, sign in ((0, box[0], 1.0), (0, box[2], -1.0), (1, box[1], 1.0), (1, box[3], -1.0)):
        if len(xy) == 0:
            return xy
        depth = sign * (xy[:, axis] - bound)
        inside = depth >= 0
        kept: list[FloatArray] = []
        for i in range(len(xy)):
            if inside[i] != inside[i - 1]:
                kept.append(_on_bound(xy[i - 1], xy[i], axis, bound))
            if inside[i]:
                kept.append(xy[i])
        xy = np.array(kept, dtype=np.float64).reshape(-1, 2)
    return xy


def _on_bound(a: FloatArray, b: FloatArray, axis: int, bound: float) -> FloatArray:
    # halved before subtracting: the difference of two huge coordinates may overflow
    t = (bound / 2 - a[axis] / 2) / (b[axis] / 2 - a[axis] / 2)
    point = a * (1 - t) + b * t
    point[axis] = bound
    return np.asarray(point, dtype=np.float64)


def polygon_to_mask(polygon: Polygon, height: int, width: int) -> Mask:
    """Fill `polygon` without its holes."""
    holes = [outline_mask(ring, height, width) for ring in polygon.interiors]
    return outline_mask(polygon.exterior, height, width) - Mask.union_of(holes, height, width)


def polygons_to_mask(polygons: Iterable[Polygon], height: int, width: int) -> Mask:
    """Union of `polygons`."""
    return Mask.union_of([polygon_to_mask(p, height, width) for p in polygons], height, width)


def simplified(polygon: Polygon, tolerance: float) -> Polygon:
    """`polygon` with fewer points, none of its borders moved by more than `tolerance` pixels (Douglas-Peucker)."""

    def thin(ring: Ring) -> Ring:
        line = shapely.LinearRing(ring).simplify(tolerance, preserve_topology=True)
        return clean_ring(line.coords)

    return Polygon(thin(polygon.exterior), tuple(thin(ring) for ring in polygon.interiors))


# --- keyholes -------------------------------------------------------------------------------------------------------


def keyhole(polygons: Sequence[Polygon]) -> Ring:
    """One ring for all `polygons` and their holes, joined by bridges of no width; filled even-odd it is the same area.

    A hole's bridge runs inside the object; parts of one object are joined across the background between them.
    """
    joined = np.zeros((0, 2))
    for polygon in polygons:
        ring = np.array(polygon.exterior, dtype=np.float64)
        for hole in sorted(polygon.interiors, key=min):  # from the left, so that each bridge meets what is joined
            ring = _with_hole(ring, hole)
        joined = _with_part(joined, ring) if len(joined) else ring
    return tuple((float(x), float(y)) for x, y in joined)


def _with_hole(ring: FloatArray, hole: Ring) -> FloatArray:
    first = min(range(len(hole)), key=lambda i: hole[i])
    x, y = hole[first]
    edge, foot_x = _border_to_the_left(ring, x, y)
    loop = np.array([(foot_x, y), *hole[first:], *hole[: first + 1], (foot_x, y)])
    return np.concatenate([ring[: edge + 1], loop, ring[edge + 1 :]])


def _border_to_the_left(ring: FloatArray, x: float, y: float) -> tuple[int, float]:
    """First point's index of the nearest edge to the left of ``(x, y)``, and the x at which it crosses height `y`."""
    ax, ay = ring[:, 0], ring[:, 1]
    bx, by = np.roll(ax, -1), np.roll(ay, -1)
    # half open: an edge counts when it goes on below y, as the hole does
    crossing = np.flatnonzero((ay <= y) != (by <= y))
    hits = ax[crossing] + (y - ay[crossing]) * (bx - ax)[crossing] / (by - ay)[crossing]
    reachable = np.where(hits <= x, hits, -np.inf)
    if not (len(hits) and np.isfinite(reachable.max())):
        raise ValueError("a hole lies outside its outline")
    best = int(np.argmax(reachable))
    return int(crossing[best]), float(hits[best])


def _with_part(ring: FloatArray, part: FloatArray) -> FloatArray:
    """Join `part` to `ring` by a bridge between their nearest corners."""
    tree = shapely.STRtree(shapely.points(ring))
    (sources, targets), distances = tree.query_nearest(shapely.points(part), all_matches=False, return_distance=True)
    best = int(np.argmin(distances))
    j, i = int(sources[best]), int(targets[best])
    return np.concatenate([ring[: i + 1], part[j:], part[: j + 1], ring[i:]])


def split_keyhole(ring: Sequence[Point]) -> tuple[Ring, ...]:
    """The rings that `ring` joins by bridges (edges walked there and back); one ring when it has none."""
    work, pieces, cuts = [clean_ring(ring)], [], 0
    while work:
        piece = work.pop()
        pair = _retraced(piece) if cuts < _MOST_BRIDGES else None
        if pair is None:
            pieces.append(piece)
            continue
        i, j = pair
        cuts += 1
        work += [clean_ring(piece[i + 1 : j + 1]), clean_ring(piece[: i + 1] + piece[j + 2 :])]
    return tuple(piece for piece in pieces if len(piece) >= 2)


def _retraced(ring: Ring) -> tuple[int, int] | None:
    """Indices ``i < j`` of an edge and of the same edge walked backwards."""
    seen: dict[tuple[Point, Point], int] = {}
    for j, start in enumerate(ring):
        end = ring[(j + 1) % len(ring)]
        if (end, start) in seen:
            return seen[end, start], j
        seen[start, end] = j
    return None
