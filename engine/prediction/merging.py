"""What was found in overlapping tiles put together: one object over a seam is one instance, its holes kept.

The rule.  Where two tiles overlap, both saw the same pixels.  A prediction of one and a prediction of the other are the
same object when they are of one class and their masks agree inside that common strip: their IoU, computed in the strip
alone, is at least :data:`AGREE`.  Objects that merely touch share no pixel there and stay apart.  The best agreements
are joined first, and two predictions of one tile are never joined: the network told them apart when it saw both.

Masks stay run lengths from beginning to end, so memory grows with outlines and not with the image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from engine.domain.annotation import BoxXYXY
from engine.domain.boxes import box_ious
from engine.domain.mask import BoxInt, Mask, boxes_touch
from engine.domain.prediction import Detections, Prediction
from engine.prediction.tiling import Span, Tile

AGREE = 0.5  # COCO's threshold for "the same object"
_REACH = 2  # rows and columns that a tile can overlap with: with half of a tile shared, two


@dataclass(frozen=True, slots=True)
class TileFindings:
    """What was found in one tile, in the tile's own pixels."""

    tile: Tile
    found: Detections


@dataclass(frozen=True, slots=True)
class _Piece:
    """A prediction of one tile; `box_xyxy` in pixels of the image, the mask in those of the tile."""

    tile: Tile
    prediction: Prediction
    box_xyxy: BoxXYXY

    @property
    def extent(self) -> BoxXYXY:
        """Box around its pixels, in pixels of the image."""
        if self.prediction.mask is None:
            return self.box_xyxy
        x0, y0, x1, y1 = self.prediction.mask.box
        dx, dy = self.tile.box[0], self.tile.box[1]
        return x0 + dx, y0 + dy, x1 + dx, y1 + dy

    def inside(self, strip: BoxInt) -> Mask:
        """The part in `strip` (image pixels), as a mask of the strip's size; without a mask, the box's part."""
        x0, y0, x1, y1 = strip
        dx, dy = self.tile.box[0], self.tile.box[1]
        if self.prediction.mask is not None:
            return self.prediction.mask.cropped((x0 - dx, y0 - dy, x1 - dx, y1 - dy))
        left, top, right, bottom = self.box_xyxy
        return Mask.from_box((left - x0, top - y0, right - x0, bottom - y0), y1 - y0, x1 - x0)


def merge(
    parts: Sequence[TileFindings], *, image_id: int, height: int, width: int, across_classes: bool = False
) -> Detections:
    """Predictions of an image of ``height x width`` from those of its tiles, highest score first.

    A joined prediction has the class and score of its best piece and the box around all pieces.

    Args:
        across_classes: pieces of different classes may be joined too.
    """
    pieces = [_piece(part.tile, p) for part in parts for p in part.found.predictions]
    groups = _Groups(pieces)
    for _, a, b in sorted(_agreements(pieces, across_classes=across_classes), key=lambda t: (-t[0], t[1], t[2])):
        groups.join(a, b)
    joined = [_joined(group, image_id, height, width) for group in groups.all()]
    return Detections(image_id, height, width, tuple(sorted(joined, key=lambda p: -p.score)))


def _piece(tile: Tile, prediction: Prediction) -> _Piece:
    dx, dy = tile.box[0], tile.box[1]
    x0, y0, x1, y1 = prediction.box_xyxy
    return _Piece(tile, prediction, (x0 + dx, y0 + dy, x1 + dx, y1 + dy))


# --- which pieces are one object ----------------------------------------------------------------------------------


def _agreements(pieces: Sequence[_Piece], *, across_classes: bool) -> Iterator[tuple[float, int, int]]:
    """IoU in the common strip, and the two pieces, for all that agree."""
    by_tile: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        by_tile[piece.tile.row, piece.tile.column].append(index)
    for first, second in _neighbours(sorted(by_tile)):
        strip = _common(pieces[by_tile[first][0]].tile.box, pieces[by_tile[second][0]].tile.box)
        if strip is None:
            continue
        ours, theirs = (_inside(pieces, by_tile[place], strip) for place in (first, second))
        for a, b in _meeting(ours, theirs):
            alike = across_classes or pieces[a].prediction.category_id == pieces[b].prediction.category_id
            if alike and (iou := ours[a].iou(theirs[b])) >= AGREE:
                yield iou, a, b


def _meeting(ours: dict[int, Mask], theirs: dict[int, Mask]) -> Iterator[tuple[int, int]]:
    """Pairs of parts whose boxes overlap; of thousands of parts few do."""
    boxes, others = (np.array([m.box for m in parts.values()]).reshape(-1, 4) for parts in (ours, theirs))
    a, b = list(ours), list(theirs)
    for i, j in np.argwhere(box_ious(boxes, others) > 0).tolist():
        yield a[i], b[j]


