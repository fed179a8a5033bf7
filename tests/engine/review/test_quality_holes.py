from __future__ import annotations

import pytest
from quality_cases import box, compared, disc, instance, predicted

from engine.domain.mask import Mask
from engine.review.quality.holes import MIN_HOLE_AREA, HoleFidelity, hole_fidelity, holes_of, pair_holes
from engine.review.quality.outcomes import outcomes_of

BODY = box(10, 10, 100, 80)
LEFT, RIGHT, FAR = box(20, 20, 10, 10), box(50, 20, 20, 10), box(80, 60, 8, 8)


def measured(truth: Mask, found: Mask, *, score: float = 0.9, min_score: float = 0.5) -> HoleFidelity:
    image = compared([instance("a", truth)], [predicted(1, found, score=score)])
    return hole_fidelity([(image, outcomes_of(image))], min_score=min_score)


def test_holes_that_are_there_filled_and_false_are_told_apart() -> None:
    fidelity = measured(BODY - LEFT - RIGHT, BODY - LEFT - FAR)
    assert (fidelity.annotated, fidelity.compared) == (2, 2)
    assert (fidelity.kept, fidelity.inexact, fidelity.filled, fidelity.false) == (1, 0, 1, 1)
    assert fidelity.mean_iou == 0.5
    assert fidelity.kept_share == 0.5
    assert [(h.kind, h.area, h.box_xyxy) for h in fidelity.holes] == [
        ("kept", 100, (20, 20, 30, 30)),
        ("filled", 200, (50, 20, 70, 30)),
        ("false", 64, (80, 60, 88, 68)),
    ]


def test_a_hole_that_is_there_but_far_too_small_is_inexact_and_not_false() -> None:
    fidelity = measured(BODY - RIGHT, BODY - box(50, 20, 5, 10))
    assert (fidelity.kept, fidelity.inexact, fidelity.filled, fidelity.false) == (0, 1, 0, 0)
    assert fidelity.mean_iou == pytest.approx(0.25)


def test_half_of_a_hole_is_enough_for_it_to_be_there() -> None:
    assert measured(BODY - RIGHT, BODY - box(50, 20, 10, 10)).kept == 1


def test_a_predicted_hole_answers_for_one_hole_only() -> None:
    fidelity = measured(BODY - box(20, 20, 10, 10) - box(32, 20, 4, 10), BODY - box(20, 20, 16, 10))
    assert (fidelity.kept, fidelity.filled) == (1, 1)


def test_specks_do_not_count_on_either_side() -> None:
    speck = box(20, 20, MIN_HOLE_AREA - 1, 1)
    assert holes_of(BODY - speck) == ()
    assert len(holes_of(BODY - box(20, 20, MIN_HOLE_AREA, 1))) == 1
    assert measured(BODY - speck, BODY - box(60, 60, 2, 2)).holes == ()


def test_a_notch_that_reaches_the_outside_is_no_hole() -> None:
    assert holes_of(BODY - box(20, 10, 10, 30)) == ()


def test_holes_of_objects_that_were_not_found_are_only_counted_as_annotated() -> None:
    for fidelity in (measured(BODY - LEFT, box(130, 100)), measured(BODY - LEFT, BODY - LEFT, score=0.3)):
        assert (fidelity.annotated, fidelity.compared, fidelity.false) == (1, 0, 0)
        assert (fidelity.mean_iou, fidelity.kept_share) == (None, None)


def test_without_any_object_there_is_no_figure() -> None:
    fidelity = hole_fidelity([], min_score=0.5)
    assert fidelity.to_json() == {
        "annotated": 0, "compared": 0, "kept": 0, "inexact": 0, "filled": 0, "false": 0, "mean_iou": None,
        "kept_share": None, "min_area": MIN_HOLE_AREA,
    }  # fmt: skip


def test_holes_are_paired_by_the_largest_overlap_first() -> None:
    truth = [disc(40, 40, 10), disc(46, 40, 10)]
    assert {i: j for i, (j, _) in pair_holes(truth, [disc(46, 40, 10), disc(30, 40, 10)]).items()} == {1: 0, 0: 1}
