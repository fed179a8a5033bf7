from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from engine.review.diagnosis.trends import expected_rise, falls, later_half, rises


def test_four_values_must_all_rise_and_three_never_suffice() -> None:
    assert rises([1, 2, 3, 4])
    assert not rises([1, 2, 4, 3])
    assert not rises([1, 2, 3])
    assert falls([4, 3, 2, 1])
    assert not falls([1, 2, 3, 4])


@pytest.mark.parametrize("count", [4, 6, 7])
def test_chance_alone_rises_in_at_most_one_order_of_twenty(count: int) -> None:
    orders = list(itertools.permutations(range(count)))
    share = sum(rises(order) for order in orders) / len(orders)
    assert 0.01 < share <= 0.05


def test_noise_on_a_long_curve_is_seldom_taken_for_a_trend() -> None:
    rng = np.random.default_rng(11)
    assert 10 < sum(rises(rng.normal(size=30).tolist()) for _ in range(1000)) < 80


def test_a_curve_that_stays_where_it_is_has_no_trend() -> None:
    assert not rises([0.0] * 12)
    assert not falls([0.0] * 12)
    assert rises([0, 0, 0.1, 0.2, 0.2, 0.3, 0.4])


def test_the_later_half_has_at_least_the_points_that_a_trend_needs() -> None:
    assert list(later_half([1, 2, 3, 4, 5])) == [2, 3, 4, 5]
    assert list(later_half(list(range(20)))) == list(range(10, 20))
    assert list(later_half([1])) == [1]


@pytest.mark.parametrize("time", [4.0, 8.0, 15.0])
def test_the_rise_to_expect_is_what_an_exponential_goes_on_to_gain(time: float) -> None:
    curve = [0.8 * (1 - math.exp(-e / time)) for e in range(1, 49)]
    assert expected_rise(curve[:24]) == pytest.approx(curve[47] - curve[23], rel=1e-6)


def test_a_straight_rise_goes_on_up_to_the_limit_and_a_fall_promises_nothing() -> None:
    line = [0.02 * k for k in range(1, 13)]
    assert expected_rise(line) == pytest.approx(0.24)
    assert expected_rise([0.08 * k for k in range(1, 13)]) == pytest.approx(0.04)
    assert expected_rise(line[::-1]) == 0.0
    assert expected_rise([0.1, 0.2]) == 0.0