def _neighbours(places: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of places (row, column) that may overlap, each pair once."""
    known = set(places)
    steps = [
        (down, right)
        for down in range(_REACH + 1)
        for right in range(-_REACH, _REACH + 1)
        if down > 0 or right > 0
    ]  # fmt: skip
    for row, column in places:
        for down, right in steps:
            if (other := (row + down, column + right)) in known:
                yield (row, column), other


def _common(a: BoxInt, b: BoxInt) -> BoxInt | None:
    if not boxes_touch(a, b):
        return None
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _inside(pieces: Sequence[_Piece], indices: Sequence[int], strip: BoxInt) -> dict[int, Mask]:
    """Of the pieces `indices` the parts in `strip` that are not empty."""
    parts = {index: pieces[index].inside(strip) for index in indices if boxes_touch(pieces[index].extent, strip)}
    return {index: part for index, part in parts.items() if not part.is_empty}


class _Groups:
    """Pieces that belong together; at first each on its own."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._pieces = pieces
        self._group_of = list(range(len(pieces)))
        self._members = {index: [index] for index in range(len(pieces))}

    def join(self, a: int, b: int) -> None:
        """Join the groups of two pieces, unless a tile has pieces in both."""
        a, b = self._group_of[a], self._group_of[b]
        if a == b or self._tiles(a) & self._tiles(b):
            return
        for index in self._members[b]:
            self._group_of[index] = a
        self._members[a] += self._members.pop(b)

    def all(self) -> list[list[_Piece]]:
        """The groups, in the order of their first pieces."""
        return [[self._pieces[index] for index in members] for members in self._members.values()]

    def _tiles(self, group: int) -> set[tuple[int, int]]:
        return {(self._pieces[i].tile.row, self._pieces[i].tile.column) for i in self._members[group]}


# --- one prediction of several pieces -----------------------------------------------------------------------------


def _joined(pieces: Sequence[_Piece], image_id: int, height: int, width: int) -> Prediction:
    best = max(pieces, key=lambda p: p.prediction.score).prediction
    lows, highs = [p.box_xyxy[:2] for p in pieces], [p.box_xyxy[2:] for p in pieces]
    box = (min(x for x, _ in lows), min(y for _, y in lows), max(x for x, _ in highs), max(y for _, y in highs))
    mask = None if best.mask is None else _assembled(pieces, height, width)
    # A ROI's number is one of its own tile's proposals: it says nothing about the image.
    return replace(best, image_id=image_id, box_xyxy=box, mask=mask, roi=-1)


def _assembled(pieces: Sequence[_Piece], height: int, width: int) -> Mask:
    """The mask in the image; of a strip each half is taken from the tile that sees it farther from its border."""
    if len(pieces) == 1:
        return _placed(pieces[0], (0, 0, width, height))
    tiles = [p.tile for p in pieces]
    frame = _around([t.box for t in tiles])
    whole = {(p.tile.row, p.tile.column): _placed(p, frame) for p in pieces}
    columns = _own({t.column: (t.box[0], t.box[2]) for t in tiles})
    rows = _own({t.row: (t.box[1], t.box[3]) for t in tiles})
    parts = [
        _cell(whole, (row, column), (x0 - frame[0], y0 - frame[1], x1 - frame[0], y1 - frame[1]))
        for row, (y0, y1) in rows.items()
        for column, (x0, x1) in columns.items()
    ]
    x0, y0, x1, y1 = frame
    return Mask.union_of(parts, y1 - y0, x1 - x0).padded(x0, y0, height, width)


def _placed(piece: _Piece, frame: BoxInt) -> Mask:
    """A piece's mask in a frame of the image."""
    x0, y0, x1, y1 = frame
    mask = piece.prediction.mask
    assert mask is not None
    return mask.translated(piece.tile.box[0] - x0, piece.tile.box[1] - y0, y1 - y0, x1 - x0)


def _cell(whole: dict[tuple[int, int], Mask], place: tuple[int, int], box: BoxInt) -> Mask:
    """What lies in `box`, by the piece of the tile it belongs to; by all pieces when that tile found none."""
    height, width = next(iter(whole.values())).shape
    mask = whole[place] if place in whole else Mask.union_of(whole.values(), height, width)
    return mask & Mask.from_box(box, height, width)


def _own(spans: dict[int, Span]) -> dict[int, Span]:
    """The spans cut in the middle of what neighbours share, so that they lie end to end."""
    places = sorted(spans)
    cuts = [(spans[a][1] + spans[b][0]) // 2 for a, b in pairwise(places)]
    starts, ends = [spans[places[0]][0], *cuts], [*cuts, spans[places[-1]][1]]
    return dict(zip(places, zip(starts, ends, strict=True), strict=True))


def _around(boxes: Sequence[BoxInt]) -> BoxInt:
    return (
        min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
    )  # fmt: skip
