"""Laws of polygons with holes: what is drawn, traced or bridged is the same pixels again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.domain.geometry import polygon_mask
from engine.domain.mask import Mask
from engine.domain.outlines import mask_keyhole, mask_polygons
from engine.domain.polygons import (
    Polygon,
    RingFault,
    clean_ring,
    keyhole,
    outline_mask,
    polygon_to_mask,
    polygons_to_mask,
    ring_fault,
    simplified,
    split_keyhole,
)

SQUARE = ((2.0, 2.0), (18.0, 2.0), (18.0, 18.0), (2.0, 18.0))
HOLE = ((6.0, 6.0), (14.0, 6.0), (14.0, 14.0), (6.0, 14.0))
BOWTIE = ((2.0, 2.0), (18.0, 18.0), (18.0, 2.0), (2.0, 18.0))
masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)).map(Mask.from_array)


@given(masks)
@settings(max_examples=120, deadline=None)
def test_traced_outlines_filled_again_are_the_same_pixels(mask):
    assert polygons_to_mask(mask_polygons(mask), *mask.shape) == mask


@given(masks)
@settings(max_examples=80, deadline=None)
def test_there_is_one_polygon_per_part_and_one_interior_per_hole(mask):
    polygons = mask_polygons(mask)
    assert len(polygons) == (0 if mask.is_empty else len(mask.parts()))
    assert sum(len(p.interiors) for p in polygons) == len(mask.holes)


@given(masks)
@settings(max_examples=120, deadline=None)
def test_one_keyhole_ring_holds_every_hole_and_part(mask):
    assert polygon_mask(mask_keyhole(mask), *mask.shape) == mask


def test_a_polygon_is_filled_without_its_hole():
    mask = polygon_to_mask(Polygon(SQUARE, (HOLE,)), 20, 20)
    assert mask.area == 16 * 16 - 8 * 8
    assert [hole.area for hole in mask.holes] == [64]


def test_a_keyhole_ring_is_split_into_outline_and_hole():
    bridged = keyhole([Polygon(SQUARE, (HOLE,))])
    pieces = split_keyhole(bridged)
    assert sorted(len(set(p)) for p in pieces) == [4, 5]  # the outline got the foot of the bridge
    assert {frozenset(HOLE)} == {frozenset(p) for p in pieces if set(p) <= set(HOLE)}


def test_a_bridge_drawn_by_hand_is_read_as_a_hole():
    drawn = [*SQUARE, SQUARE[0], *HOLE, HOLE[0]]
    mask = outline_mask(drawn, 20, 20)
    assert mask == polygon_to_mask(Polygon(SQUARE, (HOLE,)), 20, 20)
    assert ring_fault(drawn) is None


def test_a_crossing_outline_is_told_and_read_even_odd():
    assert ring_fault(BOWTIE) is RingFault.SELF_CROSSING
    mask = outline_mask(BOWTIE, 20, 20)
    assert mask.area == pytest.approx(128, abs=8)
    assert mask.contains_point(4, 10)
    assert mask.contains_point(15, 10)
    assert not mask.contains_point(10, 4)
    assert not mask.contains_point(10, 15)


def test_the_middle_of_a_five_pointed_star_is_outside_of_it():
    corners = [(50 + 40 * np.sin(k * 4 * np.pi / 5), 50 - 40 * np.cos(k * 4 * np.pi / 5)) for k in range(5)]
    mask = outline_mask(corners, 100, 100)
    assert not mask.contains_point(50, 50)
    assert mask.contains_point(50, 20)


@pytest.mark.parametrize(
    ("ring", "fault"),
    [
        ((), RingFault.TOO_FEW_POINTS),
        (((1.0, 1.0), (5.0, 5.0)), RingFault.TOO_FEW_POINTS),
        (((1.0, 1.0), (5.0, 5.0), (1.0, 1.0)), RingFault.TOO_FEW_POINTS),
        (((3.0, 3.0),) * 9, RingFault.TOO_FEW_POINTS),
        (((1.0, 1.0), (5.0, 5.0), (9.0, 9.0)), RingFault.NO_AREA),
        (((1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (9.0, 1.0)), RingFault.NO_AREA),
        (SQUARE, None),
        ((*SQUARE, SQUARE[0]), None),
    ],
)
def test_an_outline_without_an_area_has_a_reason(ring, fault):
    assert ring_fault(ring) is fault


def test_repeated_points_are_dropped():
    assert clean_ring([(1, 1), (1, 1), (2, 1), (2, 2), (1, 1)]) == ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0))


@given(st.lists(st.tuples(st.floats(-40, 60), st.floats(-40, 60)), min_size=3, max_size=9))
@settings(max_examples=80, deadline=None)
def test_moderate_outlines_are_filled_as_the_rasteriser_fills_them(points):
    assert outline_mask(points, 20, 20) == polygon_mask(points, 20, 20)


def test_an_outline_of_astronomical_size_is_cut_before_it_is_filled():
    huge = ((-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9))
    assert outline_mask(huge, 20, 20).area == 400
    slanted = outline_mask(((0.0, 0.0), (1e8, 0.0), (0.0, 1e8)), 20, 20)
    assert slanted.area == 400
    assert outline_mask(((1e8, 1e8), (2e8, 1e8), (2e8, 2e8)), 20, 20).is_empty


def test_a_coordinate_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        outline_mask(((0.0, 0.0), (float("nan"), 3.0), (5.0, 9.0)), 20, 20)


def test_simplifying_moves_no_border_farther_than_asked():
    yy, xx = np.mgrid[:80, :80]
    radius = np.hypot(xx - 40, yy - 40)
    ring = Mask.from_array((radius < 30) & (radius >= 12))
    (exact,) = mask_polygons(ring)
    thin = simplified(exact, 1.0)
    assert len(thin.exterior) < len(exact.exterior) / 2
    assert len(thin.interiors) == 1
    assert polygon_to_mask(thin, 80, 80).iou(ring) > 0.95
