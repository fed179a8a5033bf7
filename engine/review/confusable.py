"""Which classes the network, or a person, puts on the same object, and what is best done about each pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.domain.annotation import Category
from engine.domain.outcome import MissReason
from engine.domain.pair_policy import Pair, PairPolicy, PairRule, pair_of
from engine.review.pair_history import PairHistory
from engine.review.queue_evidence import ImageEvidence, Knowledge

# Where advice begins; they are choices, not measurements.
SURE = 0.8  # a network that contradicts a label with this score more likely found a wrong label than made an error
CLOSE = 0.15  # a smaller gap between the two scores says that the network cannot tell the classes apart
MIXED = 0.2  # of either class's objects taken for the other: the classes may be one
FEW = 1 / 3  # of the other class's instances: the rarer one lacks examples


@dataclass
class PairFacts:
    """What was seen of two classes, ids ascending.

    Attributes:
        groups: objects on which the network put both.
        iou_sum, gap_sum: over them, of the mask IoU and of the keeper's score minus the runner-up's.
        taken: category id to its annotated objects that the network took for the other class.
        sure: how many of those with a score of :data:`SURE` and above.
        labelled_twice: objects that carry both classes in the annotations.
    """

    pair: Pair
    groups: int = 0
    iou_sum: float = 0.0
    gap_sum: float = 0.0
    taken: Counter[int] = field(default_factory=Counter)
    sure: int = 0
    labelled_twice: int = 0

    @property
    def weight(self) -> int:
        """Objects on which the two met, however."""
        return self.groups + self.labelled_twice + self.taken.total()

    @property
    def mean_iou(self) -> float | None:
        return self.iou_sum / self.groups if self.groups else None

    @property
    def mean_gap(self) -> float | None:
        return self.gap_sum / self.groups if self.groups else None


def facts_of(images: Iterable[ImageEvidence]) -> dict[Pair, PairFacts]:
    """Every pair that met on an object, by pair."""
    facts: dict[Pair, PairFacts] = {}

    def at(a: int, b: int) -> PairFacts:
        pair = pair_of(a, b)
        return facts.setdefault(pair, PairFacts(pair))

    for image in images:
        for group in (g for g in image.groups if g.kind == "same-object"):
            for other in group.others:
                met = at(group.keeper.category_id, other.category_id)
                met.groups += 1
                met.iou_sum += other.iou
                met.gap_sum += group.keeper.score - other.score
        for group in (g for g in image.labelled_twice if g.kind == "same-object"):
            for other in group.others:
                at(group.keeper.category_id, other.category_id).labelled_twice += 1
        for said, guess, score in _taken_for(image):
            met = at(said, guess)
            met.taken[said] += 1
            met.sure += score >= SURE
    return dict(sorted(facts.items()))


def _taken_for(image: ImageEvidence) -> Iterable[tuple[int, int, float]]:
    """Of each annotated object that was taken for another class: its class, the other one, and the score."""
    guesses = {p.id: p.category_id for p in image.predictions}
    for row in image.outcomes.instances if image.outcomes else ():
        if row.reason is MissReason.WRONG_CLASS and row.prediction_id in guesses:
            yield row.category_id, guesses[row.prediction_id], row.score


def advice(
    facts: PairFacts, names: Mapping[int, str], counts: Mapping[int, int], policy: PairPolicy | None = None
) -> str:
    """What to do about a pair, in one or two sentences; the first that applies, what is certain before what is likely.

    Args:
        names: category id to name.
        counts: category id to annotated instances.
    """
    a, b = (names.get(category, "?") for category in facts.pair)
    if policy is not None and policy.rule is not PairRule.FORBID:
        return _settled(policy, names)
    if not facts.weight:
        return "The two did not meet on any object."
    if facts.labelled_twice:
        return (
            f"Relabel these: {_objects(facts.labelled_twice)} labelled as {a} and as {b} at once. "
            "The network learns both from the same pixels."
        )
    if 2 * facts.sure >= sum(facts.taken.values()) > 0:
        return (
            f"Relabel these? The network is sure (score {SURE:g} and above) of the other class on "
            f"{_objects(facts.sure)}: look whether the labels are right."
        )
    if _mixed(facts, counts):
        return (
            f"Merge? {a} and {b} are taken for each other in both directions, and the network gives them nearly the "
            "same score: if nobody needs the difference, make them one class."
        )
    rarer = min(facts.pair, key=lambda category: counts.get(category, 0))
    if counts.get(rarer, 0) < FEW * max(counts.get(category, 0) for category in facts.pair):
        return (
            f"Add data: {names.get(rarer, '?')} has only {counts.get(rarer, 0)} annotated objects; "
            "more of them teach the difference."
        )
    return f"Add data that shows the difference: objects where {a} and {b} look most alike."


def _settled(policy: PairPolicy, names: Mapping[int, str]) -> str:
    first, second = names.get(policy.first, "?"), names.get(policy.second, "?")
    if policy.rule is PairRule.ALLOW:
        return f"Nothing to do: {first} and {second} may lie on one object here."
    return f"{first} inside {second} is expected here; other overlaps of the two are decided one by one."


def _mixed(facts: PairFacts, counts: Mapping[int, int]) -> bool:
    """Both classes are often taken for the other, and where both are seen their scores are close."""
    shares = [facts.taken[c] / counts[c] if counts.get(c) else 0.0 for c in facts.pair]
    gap = facts.mean_gap
    return min(shares) >= MIXED and (gap is None or gap < CLOSE)


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def to_json(facts: Mapping[Pair, PairFacts], known: Knowledge) -> dict[str, Any]:
    """The matrix of groups, classes in the project's order, and a row for each pair that met or has a policy."""
    silent = {pair: PairFacts(pair) for pair in known.policies if pair not in facts}
    met = sorted({**facts, **silent}.values(), key=lambda f: (-f.weight, f.pair))
    rows = [_row(f, known, known.histories.get(f.pair, PairHistory({}))) for f in met]
    return {"classes": [c.name for c in known.categories], "matrix": matrix(facts, known.categories), "pairs": rows}


def _row(facts: PairFacts, known: Knowledge, history: PairHistory) -> dict[str, Any]:
    names, policy = known.names, known.policies.get(facts.pair)
    return {
        "classes": [names.get(category, "?") for category in facts.pair],
        "groups": facts.groups,
        "mean_iou": facts.mean_iou,
        "mean_score_gap": facts.mean_gap,
        "taken_for_the_other": [facts.taken[category] for category in facts.pair],
        "labelled_twice": facts.labelled_twice,
        "policy": str(policy.rule) if policy else None,
        "decided": history.decided,
        "hint": history.hint(names),
        "advice": advice(facts, names, known.counts, policy),
    }


def matrix(facts: Mapping[Pair, PairFacts], categories: Sequence[Category]) -> list[list[int]]:
    """[C][C] symmetric counts of groups, in the order of `categories`."""
    counts: dict[Pair, int] = defaultdict(int, {pair: met.groups for pair, met in facts.items()})
    return [[counts[pair_of(a.id, b.id)] if a.id != b.id else 0 for b in categories] for a in categories]
