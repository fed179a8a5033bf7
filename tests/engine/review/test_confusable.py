"""Pairs of classes that meet on objects: counts, what was decided before, and advice."""

from __future__ import annotations

import pytest
from quality_cases import CATEGORIES, CORK, NUT, SIZE, WASHER, annotated, box, instance, predicted

from engine.domain.annotation import Instance
from engine.domain.pair_policy import PairPolicy, PairRule, by_pair
from engine.domain.prediction import Prediction
from engine.project.records import Decision, ImageRecord, Verdict
from engine.review.confusable import PairFacts, advice, facts_of, to_json
from engine.review.overlaps import Group, find_groups
from engine.review.pair_history import PairHistory, added, histories_of
from engine.review.queue_evidence import ImageEvidence, Knowledge, image_evidence

NAMES = {c.id: c.name for c in CATEGORIES}
KNOWN = Knowledge(CATEGORIES, {NUT: 20, WASHER: 20, CORK: 20}, {}, {}, epoch=3)
RECORD = ImageRecord(1, "a.png", SIZE[1], SIZE[0])


def seen(objects: list[Instance], *found: Prediction) -> ImageEvidence:
    return image_evidence(RECORD, annotated(*objects), found, KNOWN)


def test_groups_are_counted_with_their_overlap_and_the_gap_of_their_scores() -> None:
    pairs = [(box(20, 20), box(20, 20), 0.9, 0.8), (box(60, 60), box(65, 60), 0.7, 0.5)]
    found = []
    for k, (a, b, first, second) in enumerate(pairs):
        found += [predicted(2 * k + 1, a, NUT, first), predicted(2 * k + 2, b, WASHER, second)]
    facts = facts_of([seen([], *found)])[NUT, WASHER]
    assert facts.groups == 2
    assert facts.mean_iou == pytest.approx((1 + 15 / 25) / 2)
    assert facts.mean_gap == pytest.approx(0.15)


def test_objects_taken_for_another_class_count_for_the_class_a_person_gave() -> None:
    images = [seen([instance("x", box(20, 20), WASHER)], predicted(1, box(20, 20), CORK, 0.9))]
    images += [seen([instance("y", box(20, 20), CORK)], predicted(1, box(20, 20), WASHER, 0.6))]
    (facts,) = facts_of(images).values()
    assert (facts.pair, dict(facts.taken), facts.sure) == ((WASHER, CORK), {WASHER: 1, CORK: 1}, 1)


def test_the_matrix_is_symmetric_and_in_the_order_of_the_classes() -> None:
    image = seen([], predicted(1, box(20, 20), CORK, 0.9), predicted(2, box(20, 20), NUT, 0.8))
    told = to_json(facts_of([image]), KNOWN)
    assert told["classes"] == ["nut", "washer", "cork"]
    assert told["matrix"] == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    (row,) = told["pairs"]
    assert (row["classes"], row["groups"], row["decided"], row["policy"]) == (["nut", "cork"], 1, 0, None)


def test_a_pair_with_a_policy_is_listed_though_it_does_not_meet() -> None:
    policies = by_pair([PairPolicy(CORK, NUT, PairRule.PART_OF)])
    known = Knowledge(CATEGORIES, KNOWN.counts, {}, policies, epoch=3)
    (row,) = to_json({}, known)["pairs"]
    assert (row["policy"], row["groups"], row["mean_iou"]) == ("part-of", 0, None)
    assert row["advice"].startswith("cork inside nut is expected here")


# --- advice -------------------------------------------------------------------------------------------------------


def facts(**values: object) -> PairFacts:
    made = PairFacts((NUT, WASHER))
    for name, value in values.items():
        if name == "taken":
            made.taken.update(dict(zip((NUT, WASHER), value, strict=True)))  # type: ignore[call-overload]
        else:
            setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("met", "counts", "begins"),
    [
        (facts(labelled_twice=3, groups=9), (20, 20), "Relabel these: 3 objects labelled as nut and as washer"),
        (facts(taken=(1, 0), sure=1), (20, 20), "Relabel these? The network is sure"),
        (facts(taken=(8, 6), groups=9, gap_sum=0.9), (20, 20), "Merge? nut and washer"),
        (facts(taken=(8, 6), groups=9, gap_sum=2.7), (20, 20), "Add data that shows the difference"),
        (facts(taken=(8, 0), groups=9, gap_sum=0.9), (20, 20), "Add data that shows the difference"),
        (facts(groups=9), (20, 4), "Add data: washer has only 4 annotated objects"),
        (facts(groups=9), (0, 0), "Add data that shows the difference"),
    ],
)
def test_advice_follows_what_was_seen(met: PairFacts, counts: tuple[int, int], begins: str) -> None:
    assert advice(met, NAMES, dict(zip((NUT, WASHER), counts, strict=True))).startswith(begins)


def test_where_a_person_has_decided_advice_repeats_it() -> None:
    allowed = PairPolicy(NUT, WASHER, PairRule.ALLOW)
    assert advice(facts(groups=9), NAMES, {}, allowed) == "Nothing to do: nut and washer may lie on one object here."
    forbidden = PairPolicy(NUT, WASHER, PairRule.FORBID)
    assert advice(facts(labelled_twice=1), NAMES, {}, forbidden).startswith("Relabel these: 1 object ")


# --- what was decided before --------------------------------------------------------------------------------------


def groups_of(*second_classes: int) -> tuple[Group, ...]:
    """Groups of a nut and another class, predictions 1 and 2, 3 and 4, and so on."""
    found = []
    for k, category in enumerate(second_classes):
        at = box(5 + 30 * k, 20)
        found += [predicted(2 * k + 1, at, NUT, 0.9), predicted(2 * k + 2, at, category, 0.8)]
    return find_groups(found, NAMES)


def decided(*verdicts: Verdict | None) -> dict[int, Decision]:
    return {k: Decision("run", k, 1, v) for k, v in enumerate(verdicts, start=1) if v is not None}


A, R, U, C = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNSURE, Verdict.CORRECTED


def test_decisions_on_a_pair_are_counted_by_what_was_kept() -> None:
    groups = groups_of(WASHER, WASHER, WASHER, WASHER)
    found = histories_of(groups, decided(A, R, R, C, A, A, R, R))
    assert found == {(NUT, WASHER): PairHistory({NUT: 1, WASHER: 1}, both=1, neither=1)}
    assert found[NUT, WASHER].hint(NAMES) == (
        "Decided 4 times before: nut kept 1, washer kept 1, both kept 1, neither kept 1."
    )


def test_half_a_decision_and_an_unsure_one_do_not_count() -> None:
    assert histories_of(groups_of(WASHER, CORK), decided(A, None, U, R)) == {}
    assert PairHistory({}).hint(NAMES) == ""


def test_histories_of_several_runs_add_up() -> None:
    one = {(NUT, WASHER): PairHistory({NUT: 2}, both=1)}
    two = {(NUT, WASHER): PairHistory({NUT: 1, WASHER: 4}), (NUT, CORK): PairHistory({}, neither=1)}
    assert added(one, two) == {
        (NUT, WASHER): PairHistory({NUT: 3, WASHER: 4}, both=1),
        (NUT, CORK): PairHistory({}, neither=1),
    }
    assert added(one, {}) == one
