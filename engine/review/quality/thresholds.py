"""Precision and recall as the score falls, and the score from which a class is best reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.domain.outcome import PredictionOutcome

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """One class at IoU 0.5: a point for each score that occurs, from the highest down.

    Attributes:
        scores: [N], descending; a point counts the predictions of its score and above.
        precision: [N] in [0, 1], share of them that are right.
        recall: [N] in [0, 1], share of the instances that are found; all 0 without instances.
        instances: of the class, in the truth.
    """

    scores: Values
    precision: Values
    recall: Values
    instances: int

    @property
    def f1(self) -> Values:
        """[N] in [0, 1], the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return np.divide(2 * self.precision * self.recall, total, out=np.zeros_like(total), where=total > 0)

    @property
    def best(self) -> tuple[float, float] | None:
        """Score of the highest F1 (the higher score of equals) and that F1; None while nothing is found."""
        f1 = self.f1
        if not f1.size or f1.max() <= 0:
            return None
        k = int(f1.argmax())
        return float(self.scores[k]), float(f1[k])


def precision_recall(rows: Iterable[PredictionOutcome], instances: int) -> PrecisionRecall:
    """The curve of one class.

    Args:
        rows: the class's predictions on all images.
        instances: of the class, on all images.
    """
    ranked = sorted(rows, key=lambda r: -r.score)
    scores = np.array([r.score for r in ranked], dtype=np.float64)
    right = np.cumsum([r.right for r in ranked], dtype=np.float64)
    # No threshold can part equal scores: only the last of them is a point.
    last = np.append(scores[1:] != scores[:-1], True) if ranked else np.zeros(0, dtype=bool)
    reported = np.arange(1, len(ranked) + 1, dtype=np.float64)
    return PrecisionRecall(scores[last], (right / reported)[last], (right / max(instances, 1))[last], instances)
