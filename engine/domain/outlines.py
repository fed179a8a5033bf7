"""The way back from a mask to polygons: exact outlines along the borders of its pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from engine.domain.mask import Mask
from engine.domain.polygons import Polygon, Ring, keyhole

_EAST, _SOUTH, _WEST, _NORTH = range(4)


def mask_polygons(mask: Mask) -> tuple[Polygon, ...]:
    """Outlines of `mask` along the borders of its pixels, one polygon per 8-connected part.

    Integer coordinates, corners only; ``polygons_to_mask(mask_polygons(m), *m.shape) == m`` for every mask.
    """
    if mask.is_empty:
        return ()
    x0, y0, _, _ = mask.box
    offset = np.array([x0, y0])
    rings = [ring + offset for ring in _border_rings(mask.decode_crop(mask.box))]
    outer = [ring for ring in rings if _signed_area(ring) > 0]
    holes = [ring for ring in rings if _signed_area(ring) < 0]
    owners = _owners(holes, outer)
    return tuple(
        Polygon(_as_ring(ring), tuple(_as_ring(h) for h, owner in zip(holes, owners, strict=True) if owner == i))
        for i, ring in enumerate(outer)
    )


def mask_keyhole(mask: Mask) -> Ring:
    """One keyhole ring that gives `mask` back when filled even-odd; empty for an empty mask."""
    return keyhole(mask_polygons(mask))


def _border_rings(array: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    """Closed walks along pixel borders, object on the right hand: outer rings clockwise, holes the other way round.

    Where two object pixels touch only diagonally the walk hugs the background, which makes the object 8-connected.
    """
    a = np.pad(array, 1)
    tl, tr, bl, br = a[:-1, :-1], a[:-1, 1:], a[1:, :-1], a[1:, 1:]
    diagonal = (tl == br) & (tr == bl) & (tl != tr)
    ys, xs = np.nonzero((tl ^ tr ^ bl ^ br) | diagonal)
    by_column = np.lexsort((ys, xs))
    place = np.empty(len(xs), dtype=np.int64)
    place[by_column] = np.arange(len(xs))
    code = (tl[ys, xs] * 8 + tr[ys, xs] * 4 + bl[ys, xs] * 2 + br[ys, xs]).tolist()
    column, places = by_column.tolist(), place.tolist()
    unused = {(k, turn) for k in range(len(code)) for turn in _TURNS[code[k]] if turn[1] in (_EAST, _WEST)}
    rings = []
    while unused:
        rings.append(_walk(next(iter(unused)), code, column, places, unused))
    return [np.stack([xs[ring], ys[ring]], axis=1).astype(np.int64) for ring in sorted(rings)]


_Turn = tuple[int, int]  # heading in, heading out
# keyed by the set pixels around a corner: top-left 8, top-right 4, bottom-left 2, bottom-right 1
_TURNS: dict[int, tuple[_Turn, ...]] = {
    0b0001: ((_NORTH, _EAST),), 0b0010: ((_EAST, _SOUTH),), 0b0100: ((_WEST, _NORTH),), 0b1000: ((_SOUTH, _WEST),),
    0b1110: ((_WEST, _SOUTH),), 0b1101: ((_NORTH, _WEST),), 0b1011: ((_SOUTH, _EAST),), 0b0111: ((_EAST, _NORTH),),
    0b1001: ((_SOUTH, _EAST), (_NORTH, _WEST)), 0b0110: ((_EAST, _NORTH), (_WEST, _SOUTH)),
}  # fmt: skip


def _walk(
    start: tuple[int, _Turn], code: list[int], column: list[int], places: list[int], unused: set[tuple[int, _Turn]]
) -> list[int]:
    """Indices of the corners of one ring; corners are in row order, `column` and `places` lead through columns."""
    ring: list[int] = []
    k, turn = start
    while True:
        ring.append(k)
        unused.discard((k, turn))
        heading = turn[1]
        if heading in (_EAST, _WEST):
            k += 1 if heading == _EAST else -1
        else:
            k = column[places[k] + (1 if heading == _SOUTH else -1)]
        turn = next(t for t in _TURNS[code[k]] if t[0] == heading)
        if (k, turn) == start:
            return ring


def _signed_area(ring: npt.NDArray[np.int64]) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _owners(holes: list[npt.NDArray[np.int64]], outer: list[npt.NDArray[np.int64]]) -> list[int]:
    """For each hole the index of the smallest outer ring around it."""
    if len(outer) == 1:
        return [0] * len(holes)
    shapes = [shapely.Polygon(ring) for ring in outer]
    shapely.prepare(shapes)
    tree = shapely.STRtree(shapes)
    owners = []
    for hole in holes:
        # the pixel left of the leftmost, then topmost corner belongs to the owner
        x, y = min((x, y) for x, y in hole.tolist())
        inside = shapely.Point(x - 0.5, y + 0.5)
        around = [int(i) for i in tree.query(inside) if shapes[i].contains(inside)]
        owners.append(min(around, key=lambda i: float(shapes[i].area)))
    return owners


def _as_ring(ring: npt.NDArray[np.int64]) -> Ring:
    return tuple((float(x), float(y)) for x, y in ring.tolist())
