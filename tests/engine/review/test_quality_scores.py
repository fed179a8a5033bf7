"""Thresholds and calibration: on sets whose figures can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain.outcome import FalseReason, PredictionOutcome
from engine.review.quality.calibration import calibration_of
from engine.review.quality.thresholds import precision_recall


def row(score: float, right: bool) -> PredictionOutcome:
    return PredictionOutcome(0, 1, 1, score, reason=None if right else FalseReason.BACKGROUND)


def test_calibration_of_a_set_known_by_hand() -> None:
    rows = [row(0.95, True)] * 3 + [row(0.95, False)] + [row(0.15, False)] * 4 + [row(0.35, True), row(0.31, False)]
    calibration = calibration_of(rows)
    filled = {round(b.low, 1): b for b in calibration.bins if b.n}
    assert {low: (b.n, b.precision) for low, b in filled.items()} == {0.1: (4, 0.0), 0.3: (2, 0.5), 0.9: (4, 0.75)}
    assert filled[0.3].mean_score == pytest.approx(0.33)
    assert calibration.n == 10
    assert calibration.ece == pytest.approx((4 * 0.15 + 2 * 0.17 + 4 * 0.20) / 10)


def test_a_score_on_the_border_belongs_to_the_bin_above_and_one_to_the_last() -> None:
    calibration = calibration_of([row(0.3, True), row(0.7, True), row(1.0, True), row(0.0, False)])
    assert [b.n for b in calibration.bins] == [1, 0, 0, 1, 0, 0, 0, 1, 0, 1]


def test_predictions_that_are_right_as_often_as_they_say_have_no_error() -> None:
    rows = [row(0.75, k < 3) for k in range(4)] + [row(0.25, k < 1) for k in range(4)]
    assert calibration_of(rows).ece == pytest.approx(0)


def test_without_predictions_there_is_no_calibration_error() -> None:
    calibration = calibration_of([])
    assert (calibration.ece, calibration.n, len(calibration.bins)) == (None, 0, 10)
    assert {(b.mean_score, b.precision) for b in calibration.bins} == {(None, None)}


def test_the_best_score_is_where_f1_is_highest() -> None:
    curve = precision_recall([row(0.9, True), row(0.8, True), row(0.6, False), row(0.5, True), row(0.2, False)], 4)
    assert curve.precision == pytest.approx([1, 1, 2 / 3, 3 / 4, 3 / 5])
    assert curve.recall == pytest.approx([1 / 4, 2 / 4, 2 / 4, 3 / 4, 3 / 4])
    assert curve.best == (0.5, pytest.approx(0.75))


def test_equal_scores_are_one_point_since_no_threshold_parts_them() -> None:
    curve = precision_recall([row(0.5, False), row(0.5, True), row(0.5, True)], 2)
    assert (curve.scores.tolist(), curve.recall.tolist()) == ([0.5], [1.0])
    assert curve.precision == pytest.approx([2 / 3])


def test_of_equally_good_scores_the_higher_one_is_best() -> None:
    # F1 is 2 * right / (reported + objects): 2/3 at 0.9, less at 0.8, 2/3 again at 0.6
    curve = precision_recall([row(0.9, True), row(0.8, False), row(0.7, False), row(0.6, True)], 2)
    assert np.isclose(curve.f1[0], curve.f1[3])
    assert curve.best == (0.9, pytest.approx(2 / 3))


@pytest.mark.parametrize(("rows", "instances"), [([], 3), ([], 0), ([(0.9, False)], 3), ([(0.9, False)], 0)])
def test_a_class_of_which_nothing_is_found_has_no_best_score(rows: list[tuple[float, bool]], instances: int) -> None:
    curve = precision_recall([row(*r) for r in rows], instances)
    assert curve.best is None
    assert curve.recall.tolist() == [0.0] * len(rows)
