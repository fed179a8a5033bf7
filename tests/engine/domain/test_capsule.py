"""Capsules reckoned in runs are those found by asking every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.domain import capsule
from engine.domain.capsule import capsule_mask
from engine.domain.mask import Mask

places = st.one_of(st.integers(-40, 160).map(lambda v: v / 4), st.floats(-10, 40))
points = st.tuples(places, places)
radii = st.one_of(st.integers(1, 80).map(lambda v: v / 4), st.floats(0.1, 20))
sides = st.integers(1, 30)


def every_pixel(a: np.ndarray, b: np.ndarray, radius: float, height: int, width: int) -> Mask:
    x, y = np.arange(width)[None, :] + 0.5 - a[0], np.arange(height)[:, None] + 0.5 - a[1]
    dx, dy = b - a
    length2 = dx * dx + dy * dy
    t = np.clip((x * dx + y * dy) / length2, 0, 1) if length2 else 0.0
    return Mask.from_array((x - t * dx) ** 2 + (y - t * dy) ** 2 <= radius * radius)


@settings(max_examples=500)
@example((0.0, 0.0), (0.25, 5e-324), 0.25, 1, 1, "any")  # a rise that cannot be divided by
@given(points, points, radii, sides, sides, st.sampled_from(["any", "point", "level", "upright"]))
def test_runs_and_pixels_agree(
    a: tuple[float, float], b: tuple[float, float], radius: float, height: int, width: int, kind: str
) -> None:
    start = np.array(a)
    end = np.array({"any": b, "point": a, "level": (b[0], a[1]), "upright": (a[0], b[1])}[kind])
    expected = every_pixel(start, end, radius, height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capsule, "SMALL", -1)
        assert capsule_mask(start, end, radius, height, width) == expected
    assert capsule_mask(start, end, radius, height, width) == expected


def test_a_wide_stroke_on_a_huge_image_has_the_area_of_a_capsule() -> None:
    mask = capsule_mask(np.array([6000.0, 6000.0]), np.array([9000.0, 10_000.0]), 800.0, 20_000, 20_000)
    assert mask.area == pytest.approx(np.pi * 800**2 + 2 * 800 * 5000, rel=1e-4)
    assert mask.box == (5200, 5200, 9800, 10_800)
