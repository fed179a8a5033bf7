"""Laws of the view: what is where, and what stays in place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.canvas.viewport import MAX_SCALE, Viewport

sizes = st.integers(1, 20_000)
positions = st.floats(-3000, 3000)


@st.composite
def viewports(draw: st.DrawFn) -> Viewport:
    view = Viewport(draw(st.integers(1, 4000)), draw(st.integers(1, 3000)), draw(sizes), draw(sizes)).fitted()
    return view.zoomed(draw(st.floats(0.01, 64)), draw(positions), draw(positions))


@given(viewports(), positions, positions)
def test_to_device_undoes_to_image(view: Viewport, x: float, y: float) -> None:
    assert view.to_device(*view.to_image(x, y)) == pytest.approx((x, y), abs=1e-3)


@given(
    st.floats(0.5, 32), st.floats(0.5, 32), st.floats(200, 600), st.floats(150, 450), st.floats(0, 1), st.floats(0, 1)
)
def test_zooming_keeps_the_image_position_under_the_cursor(
    before: float, after: float, px: float, py: float, u: float, v: float
) -> None:
    ix, iy = u * 10_000, v * 8_000
    view = Viewport(800, 600, 10_000, 8_000, before, px - ix * before, py - iy * before)
    zoomed = view.zoomed(after, px, py)
    assert zoomed.scale == after
    assert zoomed.to_image(px, py) == pytest.approx((ix, iy), abs=1e-6)


@given(viewports())
def test_fitting_shows_the_whole_image(view: Viewport) -> None:
    fitted = view.fitted()
    assert fitted.visible == (0, 0, view.image_width, view.image_height)


@given(viewports(), positions, positions)
def test_the_image_cannot_be_panned_out_of_sight(view: Viewport, dx: float, dy: float) -> None:
    x0, y0, x1, y1 = view.panned(dx * 100, dy * 100).visible
    assert x0 < x1
    assert y0 < y1


@given(viewports())
def test_a_level_is_never_coarser_than_the_screen(view: Viewport) -> None:
    pixel = view.scale * 2**view.level
    assert view.level == 0 or pixel <= 1 + 1e-6


def test_scales_are_bounded() -> None:
    view = Viewport(800, 600, 1000, 1000).fitted()
    assert view.zoomed(1e9, 1, 1).scale == MAX_SCALE
    assert view.zoomed(1e-9, 1, 1).scale == view.min_scale > 0


def test_a_view_without_an_image_can_be_asked_everything() -> None:
    view = Viewport(800, 600).fitted()
    assert view.zoomed(2, 5, 5).panned(3, 3).visible[2] == 0
