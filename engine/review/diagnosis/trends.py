"""Whether a curve still rises or falls, and how much more of it there is to expect."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist, fmean

TREND_LEVEL = 0.05  # chance of calling a curve without a trend one that has it
# With three points even the clearest order comes about by chance one time in six.
FEWEST_POINTS = 4


def rises(values: Sequence[float]) -> bool:
    """Whether `values` rise more often than chance would have it (Mann 1945, one-sided; needs four).

    The statistic S counts pairs that rise against pairs that fall, so one odd epoch decides nothing and no size of a
    step is assumed.  Its distribution is exact without ties up to ten values, normal otherwise (Kendall 1975).
    """
    if len(values) < FEWEST_POINTS:
        return False
    pairs = list(itertools.combinations(values, 2))
    s = sum((b > a) - (b < a) for a, b in pairs)
    ties = any(a == b for a, b in pairs)
    chance = _exact(len(values), s) if len(values) <= 10 and not ties else _normal(values, s)
    return chance < TREND_LEVEL


def falls(values: Sequence[float]) -> bool:
    """Whether `values` fall more often than chance would have it."""
    return rises([-v for v in values])


def later_half(values: Sequence[float]) -> Sequence[float]:
    """The end of a curve: its second half, but at least the points that a trend needs."""
    return values[-max(FEWEST_POINTS, len(values) // 2) :]


def expected_rise(values: Sequence[float], *, limit: float = 1.0) -> float:
    """How much as many values again would add, at most up to `limit`; 0 for a curve that did not rise at the end.

    A curve that nears its level as e^-t gains less in each third by the same ratio, which tells what the next ones gain
    (Aitken 1926).  A curve that gained no less in its last third than in the one before goes on as it did.
    """
    if len(values) < 3:
        return 0.0
    cuts = [round(k * len(values) / 3) for k in range(4)]
    first, second, last = (fmean(values[a:b]) for a, b in itertools.pairwise(cuts))
    early, late = second - first, last - second
    if late <= 0:
        return 0.0
    ratio = late / early if late < early else 1.0
    gain = late * (ratio + ratio**2 + ratio**3) * _left_at_end(ratio, len(values) / 3)
    return max(0.0, min(gain, limit - values[-1]))


def _left_at_end(ratio: float, count: float) -> float:
    """What an exponential has before it at the end of `count` values, as a share of what it has on their average."""
    step = -math.log(ratio) / count
    return count * math.expm1(step) / math.expm1(count * step) if step else 1.0


def _normal(values: Sequence[float], s: int) -> float:
    """Chance of S or more, corrected for ties and for steps of two."""
    n = len(values)
    tied = [sum(1 for v in values if v == u) for u in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in tied)) / 18
    if s <= 0 or variance <= 0:
        return 1.0
    return 1 - NormalDist().cdf((s - 1) / math.sqrt(variance))


def _exact(n: int, s: int) -> float:
    """Chance of S or more among the orders of `n` different values, counted by their inversions."""
    counts = [1]
    for k in range(2, n + 1):
        longer = [0] * (len(counts) + k - 1)
        for inversions, orders in enumerate(counts):
            for more in range(k):
                longer[inversions + more] += orders
        counts = longer
    most = (n * (n - 1) // 2 - s) // 2  # S = all pairs less two for each inversion
    return sum(counts[: most + 1]) / math.factorial(n)
