"""Medians and how sure they are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

_TAIL = 0.025  # outside at each end: 95 % inside


@dataclass(frozen=True)
class Interval:
    """A median between bounds that hold it in 95 % of all series like this one; of fewer than six, all values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Bounds are values of the series itself: no distribution is assumed (order statistics of the median)."""
        ordered = sorted(values)
        cut = _cut(len(ordered))
        return cls(statistics.median(ordered), ordered[cut], ordered[-1 - cut])

    def over(self, other: Interval) -> Interval:
        """The ratio of two, its bounds the widest that theirs allow."""
        return Interval(self.median / other.median, self.low / other.high, self.high / other.low)

    @property
    def bounds(self) -> list[float]:
        return [self.low, self.high]


def _cut(count: int) -> int:
    """How many of `count` sorted values lie outside at each end."""
    chance, cut = 0.0, -1
    while (chance := chance + comb(count, cut + 1) / 2**count) <= _TAIL:
        cut += 1
    return max(cut, 0)
