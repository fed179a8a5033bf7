"""Which class is taken for which, by the pixels they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Category
from engine.review.matching import match
from engine.review.quality.compared import MIN_IOU, ComparedImage

BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of objects; the last row and column are background.

    Attributes:
        names: of the classes.
        counts: [C + 1, C + 1] int64, rows what a person says, columns what the network says.  A row sums to the
            class's instances, a column to its predictions; the last column counts misses, the last row predictions
            on no object or on one that a better prediction has taken; nothing is counted where the two meet.
    """

    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {"labels": [*self.names, BACKGROUND], "matrix": self.counts.tolist()}


def confusion_of(images: Iterable[ComparedImage], categories: Sequence[Category], *, min_score: float) -> Confusion:
    """Match at mask IoU 0.5 whatever the classes are, by score, and count who met whom.

    A prediction takes an instance of its own class first, so an object that is rightly labelled with two classes
    confuses nothing.
    """
    row = {c.id: k for k, c in enumerate(categories)}
    counts = np.zeros((len(row) + 1, len(row) + 1), dtype=np.int64)
    for image in images:
        result = match(
            image.annotation,
            image.predictions,
            min_iou=MIN_IOU,
            min_score=min_score,
            same_class=False,
            overlaps=image.overlaps,
        )
        said = {i.id: row[i.category_id] for i in image.annotation}
        for m in result.matches:
            counts[said[m.instance_id], row[image.predictions[m.position].category_id]] += 1
        for position in result.false_positives:
            counts[-1, row[image.predictions[position].category_id]] += 1
        for instance_id in result.missed:
            counts[said[instance_id], -1] += 1
    return Confusion(tuple(c.name for c in categories), counts)
