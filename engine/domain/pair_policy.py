"""What a person says of two classes on the same pixels; it is remembered with the project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Pair = tuple[int, int]


class PairRule(StrEnum):
    """What two classes may be to each other."""

    FORBID = "forbid"
    ALLOW = "allow"
    PART_OF = "part-of"


@dataclass(frozen=True, slots=True)
class PairPolicy:
    """The rule for two classes.

    Attributes:
        first, second: category ids; for ``part-of`` the first is the part and the second the whole.
        rule: ``forbid``: no object is both, so every overlap is shown, weak runners-up too.  ``allow``: both may be
            right, so none is shown.  ``part-of``: the first inside the second is expected, anything else is shown.
    """

    first: int
    second: int
    rule: PairRule

    @property
    def pair(self) -> Pair:
        """The two classes, whichever is named first."""
        return pair_of(self.first, self.second)


Policies = Mapping[Pair, PairPolicy]


def pair_of(a: int, b: int) -> Pair:
    """Two category ids in the order that pairs are kept in."""
    return (a, b) if a <= b else (b, a)


def by_pair(policies: Iterable[PairPolicy]) -> dict[Pair, PairPolicy]:
    """Policies as they are looked up; the last one on a pair counts."""
    return {policy.pair: policy for policy in policies}
