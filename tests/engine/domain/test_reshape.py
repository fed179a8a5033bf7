"""Reshaping of masks, against OpenCV on dense arrays."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.domain.geometry import ellipse_mask, ellipse_points, polygon_mask
from engine.domain.mask import Mask
from engine.domain.reshape import grown, largest_part, shrunk, smoothed, split, without_specks

SHAPE = (15, 19)
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
law = settings(max_examples=150, deadline=None)
arrays = hnp.arrays(np.bool_, SHAPE)


@st.composite
def blobs(draw: st.DrawFn) -> np.ndarray:
    """A few discs united and a few cut out again: objects as people draw them, some at the border of the image."""
    picture = np.zeros((40, 50), np.uint8)
    for value in draw(st.lists(st.sampled_from([1, 1, 0]), min_size=1, max_size=6)):
        centre = draw(st.integers(-2, 52)), draw(st.integers(-2, 42))
        cv2.circle(picture, centre, draw(st.integers(1, 12)), value, -1)
    return picture.astype(bool)


def components(array: np.ndarray) -> list[np.ndarray]:
    """8-connected parts, as OpenCV finds them."""
    count, labels = cv2.connectedComponents(array.astype(np.uint8), connectivity=8)
    return [labels == n for n in range(1, count)]


def holes(array: np.ndarray) -> list[np.ndarray]:
    """4-connected background that does not reach a frame around the image."""
    framed = np.pad(~array, 1, constant_values=True).astype(np.uint8)
    count, labels = cv2.connectedComponents(framed, connectivity=4)
    return [(labels == n)[1:-1, 1:-1] for n in range(1, count) if n != labels[0, 0]]


@law
@given(arrays)
def test_growing_adds_the_pixels_beside_and_nothing_else(array: np.ndarray) -> None:
    expected = cv2.dilate(array.astype(np.uint8), CROSS) > 0
    assert np.array_equal(grown(Mask.from_array(array)).to_array(), expected)


@law
@given(arrays)
def test_shrinking_takes_the_rim_but_not_at_the_border_of_the_image(array: np.ndarray) -> None:
    expected = cv2.erode(array.astype(np.uint8), CROSS) > 0  # OpenCV's border erodes nothing either
    assert np.array_equal(shrunk(Mask.from_array(array)).to_array(), expected)


@law
@given(arrays)
def test_shrinking_is_growing_of_the_background(array: np.ndarray) -> None:
    mask = Mask.from_array(array)
    assert shrunk(mask) == ~grown(~mask)


@law
@given(arrays)
def test_the_largest_part_is_one_of_the_largest(array: np.ndarray) -> None:
    left = largest_part(Mask.from_array(array)).to_array()
    parts = components(array)
    assert left.sum() == max((part.sum() for part in parts), default=0)
    assert not parts or any(np.array_equal(left, part) for part in parts)


@law
@given(arrays, st.integers(1, 30))
def test_specks_are_the_parts_below_the_area_and_something_always_stays(array: np.ndarray, area: int) -> None:
    left = without_specks(Mask.from_array(array), min_area=area).to_array()
    kept = [part for part in components(array) if part.sum() >= area]
    if kept:
        assert np.array_equal(left, np.any(kept, axis=0))
    else:
        assert left.sum() == max((part.sum() for part in components(array)), default=0)


@law
@given(blobs())
def test_smoothing_is_a_median_of_5_pixels_that_keeps_every_part_and_hole(array: np.ndarray) -> None:
    result = smoothed(Mask.from_array(array)).to_array()
    median = cv2.medianBlur(array.astype(np.uint8), 5) > 0
    kept, gaps = [p for p in components(array) if (p & median).any()], holes(median)
    whole = len(kept) == len(components(array)) and all(any((h & g).any() for g in gaps) for h in holes(array))
    if whole:
        assert np.array_equal(result, median)
    assert all((part & result).any() for part in components(array))
    assert all(any((hole & gap).any() for gap in holes(result)) for hole in holes(array))


def test_a_thin_ring_and_a_pinhole_survive_smoothing() -> None:
    picture = np.zeros((60, 60), np.uint8)
    cv2.circle(picture, (20, 20), 12, 1, 1)
    cv2.rectangle(picture, (36, 36), (55, 55), 1, -1)
    picture[45, 45] = 0
    result = smoothed(Mask.from_array(picture)).to_array()
    assert np.array_equal(result[:35, :35], picture[:35, :35] > 0)
    assert not result[45, 45]
    assert len(holes(result)) == 2


def test_smoothing_takes_a_spike_from_an_edge() -> None:
    square = np.zeros((40, 40), bool)
    square[10:30, 10:30] = True
    spiked = square.copy()
    spiked[20, 30:36] = True
    assert not smoothed(Mask.from_array(spiked)).to_array()[20, 31:].any()


# --- splitting ------------------------------------------------------------------------------------------------------


def test_a_line_across_a_ring_makes_two_halves_that_are_the_ring() -> None:
    ring = polygon_mask(ellipse_points(30, 30, 20, 20), 60, 60) - polygon_mask(ellipse_points(30, 30, 9, 9), 60, 60)
    one, other = split(ring, (30.0, 2.0), (30.0, 58.0)) or pytest.fail("not parted")
    assert one | other == ring
    assert (one & other).is_empty
    left = min((one, other), key=lambda m: m.box[0]).to_array()
    assert np.array_equal(left, ring.to_array() & (np.arange(60) + 0.5 < 30))


def test_a_line_through_one_wall_of_a_ring_parts_nothing() -> None:
    ring = polygon_mask(ellipse_points(30, 30, 20, 20), 60, 60) - polygon_mask(ellipse_points(30, 30, 9, 9), 60, 60)
    assert split(ring, (30.0, 2.0), (30.0, 30.0)) is None


def test_a_line_beside_or_short_of_the_object_parts_nothing() -> None:
    square = Mask.from_box((10, 10, 30, 30), 60, 60)
    assert split(square, (40.0, 5.0), (40.0, 35.0)) is None
    assert split(square, (20.0, 5.0), (20.0, 20.0)) is None
    assert split(square, (20.0, 20.0), (20.0, 20.0)) is None


def test_an_arm_is_cut_off_without_touching_the_other_arm() -> None:
    comb = Mask.from_box((5, 40, 55, 55), 60, 60) | Mask.from_box((5, 5, 15, 40), 60, 60)
    comb = comb | Mask.from_box((45, 5, 55, 40), 60, 60)
    body, arm = split(comb, (2.0, 20.0), (20.0, 20.0)) or pytest.fail("not parted")
    assert arm == Mask.from_box((5, 5, 15, 20), 60, 60)
    assert body == comb - arm


def test_a_part_that_the_line_does_not_touch_stays_with_the_larger_piece() -> None:
    apart = Mask.from_box((40, 40, 44, 44), 60, 60)
    both = Mask.from_box((5, 5, 35, 25), 60, 60) | apart
    body, piece = split(both, (28.0, 0.0), (28.0, 30.0)) or pytest.fail("not parted")
    assert piece == Mask.from_box((28, 5, 35, 25), 60, 60)
    assert apart - body == Mask.empty(60, 60)


@law
@given(blobs(), *(st.floats(-5, 55) for _ in range(4)))
def test_splitting_loses_no_pixel_and_no_path_leads_across(
    array: np.ndarray, ax: float, ay: float, bx: float, by: float
) -> None:
    mask = Mask.from_array(array)
    pieces = split(mask, (ax, ay), (bx, by))
    if pieces is not None:
        larger, smaller = pieces
        assert (larger.is_empty, smaller.is_empty) == (False, False)
        assert larger | smaller == mask
        assert (larger & smaller).is_empty


# --- cost -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [grown, shrunk, smoothed, largest_part, lambda m: without_specks(m, min_area=9)])
def test_an_object_in_a_huge_image_is_reshaped_without_memory_for_the_image(change) -> None:
    centre, side = 15_000, 20_000
    outer, inner = ((centre - r, centre - r, centre + r, centre + r) for r in (60, 20))
    ring = ellipse_mask(outer, side, side) - ellipse_mask(inner, side, side)
    tracemalloc.start()
    try:
        result = change(ring)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    window = (centre - 80, centre - 80, centre + 80, centre + 80)
    small = change(ring.cropped(window))
    assert np.array_equal(result.decode_crop(window), small.to_array())
