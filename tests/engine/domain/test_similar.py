"""Areas by pixel value, against plain loops and numpy."""

from __future__ import annotations

import tracemalloc
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.domain import similar
from engine.domain.geometry import stroke_mask
from engine.domain.mask import Mask

law = settings(max_examples=100, deadline=None)
pictures = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9).map(lambda s: (*s, 3)))


def flooded(near: np.ndarray, x: int, y: int) -> np.ndarray:
    """4-connected pixels of `near`, step by step."""
    found, todo = np.zeros_like(near), deque([(x, y)])
    while todo:
        px, py = todo.popleft()
        if 0 <= px < near.shape[1] and 0 <= py < near.shape[0] and near[py, px] and not found[py, px]:
            found[py, px] = True
            todo += [(px + 1, py), (px - 1, py), (px, py + 1), (px, py - 1)]
    return found


@law
@given(pictures, st.tuples(*[st.integers(0, 255)] * 3))
def test_the_difference_is_the_largest_over_the_channels(picture: np.ndarray, color: tuple[int, int, int]) -> None:
    expected = np.abs(picture.astype(int) - np.array(color)).max(axis=2)
    assert np.array_equal(similar.difference(picture, color), expected)


@law
@given(pictures, st.integers(0, 255), st.data())
def test_the_wand_takes_what_is_connected_and_alike(picture: np.ndarray, tolerance: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, picture.shape[1] - 1)), data.draw(st.integers(0, picture.shape[0] - 1))
    near = (np.abs(picture.astype(int) - picture[y, x]) <= tolerance).all(axis=2)
    assert np.array_equal(similar.connected(picture, x, y, tolerance), flooded(near, x, y))


@law
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)), st.integers(0, 4), st.integers(0, 4),
       st.sampled_from([1, 2, 4]))  # fmt: skip
def test_a_coarse_pixel_stands_for_all_that_it_covers(crop: np.ndarray, x: int, y: int, size: int) -> None:
    height, width = 21, 17
    blocks = np.kron(crop, np.ones((size, size), bool))
    expected = np.zeros((64, 64), bool)
    expected[y * size : y * size + blocks.shape[0], x * size : x * size + blocks.shape[1]] = blocks
    found = similar.enlarged(crop, x, y, size, height, width)
    assert np.array_equal(found.to_array(), expected[:height, :width])


@law
@given(st.integers(0, 2**32 - 1), st.integers(0, 120), st.sampled_from([1, 7, 40, 10_000]))
def test_a_stroke_keeps_the_pixels_alike_whatever_the_size_of_the_bands(seed: int, tolerance: int, band: int) -> None:
    random = np.random.default_rng(seed)
    image = random.integers(0, 255, (30, 40, 3), dtype=np.uint8)
    stroke = random.random((30, 40)) < 0.3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similar, "BAND", band)
        found = similar.alike(Mask.from_array(stroke), image, (100, 120, 140), tolerance)
    near = (np.abs(image.astype(int) - np.array((100, 120, 140))) <= tolerance).all(axis=2)
    assert np.array_equal(found.to_array(), stroke & near)


def test_a_line_across_a_huge_image_takes_no_memory_for_the_image() -> None:
    side = 20_000
    image = np.broadcast_to(np.uint8(100), (side, side, 3))
    stroke = stroke_mask([(10, 10), (side - 10, side - 10)], 5, side, side)
    tracemalloc.start()
    try:
        found = similar.alike(stroke, image, (100, 100, 100), 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == stroke
    assert peak < 64 << 20
