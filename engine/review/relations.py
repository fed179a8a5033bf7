"""How two objects of one image relate: one object read as two classes, one object twice, a part of another, or nothing.

The relation is symmetric and looks at nothing but classes and shared pixels, so a core in a ring's hole is unrelated to
the ring: they share none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.domain.pair_policy import Pair, PairPolicy, PairRule, Policies, pair_of
from engine.domain.prediction import Prediction
from engine.review.candidates import Flags, Overlap, area, overlap, overlap_bounds

Kind = Literal["same-object", "part-of", "duplicate"]
KINDS: tuple[Kind, ...] = ("same-object", "part-of", "duplicate")

MIN_IOU = 0.5
MIN_CONTAINMENT = 0.9
MIN_SCORE = 0.3
MIN_SCORE_RATIO = 0.4


@dataclass(frozen=True)
class OverlapRule:
    """When two predictions are worth a person's look.

    Attributes:
        min_iou: mask IoU from which they are the same object.
        min_containment: share of the smaller one inside the other from which it is reported as part of it.
        min_score: lowest score of a runner-up.
        min_score_ratio: lowest score of a runner-up, divided by the keeper's.
        duplicates: whether two of one class on one object are reported, too.
    """

    min_iou: float = MIN_IOU
    min_containment: float = MIN_CONTAINMENT
    min_score: float = MIN_SCORE
    min_score_ratio: float = MIN_SCORE_RATIO
    duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """What one pair is to each other.

    Attributes:
        overlap: by how much they share pixels.
        forbidden: a person said that no object is both, so the runner-up's score does not matter.
    """

    kind: Kind
    overlap: Overlap
    forbidden: bool = False


def kind_of(shared: Overlap, *, same_class: bool, rule: OverlapRule) -> Kind | None:
    """``duplicate`` or ``same-object`` from `rule`'s IoU on; below it ``part-of`` for other classes; None otherwise."""
    if shared.iou >= rule.min_iou:
        return "duplicate" if same_class else "same-object"
    return "part-of" if not same_class and shared.containment >= rule.min_containment else None


def relation(a: Prediction, b: Prediction, rule: OverlapRule | None = None) -> Kind | None:
    """What `a` and `b` are to each other; None for objects of different images, too."""
    if a.image_id != b.image_id:
        return None
    return kind_of(overlap(a, b), same_class=a.category_id == b.category_id, rule=rule or OverlapRule())


def related_pairs(
    items: Sequence[Prediction], rule: OverlapRule, policies: Policies | None = None
) -> dict[Pair, Related]:
    """Every related pair ``(i, j)``, i < j, of one image's `items`, without what `policies` says is expected."""
    relations, everything = Relations(items, rule, policies), range(len(items))
    return {pair: found for kind in KINDS for pair, found in relations.among(everything, kind).items()}


class Relations:
    """The related pairs of one image's objects; pixels are compared only of pairs that somebody asks for."""

    def __init__(self, items: Sequence[Prediction], rule: OverlapRule, policies: Policies | None = None) -> None:
        self._items = items
        self._rule = rule
        self._policies = policies or {}
        self._known: dict[Pair, Overlap] = {}
        self._possible = _possible(items, rule)

    def among(self, indices: Collection[int], kind: Kind) -> dict[Pair, Related]:
        """Pairs ``(i, j)``, i < j, of `kind` whose both sides are in `indices`."""
        found: dict[Pair, Related] = {}
        for pair in self._possible[kind]:
            if pair[0] in indices and pair[1] in indices:
                related = self._related(pair, kind)
                if related is not None:
                    found[pair] = related
        return found

    def _related(self, pair: Pair, kind: Kind) -> Related | None:
        a, b = self._items[pair[0]], self._items[pair[1]]
        shared = self._known.get(pair)
        if shared is None:
            shared = self._known[pair] = overlap(a, b)
        if kind_of(shared, same_class=a.category_id == b.category_id, rule=self._rule) != kind:
            return None
        policy = self._policies.get(pair_of(a.category_id, b.category_id)) if self._policies else None
        if _expected(kind, a, b, policy):
            return None
        return Related(kind, shared, policy is not None and policy.rule is PairRule.FORBID)


def _possible(items: Sequence[Prediction], rule: OverlapRule) -> dict[Kind, list[Pair]]:
    """By kind, pairs i < j whose classes, boxes and areas allow it."""
    found: dict[Kind, list[Pair]] = {kind: [] for kind in KINDS}
    classes, places = np.array([i.category_id for i in items]), np.arange(len(items))
    for start, bounds in overlap_bounds(items, items):
        rows = slice(start, start + len(bounds.iou))
        later = places[rows, None] < places
        other = classes[rows, None] != classes
        reach = bounds.reach(rule.min_iou) & later
        flags: dict[Kind, Flags] = {
            "same-object": reach & other,
            "part-of": bounds.hold(rule.min_containment) & later & other,
        }
        if rule.duplicates:
            flags["duplicate"] = reach & ~other
        for kind, flagged in flags.items():
            left, right = np.nonzero(flagged)
            found[kind] += zip((left + start).tolist(), right.tolist(), strict=True)
    return found


def _expected(kind: Kind, a: Prediction, b: Prediction, policy: PairPolicy | None) -> bool:
    if policy is None or policy.rule is PairRule.FORBID:
        return False
    if policy.rule is PairRule.ALLOW:
        return True
    part = min(a, b, key=area)
    return kind == "part-of" and part.category_id == policy.first
