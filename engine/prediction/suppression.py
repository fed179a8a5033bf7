"""By whom a box was suppressed: non-maximum suppression itself only tells which boxes are left."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.boxes import box_ious

Ints = npt.NDArray[np.int64]

_AT_ONCE = 256  # removed boxes compared with all kept ones at a time: bounds the memory


def suppressors(boxes: npt.NDArray[np.float32], groups: Ints, *, kept: Ints, removed: Ints, threshold: float) -> Ints:
    """Index of the box that suppressed each of `removed`, int64 as long as `removed`.

    Suppression goes through the boxes from the best score down; whoever is kept removes all worse boxes of its group
    that it overlaps by more than `threshold`.  So a box was removed by the first kept one that overlaps it so much.

    Args:
        boxes: float [N, 4] xyxy.
        groups: int [N]; only boxes of one group suppress each other.
        kept: indices of the boxes that are left, highest score first.
        removed: indices of those that are gone.
    """
    found = np.full(len(removed), -1, dtype=np.int64)
    for group in np.unique(groups[removed]):
        rivals = kept[groups[kept] == group]
        places = np.flatnonzero(groups[removed] == group)
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            found[part] = rivals[_first_over(box_ious(boxes[removed[part]], boxes[rivals]), threshold)]
    return found


def _first_over(ious: npt.NDArray[Any], threshold: float) -> Ints:
    """Column of the first value above `threshold` in each row.

    Where rounding leaves none above it (the network compares in float32, far from the origin), the largest value.
    """
    over = ious > threshold
    return np.asarray(np.where(over.any(axis=1), over.argmax(axis=1), ious.argmax(axis=1)), dtype=np.int64)
