"""Ellipse, modifiers, wand, threshold brush, split and overlaps: real events, compared with masks made by numpy."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.domain.annotation import Instance
from engine.domain.combine import Overlap
from engine.domain.mask import Mask

pytestmark = pytest.mark.gui
RIGHT = Qt.MouseButton.RightButton
SHIFT, ALT, CONTROL = (
    Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip
H, W = 160, 200


def boxed(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    array = np.zeros((H, W), bool)
    array[round(y0) : round(y1), round(x0) : round(x1)] = True
    return array


def instance(array: np.ndarray, name: str = "a", category: int = 1) -> Instance:
    return Instance.from_mask(Mask.from_array(array), category, id=name)


def array_of(bench, name: str) -> np.ndarray:
    return bench.document.annotation.get(name).mask.to_array()


def oval(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Pixels whose centre lies in the ellipse inside the box."""
    y, x = np.mgrid[:H, :W] + 0.5
    return ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1


def disc_path(points: list[tuple[float, float]], radius: float) -> np.ndarray:
    """Pixels whose centre lies within `radius` of the polyline."""
    y, x = np.mgrid[:H, :W] + 0.5
    near = np.zeros((H, W), bool)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        near |= (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2 <= radius**2
    return near


# --- ellipse --------------------------------------------------------------------------------------------------------


def test_an_ellipse_fills_the_dragged_box(bench) -> None:
    bench.view.set_tool("ellipse")
    (start, *_, end) = bench.drag([(40, 30), (80, 60), (140, 90)])
    assert np.array_equal(bench.only_mask.to_array(), oval(*start, *end))
    assert bench.labels == ["Add washer"]


def test_ctrl_makes_the_ellipse_a_circle_of_the_longer_side(bench) -> None:
    bench.view.set_tool("ellipse")
    (start, *_, end) = bench.drag([(40, 30), (80, 60), (120, 90)], held=CONTROL)
    side = max(end[0] - start[0], end[1] - start[1])
    assert np.array_equal(bench.only_mask.to_array(), oval(*start, start[0] + side, start[1] + side))


def test_escape_discards_an_ellipse_and_a_click_makes_none(bench) -> None:
    bench.view.set_tool("ellipse")
    bench.press(40, 40)
    bench.move(90, 90)
    bench.key(Qt.Key.Key_Escape)
    bench.release(90, 90)
    bench.click(50, 50)
    assert bench.labels == []


# --- modifiers ------------------------------------------------------------------------------------------------------

SOLID = boxed(40, 40, 160, 120)
SHAPES = {
    "rectangle": lambda told: boxed(*told[0], *told[-1]),
    "ellipse": lambda told: oval(*told[0], *told[-1]),
}
HELD = {
    "Shift": (SHIFT, lambda was, area: was | area, "Paint washer"),
    "Alt": (ALT, lambda was, area: was & ~area, "Erase washer"),
    "both": (SHIFT | ALT, lambda was, area: was & area, "Cut down washer"),
}


@pytest.mark.parametrize("tool", SHAPES)
@pytest.mark.parametrize("held", HELD)
def test_modifiers_add_take_away_and_keep_the_common_part(bench, tool: str, held: str) -> None:
    keys, join, label = HELD[held]
    bench.put(instance(SOLID), instance(boxed(0, 0, 100, 80), "b"))
    bench.document.select(["a"])
    bench.view.set_tool(tool)
    told = bench.drag([(20, 20), (60, 60), (110, 90)], held=keys)
    assert np.array_equal(array_of(bench, "a"), join(SOLID, SHAPES[tool](told)))
    assert np.array_equal(array_of(bench, "b"), boxed(0, 0, 100, 80))
    assert bench.labels == [label]


@pytest.mark.parametrize("held", HELD)
def test_a_polygon_does_what_was_held_at_its_first_corner(bench, held: str) -> None:
    keys, join, label = HELD[held]
    bench.put(instance(SOLID))
    bench.document.select(["a"])
    bench.view.set_tool("polygon")
    corners = [(60, 20), (150, 20), (150, 100), (60, 100)]
    bench.click(*corners[0], held=keys)
    for corner in corners[1:]:
        bench.click(*corner)
    bench.key(Qt.Key.Key_Return)
    (x0, y0), (x1, y1) = bench.exact(*corners[0]), bench.exact(*corners[2])
    changed = join(SOLID, boxed(x0, y0, x1, y1)) ^ array_of(bench, "a")
    rim = cv2.dilate(cv2.rectangle(np.zeros((H, W), np.uint8), (round(x0), round(y0)), (round(x1), round(y1)), 1), None)
    assert not (changed & (rim == 0)).any()  # polygons are filled by COCO's rule: the rim may differ by a pixel
    assert bench.labels == [label]


def test_a_lasso_with_shift_and_alt_keeps_what_it_encloses(bench) -> None:
    bench.put(instance(SOLID))
    bench.document.select(["a"])
    bench.view.set_tool("lasso")
    bench.drag([(60, 60), (120, 60), (120, 100), (60, 100)], held=SHIFT | ALT)
    assert np.array_equal(array_of(bench, "a") & ~SOLID, np.zeros((H, W), bool))
    assert 0.9 < array_of(bench, "a").sum() / (60 * 40) < 1.1


def test_a_shape_that_would_leave_nothing_or_has_no_object_says_so(bench) -> None:
    bench.put(instance(SOLID))
    bench.view.set_tool("rectangle")
    bench.drag([(50, 50), (90, 90)], held=SHIFT | ALT)
    assert "Select the object to cut down" in bench.view.hint
    bench.document.select(["a"])
    bench.drag([(2, 2), (20, 20)], held=SHIFT | ALT)
    assert "Nothing of the washer" in bench.view.hint
    assert bench.labels == []


# --- wand -----------------------------------------------------------------------------------------------------------


def two_squares() -> np.ndarray:
    """Grey ground with a bright square, a slightly darker ring around it, and a bright square elsewhere."""
    image = np.full((H, W, 3), 60, np.uint8)
    image[40:100, 40:100] = (180, 190, 170)
    image[55:85, 55:85] = (200, 200, 200)
    image[55:85, 140:170] = (200, 200, 200)
    return image


def test_a_click_of_the_wand_takes_the_connected_pixels_within_the_tolerance(bench) -> None:
    bench.open(two_squares())
    bench.view.set_tool("wand")
    bench.view.settings.tolerance = 10
    bench.click(70, 70)
    assert np.array_equal(bench.only_mask.to_array(), boxed(55, 55, 85, 85))
    assert bench.labels == ["Add washer"]


def test_dragging_the_wand_right_takes_more_and_the_tolerance_is_kept(bench) -> None:
    bench.open(two_squares())
    bench.view.set_tool("wand")
    bench.view.settings.tolerance = 10
    scale = bench.view.scale / bench.view.devicePixelRatioF()
    bench.drag([(70, 70), (70 + 30 / scale, 70), (70 + 60 / scale, 70)])  # 60 logical pixels: 30 more
    assert 35 <= bench.view.settings.tolerance <= 40
    assert np.array_equal(bench.only_mask.to_array(), boxed(40, 40, 100, 100))
    assert len(bench.labels) == 1


def test_the_wand_adds_takes_away_and_intersects_by_the_same_keys(bench) -> None:
    bench.open(two_squares(), [instance(boxed(60, 60, 150, 80))])
    bench.document.select(["a"])
    bench.view.set_tool("wand")
    bench.view.settings.tolerance = 10
    bench.click(70, 70, held=SHIFT)
    expected = boxed(60, 60, 150, 80) | boxed(55, 55, 85, 85)
    assert np.array_equal(array_of(bench, "a"), expected)
    bench.click(150, 70, held=ALT)
    expected &= ~boxed(140, 55, 170, 85)
    assert np.array_equal(array_of(bench, "a"), expected)
    bench.click(70, 70, held=SHIFT | ALT)
    assert np.array_equal(array_of(bench, "a"), expected & boxed(55, 55, 85, 85))


def test_the_wand_stays_within_what_is_on_screen(bench) -> None:
    bench.view.zoom_to(8)
    bench.view.set_tool("wand")
    x0, y0, x1, y1 = bench.view.view.visible
    bench.click((x0 + x1) / 2, (y0 + y1) / 2)
    assert np.array_equal(bench.only_mask.to_array(), boxed(x0, y0, x1, y1))
    assert bench.only_mask.area < H * W / 4


def test_escape_drops_what_the_wand_shows(bench) -> None:
    bench.open(two_squares())
    bench.view.set_tool("wand")
    before = bench.color(80, 80)
    bench.press(70, 70)
    assert bench.color(80, 80) != before
    bench.key(Qt.Key.Key_Escape)
    bench.release(70, 70)
    assert bench.color(80, 80) == before
    assert bench.labels == []


def test_beside_the_image_the_wand_finds_nothing(make_bench: Callable[..., object]) -> None:
    bench = make_bench(200, 160, (700, 420))
    bench.view.set_tool("wand")
    bench.click(-12, 80)
    assert bench.labels == []
    assert bench.view.hint == "Click on the image"


def test_the_wand_costs_what_the_screen_has_and_not_the_image(make_bench: Callable[..., object]) -> None:
    bench, side = make_bench(), 8192
    image = np.full((side, side, 3), 60, np.uint8)
    image[2048:6144, 2048:6144] = 200
    bench.open(image)
    bench.view.grab()
    bench.view.set_tool("wand")
    tracemalloc.start()
    try:
        bench.click(4096, 4096)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < side * side // 8
    size = 2**bench.view.view.level
    assert all(abs(a - b) <= size for a, b in zip(bench.only_mask.box, (2048, 2048, 6144, 6144), strict=True))
    assert bench.only_mask.area > 4000 * 4000


# --- threshold brush ------------------------------------------------------------------------------------------------


def test_the_threshold_brush_takes_only_pixels_like_the_first_one(bench) -> None:
    image = np.random.default_rng(3).integers(0, 255, (H, W, 3), dtype=np.uint8)
    bench.open(image)
    bench.view.set_tool("threshold")
    bench.view.brush_size, bench.view.settings.tolerance = 30, 90
    told = bench.drag([(60, 60), (90, 70), (120, 100)])
    color = image[int(told[0][1]), int(told[0][0])].astype(int)
    near = (np.abs(image.astype(int) - color) <= 90).all(axis=2)
    assert np.array_equal(bench.only_mask.to_array(), disc_path([told[0], *told], 15) & near)
    assert bench.labels == ["Paint washer"]


def test_with_the_right_button_the_threshold_brush_erases_only_such_pixels(bench) -> None:
    bench.open(two_squares(), [instance(boxed(30, 30, 180, 120))])
    bench.document.select(["a"])
    bench.view.set_tool("threshold")
    bench.view.brush_size, bench.view.settings.tolerance = 60, 5
    told = bench.drag([(80, 70), (120, 70)], RIGHT)
    taken = disc_path([told[0], *told], 30) & (two_squares() == 200).all(axis=2)
    assert np.array_equal(array_of(bench, "a"), boxed(30, 30, 180, 120) & ~taken)


# --- split ----------------------------------------------------------------------------------------------------------


def test_a_line_across_an_object_makes_two_that_are_selected(bench) -> None:
    ring = oval(60, 40, 140, 120) & ~oval(85, 65, 115, 95)
    bench.put(instance(ring), instance(boxed(0, 0, 20, 20), "b"))
    bench.document.select(["a"])
    bench.view.set_tool("split")
    told = bench.drag([(100, 20), (100, 80), (100, 140)])
    left = ring & (np.arange(W) + 0.5 <= told[0][0])
    pieces = [i.mask.to_array() for i in bench.document.selected]
    assert sorted(p.sum() for p in pieces) == sorted([left.sum(), (ring & ~left).sum()])
    assert any(np.array_equal(p, left) for p in pieces)
    assert np.array_equal(pieces[0] ^ pieces[1], ring)
    assert bench.labels == ["Split washer"]
    assert np.array_equal(array_of(bench, "b"), boxed(0, 0, 20, 20))


def test_a_line_that_parts_nothing_says_so(bench) -> None:
    bench.put(instance(SOLID))
    bench.view.set_tool("split")
    bench.drag([(60, 60), (90, 80)])
    assert "does not part the washer" in bench.view.hint
    bench.drag([(5, 5), (30, 5)])
    assert "Select the object first" in bench.view.hint
    assert bench.labels == []


# --- overlaps -------------------------------------------------------------------------------------------------------


def paint_over(bench, tool: str, overlap: Overlap) -> np.ndarray:
    """Draw over "b" with "a" selected, adding; gives the pixels that were drawn."""
    bench.put(instance(boxed(20, 20, 80, 80)), instance(boxed(100, 20, 180, 140), "b", 2))
    bench.document.select(["a"])
    bench.view.set_tool(tool)
    bench.view.brush_size, bench.view.settings.overlap = 20, overlap
    if tool == "brush":
        told = bench.drag([(60, 60), (100, 60), (140, 60)])
        return disc_path([told[0], *told], 10)
    told = bench.drag([(60, 60), (100, 90), (140, 100)], held=SHIFT)
    return boxed(*told[0], *told[-1])


@pytest.mark.parametrize("tool", ["brush", "rectangle"])
@pytest.mark.parametrize("overlap", Overlap)
def test_the_overlap_policy_says_who_gets_shared_pixels_in_one_step(bench, tool: str, overlap: Overlap) -> None:
    area = paint_over(bench, tool, overlap)
    first, second = boxed(20, 20, 80, 80), boxed(100, 20, 180, 140)
    assert (area & second).any()
    gets = area & ~second if overlap is Overlap.LEAVE else area
    loses = area if overlap is Overlap.TAKE else np.zeros_like(area)
    assert np.array_equal(array_of(bench, "a"), first | gets)
    assert np.array_equal(array_of(bench, "b"), second & ~loses)
    assert bench.labels == ["Paint washer"]


def test_a_new_object_takes_pixels_and_what_is_covered_altogether_is_gone(bench) -> None:
    bench.put(instance(boxed(60, 60, 80, 80)), instance(boxed(100, 60, 180, 140), "b"))
    bench.view.set_tool("rectangle")
    bench.view.settings.overlap = Overlap.TAKE
    told = bench.drag([(40, 40), (80, 80), (120, 120)])
    assert bench.document.annotation.find("a") is None
    assert np.array_equal(array_of(bench, "b"), boxed(100, 60, 180, 140) & ~boxed(*told[0], *told[-1]))
    assert len(bench.labels) == 1


@pytest.mark.parametrize("tool", ["brush", "rectangle", "wand"])
def test_where_others_are_left_alone_painting_on_them_makes_nothing_and_says_why(bench, tool: str) -> None:
    bench.put(instance(np.ones((H, W), bool)))
    bench.view.set_tool(tool)
    bench.view.settings.overlap = Overlap.LEAVE
    bench.drag([(60, 60), (80, 80)])
    assert bench.labels == []
    assert "Other objects lie here" in bench.view.hint


def test_a_hole_cut_where_two_objects_overlap_is_cut_into_the_selected_one_whatever_the_policy(bench) -> None:
    bench.put(instance(SOLID), instance(boxed(60, 50, 140, 110), "b"))
    for overlap in Overlap:
        bench.view.settings.overlap = overlap
        bench.put(instance(SOLID), instance(boxed(60, 50, 140, 110), "b"))
        bench.document.select(["a"])
        bench.view.set_tool("cut_hole")
        bench.drag([(90, 70), (110, 70), (110, 90), (90, 90), (90, 70)])
        assert np.array_equal(array_of(bench, "b"), boxed(60, 50, 140, 110))
        assert len(bench.document.annotation.get("a").mask.holes) == 1


def test_an_island_in_a_hole_can_be_painted_and_the_hole_around_it_filled(bench) -> None:
    bench.put(instance(SOLID & ~boxed(70, 60, 130, 100)))
    bench.document.select(["a"])
    bench.view.set_tool("brush")
    bench.view.brush_size = 12
    told = bench.drag([(99, 80), (101, 80)])
    island = disc_path([told[0], *told], 6)
    assert np.array_equal(array_of(bench, "a"), (SOLID & ~boxed(70, 60, 130, 100)) | island)
    assert len(bench.document.annotation.get("a").mask.parts()) == 2
    bench.view.set_tool("fill_hole")
    bench.click(75, 65)
    assert np.array_equal(array_of(bench, "a"), SOLID)
