"""The numbers of a run's steps: smoothed, explained, and honest about what was not told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import StepDone
from gui.models.live_numbers import BY_KEY, NUMBERS, WINDOW, LiveSeries, trailing_mean

pytestmark = pytest.mark.gui


def step(number: int, facts: dict[str, float] | None = None, **told: float) -> StepDone:
    return StepDone(
        epoch=1, step=number, steps_per_epoch=10, losses={}, learning_rate=told.pop("learning_rate", 0.01),
        images_per_second=2.0, seconds_left=1.0, facts=facts or {}, **told,
    )  # fmt: skip


def series_of(*steps: StepDone) -> LiveSeries:
    series = LiveSeries()
    for one in steps:
        series.add(one)
    return series


def test_a_number_is_the_mean_of_the_newest_steps_that_told_it():
    told = [step(n, {"mask_accuracy": 0.0}) for n in range(5)]
    told += [step(n, {"mask_accuracy": 0.8}) for n in range(WINDOW // 2)] + [step(n) for n in range(WINDOW // 2)]
    assert series_of(*told).value(BY_KEY["mask_accuracy"]) == pytest.approx(0.8)


def test_rate_and_peak_of_memory_are_those_of_the_newest_step():
    series = series_of(step(1, memory_mib=512.0, learning_rate=0.1), step(2, memory_mib=2048.0, learning_rate=0.2))
    assert series.value(BY_KEY["memory_mib"]) == 2048.0
    assert series.value(BY_KEY["learning_rate"]) == 0.2
    assert BY_KEY["memory_mib"].words(2048.0) == "2.0 GiB"


def test_what_no_step_told_is_unknown_and_not_zero():
    series = series_of(step(1), step(2))
    assert series.value(BY_KEY["foreground_accuracy"]) is None
    assert series.value(BY_KEY["memory_mib"]) is None
    assert series.value(BY_KEY["gradient_norm"]) is None
    assert series.value(BY_KEY["data_wait"]) == 0.0
    assert LiveSeries().value(BY_KEY["data_wait"]) is None


def test_steps_after_the_checkpoint_of_a_resume_are_forgotten():
    series = series_of(*(step(n, {"rpn_recall50": n / 10}) for n in range(1, 6)))
    series.keep(2)
    series.add(step(3, {"rpn_recall50": 0.9}))
    assert series.series("rpn_recall50").tolist() == [0.1, 0.2, 0.9]


def test_a_gradient_that_is_no_number_does_not_spoil_the_mean():
    series = series_of(step(1, gradient_norm=2.0), step(2, gradient_norm=math.inf), step(3, gradient_norm=4.0))
    assert series.value(BY_KEY["gradient_norm"]) == pytest.approx(3.0)


def test_every_number_says_what_it_means_and_what_is_healthy():
    assert len({n.title for n in NUMBERS}) == len(NUMBERS)
    for number in NUMBERS:
        assert number.meaning.endswith(".")
        assert number.healthy.endswith(".")
        assert number.words(0.25)


@given(st.lists(st.one_of(st.floats(-1e3, 1e3), st.just(math.nan)), max_size=40), st.integers(1, 12))
def test_the_trailing_mean_is_the_mean_of_what_is_known_in_the_window(values, window):
    smoothed = trailing_mean(values, window)
    assert smoothed.shape == (len(values),)
    for place, value in enumerate(smoothed):
        known = [v for v in values[max(0, place - window + 1) : place + 1] if not math.isnan(v)]
        assert np.isnan(value) if not known else value == pytest.approx(sum(known) / len(known), abs=1e-6)
