"""Pyramids: means for images, and nothing lost for masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.domain.geometry import ellipse_points, polygon_mask
from engine.domain.mask import Mask
from gui.canvas.pyramid import ImagePyramid, MaskPyramid

small = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)


@given(hnp.arrays(np.uint8, small.map(lambda s: (*s, 3))), st.integers(1, 4))
def test_a_coarse_pixel_is_the_mean_of_what_it_covers(image: np.ndarray, k: int) -> None:
    level, size = ImagePyramid(image).level(k), 2**k
    assert level.shape == (-(-image.shape[0] // size), -(-image.shape[1] // size), 3)
    for y, x in np.ndindex(level.shape[:2]):
        block = image[y * size : (y + 1) * size, x * size : (x + 1) * size].reshape(-1, 3)
        assert np.abs(level[y, x] - block.mean(axis=0)).max() <= 0.51


@given(hnp.arrays(bool, small), st.integers(0, 20), st.integers(0, 20), st.integers(0, 4))
def test_a_coarse_mask_pixel_is_set_when_any_pixel_under_it_is(crop: np.ndarray, x: int, y: int, k: int) -> None:
    height, width = crop.shape[0] + y, crop.shape[1] + x
    mask, size = Mask.from_crop(crop, x, y, height, width), 2**k
    window = (0, 0, -(-width // size) + 1, -(-height // size) + 1)
    padded = np.zeros((window[3] * size, window[2] * size), bool)
    padded[:height, :width] = mask.to_array()
    expected = padded.reshape(window[3], size, window[2], size).any(axis=(1, 3))
    assert (MaskPyramid(mask).decode(k, window) == expected).all()


def test_a_thin_ring_stays_whole_at_every_level() -> None:
    outer, inner = (polygon_mask(ellipse_points(512, 512, r, r), 1024, 1024) for r in (400, 398.5))
    pyramid = MaskPyramid(outer - inner)
    for k in range(6):
        box = pyramid.box(k)
        ring = Mask.from_array(pyramid.decode(k, box))
        assert len(ring.holes) == 1
        assert len(ring.parts()) == 1


@pytest.mark.parametrize("k", [0, 1, 5])
def test_an_empty_mask_has_an_empty_box_at_every_level(k: int) -> None:
    assert MaskPyramid(Mask.empty(50, 60)).box(k) == (0, 0, 0, 0)
