from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from quality_cases import CATEGORIES, random_images

from engine.domain.outcome import ImageOutcomes
from engine.review.diagnosis.bootstrap import Sampled, ap50, estimate, resamples
from engine.review.quality.measure import measure


@pytest.mark.parametrize("seed", range(4))
def test_ap50_of_the_images_as_they_are_is_that_of_coco(seed: int) -> None:
    quality = measure(*random_images(seed), CATEGORIES)
    assert ap50(quality.outcomes)[0] == pytest.approx(quality.evaluation.mask_ap50, abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_an_image_drawn_twice_counts_as_two_images(seed: int) -> None:
    truth, found = random_images(seed)
    draws = np.array([[1] * len(truth), [3, 0, 2, 1, *[1] * (len(truth) - 4)]])
    again, seen = [], []
    for image, times in zip(truth, draws[1], strict=True):
        for copy in range(times):
            image_id = 1000 * (copy + 1) + image.image_id
            again.append(replace(image, image_id=image_id))
            seen += [replace(d, image_id=image_id) for d in found if d.image_id == image.image_id]
    whole, drawn = measure(truth, found, CATEGORIES), measure(again, seen, CATEGORIES)
    values = ap50(whole.outcomes, draws)
    assert values[0] == pytest.approx(whole.evaluation.mask_ap50)
    assert values[1] == pytest.approx(drawn.evaluation.mask_ap50, abs=1e-6)
    assert abs(values[0] - values[1]) > 0.005


def test_images_without_predictions_or_objects_are_taken_as_they_are() -> None:
    empty = tuple(ImageOutcomes(k) for k in range(3))
    assert ap50(empty)[0] == 0.0
    truth, _ = random_images(1)
    assert Sampled.of(measure(truth, [], CATEGORIES).outcomes, seed=0).estimate.high == 0.0


def test_one_image_says_nothing_of_others() -> None:
    truth, found = random_images(0)
    (image,) = [a for a in truth if len(a) > 2][:1]
    sampled = Sampled.of(measure([image], found, CATEGORIES).outcomes, seed=0)
    assert (sampled.estimate.low, sampled.estimate.high) == (0.0, 1.0)


def test_the_interval_of_a_mean_is_that_of_student() -> None:
    values = np.random.default_rng(4).normal(0, 1, 8)
    samples = resamples(8, seed=5, count=200_000) @ values / 8
    found = estimate(float(values.mean()), samples, images=8, limits=(-9, 9))
    half = 2.365 * values.std(ddof=1) / math.sqrt(8)  # Student's t with 7 degrees of freedom, from a table
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    narrow = np.quantile(samples, [0.025, 0.975])
    assert found.high - found.low > 1.1 * (narrow[1] - narrow[0])


def test_more_images_make_the_interval_narrower() -> None:
    widths = []
    for count in (10, 160):
        quality = measure(*random_images(3, count=count), CATEGORIES)
        interval = Sampled.of(quality.outcomes, seed=1).estimate
        assert interval.low <= interval.value <= interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] < 0.5 * widths[0]


def test_a_set_compared_with_itself_has_no_difference_and_no_doubt_about_it() -> None:
    outcomes = measure(*random_images(2), CATEGORIES).outcomes
    same = Sampled.of(outcomes, seed=7).less(Sampled.of(outcomes, seed=7))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    other = Sampled.of(outcomes, seed=7).less(Sampled.of(outcomes, seed=8))
    assert other.low < 0 < other.high


def test_equal_seeds_draw_equal_images() -> None:
    assert (resamples(9, seed=1) == resamples(9, seed=1)).all()
    assert (resamples(9, seed=1) != resamples(9, seed=2)).any()
    assert set(resamples(9, seed=1).sum(axis=1)) == {9}


def test_many_images_need_no_wider_percentiles_than_the_normal_ones() -> None:
    samples = np.array([NormalDist().inv_cdf((k + 0.5) / 10_000) for k in range(10_000)])
    found = estimate(0.0, samples, images=100_000, limits=(-9, 9))
    assert (found.low, found.high) == (pytest.approx(-1.96, abs=0.01), pytest.approx(1.96, abs=0.01))
