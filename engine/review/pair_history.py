"""What was decided before where two classes met on one object: a hint for the next such object, and for a policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.domain.pair_policy import Pair, pair_of
from engine.errors import RunError
from engine.project.predictions import PredictionStore
from engine.project.records import Decision, Verdict
from engine.project.runs import RunFolder, open_run
from engine.project.store import ProjectStore
from engine.review.overlaps import Group, find_groups

_TAKEN = (Verdict.ACCEPTED, Verdict.CORRECTED)


@dataclass(frozen=True)
class PairHistory:
    """Past decisions on one pair of classes.

    Attributes:
        kept: category id to how often it alone was kept.
        both, neither: how often both were kept, and none.
    """

    kept: Mapping[int, int]
    both: int = 0
    neither: int = 0

    @property
    def decided(self) -> int:
        """How often the pair was decided on."""
        return sum(self.kept.values()) + self.both + self.neither

    def hint(self, names: Mapping[int, str]) -> str:
        """A sentence; "" when nothing was decided yet."""
        if not self.decided:
            return ""
        ranked = sorted(self.kept.items(), key=lambda entry: (-entry[1], entry[0]))
        told = [f"{names.get(category, '?')} kept {count}" for category, count in ranked if count]
        told += [f"both kept {self.both}"] * bool(self.both) + [f"neither kept {self.neither}"] * bool(self.neither)
        often = "once" if self.decided == 1 else f"{self.decided} times"
        return f"Decided {often} before: {', '.join(told)}."


def histories_of(groups: Iterable[Group], decisions: Mapping[int, Decision]) -> dict[Pair, PairHistory]:
    """By pair of classes, what became of keeper and runner-up in the groups where both were decided on.

    Args:
        groups: among stored predictions, whose ids are the keys.
        decisions: by prediction id, of the same run.
    """
    kept: dict[Pair, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    counts: dict[Pair, list[int]] = defaultdict(lambda: [0, 0])  # neither, both
    for group in groups:
        for other in group.others:
            pair = pair_of(group.keeper.category_id, other.category_id)
            verdicts = [decisions[int(m.key)].verdict for m in (group.keeper, other) if int(m.key) in decisions]
            if pair[0] == pair[1] or len(verdicts) < 2 or Verdict.UNSURE in verdicts:
                continue
            taken = [verdict in _TAKEN for verdict in verdicts]
            if sum(taken) == 1:
                kept[pair][(group.keeper if taken[0] else other).category_id] += 1
            else:
                counts[pair][all(taken)] += 1
    return {
        pair: PairHistory(dict(kept[pair]), both=counts[pair][1], neither=counts[pair][0])
        for pair in sorted(kept.keys() | counts.keys())
    }


def added(one: Mapping[Pair, PairHistory], two: Mapping[Pair, PairHistory]) -> dict[Pair, PairHistory]:
    """Both together: of several runs, whose prediction ids are not to be mixed."""
    nothing = PairHistory({})
    total = {}
    for pair in sorted(one.keys() | two.keys()):
        a, b = one.get(pair, nothing), two.get(pair, nothing)
        kept = {c: a.kept.get(c, 0) + b.kept.get(c, 0) for c in sorted(a.kept.keys() | b.kept.keys())}
        total[pair] = PairHistory(kept, a.both + b.both, a.neither + b.neither)
    return total


def histories_in(store: ProjectStore) -> dict[Pair, PairHistory]:
    """Past decisions on every pair, over all runs whose predictions are still there."""
    names = {c.id: c.name for c in store.categories()}
    by_run: dict[str, dict[int, Decision]] = defaultdict(dict)
    for decision in store.decisions():
        by_run[decision.run][decision.prediction_id] = decision
    total: dict[Pair, PairHistory] = {}
    for run_id, decisions in by_run.items():
        try:
            run = open_run(store.folder, run_id)
        except RunError:  # it was deleted; its verdicts stay, but nothing says on which classes they were
            continue
        total = added(total, histories_of(_decided_groups(run, decisions, names), decisions))
    return total


def _decided_groups(run: RunFolder, decisions: Mapping[int, Decision], names: Mapping[int, str]) -> Iterator[Group]:
    """Groups on the images of `decisions`, whatever the policies are by now: they were decided one by one before."""
    with PredictionStore(run.predictions_path) as staged:
        for epoch in staged.epochs():
            for image_id in sorted({d.image_id for d in decisions.values()} & set(staged.image_ids(epoch))):
                yield from find_groups(staged.detections(image_id, epoch).predictions, names)
