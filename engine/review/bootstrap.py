"""How sure a difference of two networks is: images drawn again and again, the same draw for both.

The percentile bootstrap over images (Efron 1979): objects of one image are not independent, images nearly are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from engine.domain.outcome import ImageOutcomes

Weights = npt.NDArray[np.float64]
Measure = Callable[[Weights], float | None]

DRAWS = 1000
_INSIDE = (2.5, 97.5)  # percentiles: 95 % of the draws lie between
_RECALLS = np.linspace(0, 1, 101)  # COCO's


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two networks; None where there is nothing to measure.

    Attributes:
        difference: second minus first.
        low, high: 95 % of the draws' differences lie between.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def sure(self) -> bool:
        """Whether both bounds are on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_json(self) -> dict[str, float | bool | None]:
        """Plain values."""
        return {**asdict(self), "sure": self.sure}


class Rows:
    """One network's outcomes, ready to be counted with any weight for each image."""

    def __init__(self, images: Sequence[ImageOutcomes], category_ids: Sequence[int], min_score: float) -> None:
        self._classes = [_ClassRows(images, category_id) for category_id in category_ids]
        shown = [[p for p in image.predictions if p.score >= min_score] for image in images]
        self._reported = np.array([len(rows) for rows in shown], dtype=np.float64)
        self._right = np.array([sum(p.right for p in rows) for rows in shown], dtype=np.float64)
        self._instances = np.array([len(image.instances) for image in images], dtype=np.float64)

    def ap50(self, weights: Weights) -> float | None:
        """Mean average precision at IoU 0.5 over classes that have an instance, over all scores."""
        found = [value for c in self._classes if (value := c.average_precision(weights)) is not None]
        return sum(found) / len(found) if found else None

    def recall(self, weights: Weights) -> float | None:
        """Share of the instances that are found at the score asked for."""
        total = float(weights @ self._instances)
        return float(weights @ self._right) / total if total else None

    def precision(self, weights: Weights) -> float | None:
        """Share of the predictions that are right at the score asked for."""
        total = float(weights @ self._reported)
        return float(weights @ self._right) / total if total else None


class _ClassRows:
    def __init__(self, images: Sequence[ImageOutcomes], category_id: int) -> None:
        rows = [(p.score, k, p.right) for k, i in enumerate(images) for p in i.predictions]
        own = [p.category_id == category_id for i in images for p in i.predictions]
        ranked = sorted((row for row, mine in zip(rows, own, strict=True) if mine), key=lambda row: -row[0])
        self._image = np.array([k for _, k, _ in ranked], dtype=np.intp)
        self._right = np.array([right for _, _, right in ranked], dtype=np.float64)
        counts = [sum(row.category_id == category_id for row in i.instances) for i in images]
        self._instances = np.array(counts, dtype=np.float64)

    def average_precision(self, weights: Weights) -> float | None:
        """COCO's: the best precision from each of 101 recalls on, their mean; None without an instance."""
        total = float(weights @ self._instances)
        if not total:
            return None
        weight = weights[self._image]
        right = np.cumsum(weight * self._right)
        reported = np.cumsum(weight)
        precision = np.divide(right, reported, out=np.zeros_like(right), where=reported > 0)
        best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        return float(best[np.searchsorted(right / total, _RECALLS, side="left")].mean())


def differences(first: Rows, second: Rows, images: int, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Difference]:
    """AP50, recall and precision of both, each with the interval of its difference."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(images, np.full(images, 1 / images), size=draws).astype(np.float64)
    measures: dict[str, tuple[Measure, Measure]] = {
        "ap50": (first.ap50, second.ap50),
        "recall": (first.recall, second.recall),
        "precision": (first.precision, second.precision),
    }
    return {name: _difference(one, two, drawn) for name, (one, two) in measures.items()}


def _difference(one: Measure, two: Measure, drawn: Weights) -> Difference:
    once = np.ones(drawn.shape[1])
    a, b = one(once), two(once)
    if a is None or b is None:
        return Difference(a, b, None, None, None)
    pairs = ((one(weights), two(weights)) for weights in drawn)
    spread = [y - x for x, y in pairs if x is not None and y is not None]
    low, high = (float(v) for v in np.percentile(spread, _INSIDE)) if spread else (None, None)
    return Difference(a, b, b - a, low, high)
