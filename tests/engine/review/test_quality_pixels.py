"""Where two masks differ: three disjoint parts, against OpenCV; and one image at a score against measuring it anew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from quality_cases import CATEGORIES, box, disc, random_images

from engine.domain.mask import Mask
from engine.domain.prediction import Detections
from engine.review.quality.at_score import from_score
from engine.review.quality.compared import compare_images
from engine.review.quality.outcomes import outcomes_of
from engine.review.quality.pixels import pixel_difference

arrays = hnp.arrays(np.bool_, (9, 11))


def filled(array: np.ndarray) -> np.ndarray:
    """`array` with all that the outside cannot reach."""
    _, labels = cv2.connectedComponents(np.pad(~array, 1, constant_values=True).astype(np.uint8), connectivity=4)
    return (labels != labels[0, 0])[1:-1, 1:-1]


@settings(max_examples=150, deadline=None)
@given(arrays, arrays)
def test_the_three_parts_are_disjoint_and_make_up_every_pixel_that_differs(a: np.ndarray, b: np.ndarray) -> None:
    difference = pixel_difference(Mask.from_array(a), Mask.from_array(b))
    missed, extra, holes = (m.to_array() for m in (difference.missed, difference.extra, difference.holes))
    assert np.array_equal(missed.astype(int) + extra + holes, (a ^ b).astype(int))
    in_holes = (b & ~a & filled(a)) | (a & ~b & filled(b))
    assert np.array_equal(holes, in_holes)
    assert not (missed & ~a).any()
    assert not (extra & a).any()


@settings(max_examples=50, deadline=None)
@given(arrays)
def test_equal_masks_differ_nowhere(a: np.ndarray) -> None:
    difference = pixel_difference(Mask.from_array(a), Mask.from_array(a))
    assert all(m.is_empty for m in (difference.missed, difference.extra, difference.holes))


def test_a_filled_hole_an_invented_hole_and_a_moved_border_are_told_apart() -> None:
    ring = box(10, 10, 40, 40) - box(20, 20, 10, 10)
    found = box(10, 10, 44, 40) - box(35, 35, 5, 5)
    difference = pixel_difference(ring, found)
    assert difference.holes == box(20, 20, 10, 10) | box(35, 35, 5, 5)
    assert difference.extra == box(50, 10, 4, 40)
    assert difference.missed.is_empty
    assert difference.iou == pytest.approx((1600 - 100 - 25) / (1760))


def test_what_lies_apart_is_missed_on_one_side_and_extra_on_the_other() -> None:
    a, b = disc(30, 30, 9), box(100, 80)
    difference = pixel_difference(a, b)
    assert (difference.missed, difference.extra, difference.iou) == (a, b, 0.0)


@pytest.mark.parametrize("min_score", [0.0, 0.35, 0.8, 1.1])
def test_an_image_at_a_score_is_what_measuring_only_those_predictions_gives(min_score: float) -> None:
    truth, found = random_images(11)
    low = [
        Detections(d.image_id, d.height, d.width, tuple(p for p in d.predictions if p.score >= min_score))
        for d in found
    ]
    everything = compare_images(truth, found, CATEGORIES, boxes_only=False)
    for whole, anew in zip(everything, compare_images(truth, low, CATEGORIES, boxes_only=False), strict=True):
        assert outcomes_of(from_score(whole, min_score)) == outcomes_of(anew)
