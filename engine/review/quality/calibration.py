"""Whether a score means what it says: of the predictions with score 0.8, are 80 % right?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.domain.outcome import PredictionOutcome

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar score.

    Attributes:
        low, high: scores from `low`, below `high` (the last bin holds 1.0 too).
        n: how many.
        mean_score: their mean score, None when there are none.
        precision: share of them that are right, likewise.
    """

    low: float
    high: float
    n: int
    mean_score: float | None
    precision: float | None

    @property
    def gap(self) -> float:
        """How far precision and mean score are apart, in [0, 1]; 0 for an empty bin."""
        return 0.0 if self.mean_score is None or self.precision is None else abs(self.precision - self.mean_score)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores against being right (a true positive at mask IoU 0.5).

    Attributes:
        bins: of equal width, over [0, 1].
        ece: expected calibration error in [0, 1], the bins' gaps weighted by their predictions (Guo et al. 2017,
            https://arxiv.org/abs/1706.04599; on detections Küppers et al. 2020, https://arxiv.org/abs/2004.13546);
            None without predictions.
        n: predictions.
    """

    bins: tuple[Bin, ...]
    ece: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return asdict(self)


def calibration_of(rows: Iterable[PredictionOutcome], *, bins: int = BINS) -> Calibration:
    """Sort predictions into `bins` by score and compare."""
    sorted_in: list[list[PredictionOutcome]] = [[] for _ in range(bins)]
    for row in rows:
        sorted_in[min(int(row.score * bins), bins - 1)].append(row)
    filled = tuple(_bin(k / bins, (k + 1) / bins, members) for k, members in enumerate(sorted_in))
    n = sum(b.n for b in filled)
    ece = sum(b.n * b.gap for b in filled) / n if n else None
    return Calibration(filled, ece, n)


def _bin(low: float, high: float, rows: Sequence[PredictionOutcome]) -> Bin:
    n = len(rows)
    if not n:
        return Bin(low, high, 0, None, None)
    return Bin(low, high, n, sum(r.score for r in rows) / n, sum(r.right for r in rows) / n)
