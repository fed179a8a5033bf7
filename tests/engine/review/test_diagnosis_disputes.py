from __future__ import annotations

from quality_cases import CATEGORIES, NUT, WASHER, annotated, box, detected, instance, predicted

from engine.review.diagnosis.disputes import DisputeKind, Disputes, confident_scores, disputes_of
from engine.review.quality.measure import measure

RIGHT = [(box(5, 5), 0.9), (box(40, 5), 0.7)]  # mean 0.8


def found_in(*extra: tuple[object, int, float], mistaken: int = NUT) -> Disputes:
    """Two nuts found with 0.9 and 0.7, one more object of class `mistaken`, and `extra` predictions."""
    truth = [annotated(instance("a", RIGHT[0][0]), instance("b", RIGHT[1][0]), instance("c", box(75, 5), mistaken))]
    rows = [predicted(k, mask, score=score) for k, (mask, score) in enumerate(RIGHT, start=1)]
    rows += [predicted(10 + k, mask, category, score) for k, (mask, category, score) in enumerate(extra)]
    return disputes_of(measure(truth, [detected(*rows)], CATEGORIES).outcomes)


def test_another_class_counts_from_the_mean_score_of_its_right_predictions_on() -> None:
    (item,) = found_in((box(75, 5), NUT, 0.81), mistaken=WASHER).items
    assert (item.kind, item.instance_id, item.said_id, item.category_id) == (DisputeKind.CLASS, "c", WASHER, NUT)
    below = found_in((box(75, 5), NUT, 0.79), mistaken=WASHER)
    assert (below.items, below.errors, below.share) == ((), 1, 0.0)


def test_an_object_where_nothing_is_annotated_counts_likewise() -> None:
    sure = found_in((box(110, 80), NUT, 0.85))
    assert [(d.kind, d.said_id, d.instance_id) for d in sure.items] == [(DisputeKind.MISSING, None, None)]
    assert (sure.errors, sure.share) == (2, 0.5)  # the third nut is missed as well
    assert not found_in((box(110, 80), NUT, 0.5)).items


def test_a_class_that_is_never_right_contradicts_nothing() -> None:
    assert not found_in((box(75, 5), WASHER, 0.99)).items


def test_an_object_that_is_found_more_surely_under_its_own_class_is_not_disputed() -> None:
    both = ((box(75, 5), WASHER, 0.95), (box(75, 5), NUT, 0.85))
    assert not found_in(*both, mistaken=WASHER).items
    surer = ((box(75, 5), WASHER, 0.85), (box(75, 5), NUT, 0.95))
    (item,) = found_in(*surer, mistaken=WASHER).items
    assert item.score == 0.95


def test_duplicates_and_rough_outlines_are_no_contradictions() -> None:
    assert not found_in((box(6, 5), NUT, 0.89), (box(75, 18), NUT, 0.99)).items


def test_an_object_is_disputed_once_and_the_surest_comes_first() -> None:
    many = found_in((box(75, 5), NUT, 0.85), (box(76, 5), NUT, 0.9), (box(110, 80), NUT, 0.99), mistaken=WASHER)
    assert [round(d.score, 2) for d in many.items] == [0.99, 0.9]
    assert many.images == (1,)


def test_confident_is_what_right_predictions_are_on_average() -> None:
    truth = [annotated(instance("a", RIGHT[0][0]), instance("b", RIGHT[1][0]))]
    rows = [predicted(k, mask, score=score) for k, (mask, score) in enumerate(RIGHT, start=1)]
    outcomes = measure(truth, [detected(*rows, predicted(9, box(110, 80), score=0.2))], CATEGORIES).outcomes
    assert confident_scores(outcomes) == {NUT: 0.8}
