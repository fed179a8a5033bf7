"""Which predictions are accepted together: those that nobody has to think about, from a score on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.project.records import Decision, Verdict
from gui.models.review_items import DECIDED, ImageFacts, Seen
from gui.models.review_rows import members_of

IN_GROUP = "in a group of several candidates for one object"
OTHER_CLASS = "on an object that is labelled with another class"
PUT_OFF = "put off as unsure"
IN_DONE = "in images that are done"


@dataclass(frozen=True)
class BulkChoice:
    """What would be accepted.

    Attributes:
        by_image: ids of predictions by image.
        by_category: how many of each class.
        left_out: how many above the score stay for a person, by the reason in words.
    """

    by_image: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    by_category: Mapping[int, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of predictions."""
        return sum(len(ids) for ids in self.by_image.values())


def choose_above(
    facts: Iterable[ImageFacts],
    decisions: Iterable[Decision],
    known: Iterable[int],
    *,
    score: float,
    category_id: int | None = None,
) -> BulkChoice:
    """Undecided predictions with `score` and above that no label lies on.

    Args:
        known: categories that the project has.
        category_id: only of this class; None for all.
    """
    verdicts = {d.prediction_id: d.verdict for d in decisions}
    wanted = set(known) if category_id is None else {category_id} & set(known)
    by_image: dict[int, tuple[int, ...]] = {}
    by_category: Counter[int] = Counter()
    left_out: Counter[str] = Counter()
    for image in facts:
        grouped = {int(m.key) for group in image.groups for m in members_of(group)}
        taken = []
        for seen in image.seen:
            if seen.score < score or seen.category_id not in wanted:
                continue
            if seen.agrees or verdicts.get(seen.id) in DECIDED:
                continue
            reason = _reason_to_ask(image, seen, verdicts.get(seen.id), grouped)
            if reason:
                left_out[reason] += 1
            else:
                taken.append(seen.id)
                by_category[seen.category_id] += 1
        if taken:
            by_image[image.image_id] = tuple(taken)
    return BulkChoice(by_image, by_category, left_out)


def _reason_to_ask(image: ImageFacts, seen: Seen, verdict: Verdict | None, grouped: set[int]) -> str:
    """Why a person has to look at a prediction; "" when it can be accepted as it is."""
    if image.done:
        return IN_DONE
    if seen.id in grouped:
        return IN_GROUP
    if seen.labelled:
        return OTHER_CLASS
    return PUT_OFF if verdict is Verdict.UNSURE else ""
