from __future__ import annotations

import pytest

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.review.group_quality import measure_groups
from engine.review.matching import match
from engine.review.overlaps import find_groups

SIZE = (60, 80)
NAMES = {1: "washer", 2: "nut", 3: "gasket"}


def square(x: int, y: int, side: int = 20) -> Mask:
    return Mask.from_box((x, y, x + side, y + side), *SIZE)


def predicted(mask: Mask, category: int, score: float, id: int = 0, roi: int = -1) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(id, 1, category, score, (float(x0), float(y0), float(x1), float(y1)), mask, roi)


def annotated(*objects: tuple[str, Mask, int]) -> Annotation:
    return Annotation(1, *SIZE, tuple(Instance.from_mask(mask, category, id=id) for id, mask, category in objects))


def test_the_best_score_takes_the_instance_and_its_double_is_a_false_positive() -> None:
    truth = annotated(("a", square(5, 5), 1))
    result = match(truth, [predicted(square(6, 5), 1, 0.6), predicted(square(8, 5), 1, 0.9)])
    assert [(m.instance_id, m.position) for m in result.matches] == [("a", 1)]
    assert result.false_positives == (0,)
    assert result.missed == ()


def test_each_prediction_takes_the_free_instance_it_overlaps_most() -> None:
    truth = annotated(("left", square(5, 5), 1), ("right", square(10, 5), 1))
    result = match(truth, [predicted(square(9, 5), 1, 0.9), predicted(square(8, 5), 1, 0.8)])
    assert {m.instance_id: m.position for m in result.matches} == {"right": 0, "left": 1}


def test_a_wrong_class_is_a_miss_and_a_false_positive_unless_classes_are_left_aside() -> None:
    truth = annotated(("a", square(5, 5), 1))
    guess = [predicted(square(5, 5), 3, 0.9)]
    strict = match(truth, guess)
    assert (strict.matches, strict.false_positives, strict.missed) == ((), (0,), ("a",))
    loose = match(truth, guess, same_class=False)
    assert [m.right_class for m in loose.matches] == [False]
    assert loose.true_positives == ()


def test_predictions_below_the_score_do_not_exist() -> None:
    truth = annotated(("a", square(5, 5), 1))
    result = match(truth, [predicted(square(5, 5), 1, 0.2)], min_score=0.5)
    assert (result.matches, result.false_positives, result.missed) == ((), (), ("a",))


@pytest.mark.parametrize(("shift", "found"), [(6, True), (7, False)])
def test_half_an_overlap_is_the_border(shift: int, found: bool) -> None:
    truth = annotated(("a", square(5, 5), 1))
    assert bool(match(truth, [predicted(square(5 + shift, 5), 1, 0.9)]).matches) == found


def test_group_quality_counts_what_was_flagged_and_what_ranked_second() -> None:
    truth = annotated(
        ("a", square(5, 5), 3), ("b", square(40, 5), 1), ("c", square(5, 35), 2), ("d", square(40, 35), 1)
    )
    found = (
        predicted(square(5, 5), 1, 0.8, id=1, roi=4), predicted(square(5, 5), 3, 0.6, id=2, roi=4),  # flagged, second
        predicted(square(40, 5), 1, 0.8, id=3, roi=5), predicted(square(40, 5), 3, 0.6, id=4, roi=6),  # flagged, first
        predicted(square(5, 35), 1, 0.9, id=5, roi=7), predicted(square(5, 35), 2, 0.1, id=6, roi=8),  # too weak
        predicted(square(52, 35), 2, 0.9, id=7), predicted(square(52, 35), 3, 0.8, id=8),  # on no object
    )  # fmt: skip
    groups = find_groups(found, NAMES)
    quality = measure_groups(groups, [truth], [Detections(1, *SIZE, found)])
    assert (quality.groups, quality.one_object, quality.keeper_right, quality.other_right) == (3, 2, 1, 1)
    assert (quality.second_ranked, quality.second_found) == (2, 1)
    assert (quality.second_ranked_one_roi, quality.second_found_one_roi) == (1, 1)
    assert quality.precision == pytest.approx(2 / 3)
    assert quality.recall == 0.5


def test_group_quality_without_anything_has_no_figures() -> None:
    quality = measure_groups([], [], [])
    assert (quality.precision, quality.recall) == (None, None)
