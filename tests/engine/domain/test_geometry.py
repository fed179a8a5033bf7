"""Shapes against the definition of their pixels."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.geometry import ellipse_mask
from engine.domain.mask import Mask

H, W = 37, 45
coordinates = st.floats(-10, 60)


@settings(max_examples=200, deadline=None)
@given(coordinates, coordinates, coordinates, coordinates)
def test_an_ellipse_has_the_pixels_whose_centre_it_holds(x0: float, y0: float, x1: float, y1: float) -> None:
    rx, ry = abs(x1 - x0) / 2, abs(y1 - y0) / 2
    if min(rx, ry) < 1e-3:
        return
    x, y = np.arange(W) + 0.5 - (x0 + x1) / 2, np.arange(H)[:, None] + 0.5 - (y0 + y1) / 2
    depth = (x / rx) ** 2 + (y / ry) ** 2
    found = ellipse_mask((x0, y0, x1, y1), H, W).to_array()
    clear = np.abs(depth - 1) > 1e-9  # a centre on the curve itself may fall on either side
    assert np.array_equal(found[clear], (depth <= 1)[clear])


def test_an_ellipse_without_width_or_outside_of_the_image_is_empty() -> None:
    for box in ((5, 5, 5, 20), (5, 5, 20, 5), (100, 100, 120, 130), (-30, -30, -2, -2)):
        assert ellipse_mask(box, H, W) == Mask.empty(H, W)
