"""What each tool makes of the mouse: real events through the real widget."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.domain.annotation import Instance, Origin
from engine.domain.geometry import ellipse_points, polygon_mask, stroke_mask
from engine.domain.mask import Mask

pytestmark = pytest.mark.gui
RIGHT = Qt.MouseButton.RightButton
SHIFT, ALT, CONTROL = (
    Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip
H, W = 160, 200
SQUARE = [(90, 70), (110, 70), (110, 90), (90, 90)]


def circle(cx: float, cy: float, r: float, steps: int = 40) -> list[tuple[float, float]]:
    angles = [2 * math.pi * i / steps for i in range(steps + 1)]
    return [(cx + r * math.cos(a), cy + r * math.sin(a)) for a in angles]


def block(x0: int, y0: int, x1: int, y1: int) -> Mask:
    return Mask.from_box((x0, y0, x1, y1), H, W)


def washer(x0: int, y0: int, x1: int, y1: int, name: str = "a") -> Instance:
    return Instance.from_mask(block(x0, y0, x1, y1), 1, id=name)


# --- brush ------------------------------------------------------------------------------------------------------


def test_a_stroke_is_the_sum_of_its_capsules_and_one_edit(bench) -> None:
    bench.view.set_tool("brush")
    bench.view.brush_size = 12
    told = bench.drag([(40, 40), (80, 50), (120, 120)])
    assert bench.labels == ["Paint washer"]
    assert bench.only_mask == stroke_mask(told, 6, H, W)
    assert bench.document.selection == {bench.instances[0].id}


def test_a_ring_drawn_with_brush_and_cut_hole_has_exactly_those_pixels(bench) -> None:
    bench.view.set_tool("brush")
    bench.view.brush_size = 60
    stroke = bench.drag([(100, 80), (101, 80)])
    bench.view.set_tool("cut_hole")
    hole = bench.drag(circle(100, 80, 15))
    expected = stroke_mask(stroke, 30, H, W) - polygon_mask(hole, H, W)
    assert bench.only_mask == expected
    assert len(bench.only_mask.holes) == 1
    assert bench.labels == ["Paint washer", "Cut hole in washer"]
    assert bench.color(100, 80) == (100, 100, 100)


def test_a_second_stroke_adds_to_the_selected_object_and_n_begins_another(bench) -> None:
    bench.view.set_tool("brush")
    bench.drag([(40, 40), (60, 40)])
    bench.drag([(60, 40), (60, 80)])
    assert len(bench.instances) == 1
    bench.document.begin_new_instance()
    bench.drag([(150, 40), (150, 80)])
    assert len(bench.instances) == 2


def test_right_drag_and_alt_drag_erase_and_alt_right_paints(bench) -> None:
    bench.view.set_tool("brush")
    bench.view.brush_size = 10
    bench.put(washer(40, 40, 160, 120))
    bench.document.select(["a"])
    first = bench.drag([(60, 60), (80, 60)], RIGHT)
    second = bench.drag([(60, 100), (80, 100)], held=ALT)
    expected = block(40, 40, 160, 120) - stroke_mask(first, 5, H, W) - stroke_mask(second, 5, H, W)
    assert bench.only_mask == expected
    third = bench.drag([(60, 60), (70, 60)], RIGHT, ALT)
    assert bench.only_mask == expected | stroke_mask(third, 5, H, W)
    assert bench.labels == ["Erase washer", "Erase washer", "Paint washer"]


def test_shift_click_draws_a_straight_line_from_the_last_point(bench) -> None:
    bench.view.set_tool("brush")
    bench.view.brush_size = 8
    bench.click(40, 40)
    bench.click(120, 100, held=SHIFT)
    line = stroke_mask([bench.exact(40, 40), bench.exact(120, 100)], 4, H, W)
    assert bench.only_mask == line
    assert len(bench.commits) == 2


def test_a_line_never_starts_in_another_image(bench) -> None:
    bench.view.set_tool("brush")
    bench.click(40, 40)
    bench.document.image_id = 2
    bench.document.begin_new_instance()
    bench.click(120, 100, held=SHIFT)
    assert bench.instances[1].mask == stroke_mask([bench.exact(120, 100)], 12, H, W)


@pytest.mark.parametrize("tool", ["brush", "eraser"])
def test_escape_discards_a_stroke(bench, tool: str) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.document.select(["a"])
    untouched = bench.view.grab().toImage()
    bench.view.set_tool(tool)
    bench.press(80, 80)
    bench.move(100, 80)
    bench.key(Qt.Key.Key_Escape)
    bench.release(100, 80)
    assert bench.labels == []
    bench.view.set_tool("select")
    assert bench.view.grab().toImage() == untouched


def test_changing_the_tool_discards_a_stroke(bench) -> None:
    bench.view.set_tool("brush")
    bench.press(80, 80)
    bench.move(100, 80)
    bench.view.set_tool("select")
    bench.release(100, 80)
    assert bench.labels == []


def test_an_undo_under_a_stroke_discards_it(bench) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.document.select(["a"])
    bench.view.set_tool("brush")
    bench.press(80, 30)
    bench.move(100, 30)
    bench.put(washer(40, 40, 100, 120))
    bench.release(100, 30)
    assert bench.labels == []
    assert bench.only_mask == block(40, 40, 100, 120)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("button", [Qt.MouseButton.LeftButton, RIGHT])
def test_the_preview_shows_what_the_stroke_will_leave(bench, scale: float, button: Qt.MouseButton) -> None:
    bench.put(washer(60, 50, 140, 110))
    bench.document.select(["a"])
    bench.view.zoom_to(scale)
    bench.view.set_tool("brush")
    bench.view.brush_size = 20
    bench.press(100, 80, button)
    bench.move(150, 95)
    preview = bench.view._tool._preview  # type: ignore[attr-defined]
    bench.view.grab()
    shown, window = preview._pixels.copy(), preview._window
    bench.release(150, 95, button)
    size = 2**bench.view.view.level
    x0, y0, x1, y1 = (v * size for v in window)
    final = bench.only_mask.decode_crop((x0, y0, x1, y1))
    pooled = final.reshape(shown.shape[0], size, shown.shape[1], size).any(axis=(1, 3))
    assert (shown == pooled).all()


@pytest.mark.parametrize("scale", [0.4, 1.3, 3.0])
@pytest.mark.parametrize("button", [Qt.MouseButton.LeftButton, RIGHT])
def test_a_stroke_drawn_piece_by_piece_looks_like_one_drawn_at_once(bench, scale: float, button) -> None:
    bench.put(washer(60, 50, 140, 110))
    bench.document.select(["a"])
    bench.view.zoom_to(scale)
    bench.view.set_tool("brush")
    bench.view.brush_size = 14
    path = [(80, 80), (95, 60), (120, 95), (140, 70), (90, 100), (70, 70)]
    bench.press(*path[0], button)
    for point in path[1:]:
        bench.move(*point)
    pieces = bench.view._screen.copy()
    bench.view.redraw()
    bench.paint()
    assert pieces == bench.view._screen


def test_zooming_during_a_stroke_keeps_what_was_painted(bench) -> None:
    bench.view.set_tool("brush")
    bench.press(40, 40)
    bench.move(60, 40)
    first = bench.exact(40, 40), bench.exact(60, 40)
    bench.wheel(60, 40, 2)
    bench.view.grab()
    preview = bench.view._tool._preview  # type: ignore[attr-defined]
    window = preview._window
    assert (preview._pixels == stroke_mask(first, 12, H, W).decode_crop(window)).all()
    bench.release(60, 40)
    assert len(bench.commits) == 1


def test_painting_is_seen_before_the_button_is_let_go(bench) -> None:
    bench.view.set_tool("brush")
    before = bench.color(70, 40)
    bench.press(40, 40)
    bench.move(100, 40)
    during = bench.color(70, 40)
    assert during[0] > before[0]
    assert during[2] < before[2]
    assert bench.labels == []


def test_erasing_shows_the_image_before_the_button_is_let_go(bench) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.document.select(["a"])
    bench.view.set_tool("eraser")
    bench.press(80, 80)
    bench.move(120, 80)
    assert bench.color(95, 80) == (100, 100, 100)
    assert bench.color(95, 110) != (100, 100, 100)


def test_brush_size_follows_the_brackets_and_ctrl_wheel(bench) -> None:
    bench.view.set_tool("brush")
    bench.view.brush_size = 20
    bench.key(Qt.Key.Key_BracketRight)
    assert bench.view.brush_size == 22
    bench.key(Qt.Key.Key_BracketLeft)
    assert bench.view.brush_size == 20
    scale = bench.view.scale
    bench.wheel(50, 50, 3, CONTROL)
    assert bench.view.brush_size > 25
    assert bench.view.scale == scale
    bench.view.brush_size = 0
    bench.key(Qt.Key.Key_BracketLeft)
    assert bench.view.brush_size == 1


# --- eraser -----------------------------------------------------------------------------------------------------


def test_the_eraser_takes_from_the_object_under_the_pointer_when_none_is_selected(bench) -> None:
    bench.put(washer(20, 20, 60, 60), washer(100, 20, 160, 60, "b"))
    bench.view.set_tool("eraser")
    bench.view.brush_size = 10
    told = bench.drag([(110, 40), (30, 40)])
    by_id = {i.id: i.mask for i in bench.instances}
    assert by_id == {"a": block(20, 20, 60, 60), "b": block(100, 20, 160, 60) - stroke_mask(told, 5, H, W)}
    assert bench.labels == ["Erase washer"]


def test_erasing_on_empty_ground_says_why_nothing_happens(bench) -> None:
    bench.view.set_tool("eraser")
    bench.drag([(30, 30), (60, 60)])
    assert bench.labels == []
    assert "No object here" in bench.view.hint


def test_an_object_that_is_erased_altogether_is_gone(bench) -> None:
    bench.put(washer(95, 75, 105, 85))
    bench.view.set_tool("eraser")
    bench.view.brush_size = 40
    bench.click(100, 80)
    assert bench.instances == ()


# --- outlines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("close", ["enter", "first", "double"])
def test_a_polygon_is_closed_by_enter_a_click_on_the_first_corner_or_a_double_click(bench, close: str) -> None:
    bench.view.set_tool("polygon")
    for corner in SQUARE:
        bench.click(*corner)
    if close == "enter":
        bench.key(Qt.Key.Key_Return)
    elif close == "first":
        bench.click(*SQUARE[0])
    else:
        QTest.mouseDClick(bench.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bench.at(*SQUARE[-1]))
    assert bench.only_mask == polygon_mask([bench.exact(*c) for c in SQUARE], H, W)
    assert bench.labels == ["Add washer"]


def test_backspace_takes_the_last_corner_back(bench) -> None:
    bench.view.set_tool("polygon")
    for corner in [*SQUARE[:3], (20, 140)]:
        bench.click(*corner)
    bench.key(Qt.Key.Key_Backspace)
    bench.key(Qt.Key.Key_Enter)
    assert bench.only_mask == polygon_mask([bench.exact(*c) for c in SQUARE[:3]], H, W)


def test_backspace_on_the_first_corner_ends_the_polygon(bench) -> None:
    bench.view.set_tool("polygon")
    bench.click(90, 70)
    bench.key(Qt.Key.Key_Backspace)
    assert not bench.view._tool.busy


def test_two_corners_are_no_polygon(bench) -> None:
    bench.view.set_tool("polygon")
    for corner in SQUARE[:2]:
        bench.click(*corner)
    bench.key(Qt.Key.Key_Return)
    assert bench.labels == []
    assert "three corners" in bench.view.hint
    assert bench.view._tool.busy


@pytest.mark.parametrize("tool", ["polygon", "cut_hole"])
def test_escape_discards_corners(bench, tool: str) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.view.set_tool(tool)
    for corner in SQUARE:
        bench.click(*corner)
    bench.key(Qt.Key.Key_Escape)
    bench.key(Qt.Key.Key_Return)
    assert bench.labels == []


def test_a_lasso_encloses_what_was_circled(bench) -> None:
    bench.view.set_tool("lasso")
    told = bench.drag(circle(100, 80, 40))
    assert bench.only_mask == polygon_mask(told, H, W)


def test_shape_tools_make_a_new_object_each_time_and_add_with_shift(bench) -> None:
    bench.view.set_tool("rectangle")
    bench.drag([(20, 20), (50, 50)])
    bench.drag([(100, 20), (130, 50)])
    assert len(bench.instances) == 2
    bench.drag([(130, 20), (150, 50)], held=SHIFT)
    assert len(bench.instances) == 2
    x0, y0 = (round(v) for v in bench.exact(100, 20))
    x1, y1 = (round(v) for v in bench.exact(150, 50))
    assert bench.instances[1].mask == block(x0, y0, x1, y1)
    assert bench.labels == ["Add washer", "Add washer", "Paint washer"]


def test_shift_without_a_selected_object_says_what_is_missing(bench) -> None:
    bench.view.set_tool("rectangle")
    bench.drag([(20, 20), (50, 50)], held=SHIFT)
    assert bench.labels == []
    assert "Select the object" in bench.view.hint


@pytest.mark.parametrize("tool", ["rectangle", "lasso"])
def test_right_drag_takes_the_shape_away(bench, tool: str) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.view.set_tool(tool)
    bench.drag([(80, 60), (120, 60), (120, 100)], RIGHT)
    assert bench.only_mask.area < block(40, 40, 160, 120).area
    assert bench.labels == ["Erase washer"]


def test_an_outline_around_no_pixel_makes_nothing(bench) -> None:
    bench.view.set_tool("lasso")
    bench.click(100, 80)
    assert bench.labels == []
    assert "no pixel" in bench.view.hint


def test_what_lies_outside_of_the_image_is_cut(make_bench: Callable[..., object]) -> None:
    bench = make_bench(200, 160, (500, 420))
    bench.view.set_tool("rectangle")
    bench.drag([(150, 120), (202, 162)])
    assert bench.only_mask.box[2:] == (200, 160)


# --- holes ------------------------------------------------------------------------------------------------------


def test_a_hole_is_cut_only_into_the_selected_object(bench) -> None:
    bench.put(washer(40, 40, 160, 120), washer(60, 50, 140, 110, "b"))
    bench.document.select(["a"])
    bench.view.set_tool("cut_hole")
    told = bench.drag(circle(100, 80, 15))
    by_id = {i.id: i.mask for i in bench.instances}
    assert by_id["b"] == block(60, 50, 140, 110)
    assert by_id["a"] == block(40, 40, 160, 120) - polygon_mask(told, H, W)


def test_without_a_selection_the_hole_is_cut_into_the_object_where_it_began(bench) -> None:
    bench.put(washer(20, 40, 90, 120), washer(100, 40, 180, 120, "b"))
    bench.view.set_tool("cut_hole")
    bench.drag([(140, 60), (60, 60), (60, 100), (140, 100)])
    by_id = {i.id: i.mask for i in bench.instances}
    assert by_id["a"] == block(20, 40, 90, 120)
    assert by_id["b"].area < block(100, 40, 180, 120).area


def test_a_hole_can_be_clicked_corner_by_corner(bench) -> None:
    bench.put(washer(40, 40, 160, 120))
    bench.document.select(["a"])
    bench.view.set_tool("cut_hole")
    for corner in SQUARE:
        bench.click(*corner)
    assert bench.labels == []
    bench.key(Qt.Key.Key_Return)
    assert bench.only_mask == block(40, 40, 160, 120) - polygon_mask([bench.exact(*c) for c in SQUARE], H, W)
    assert bench.labels == ["Cut hole in washer"]


def test_a_hole_on_empty_ground_says_what_to_do(bench) -> None:
    bench.view.set_tool("cut_hole")
    bench.drag(circle(100, 80, 15))
    assert bench.labels == []
    assert "cut out of one object" in bench.view.hint


def test_a_hole_beside_the_object_cuts_nothing_and_says_so(bench) -> None:
    bench.put(washer(20, 20, 60, 60))
    bench.document.select(["a"])
    bench.view.set_tool("cut_hole")
    bench.drag(circle(140, 100, 15))
    assert bench.labels == []
    assert "Nothing of the washer" in bench.view.hint


def holed(name: str = "a", category: int = 1) -> Instance:
    mask = block(40, 40, 160, 120) - block(60, 60, 80, 80) - block(110, 60, 130, 80)
    return Instance.from_mask(mask, category, id=name)


def test_a_click_fills_one_hole_and_leaves_the_others(bench) -> None:
    bench.put(holed())
    bench.view.set_tool("fill_hole")
    bench.click(70, 70)
    assert bench.only_mask == block(40, 40, 160, 120) - block(110, 60, 130, 80)
    assert bench.labels == ["Fill hole in washer"]


def test_the_hole_under_the_cursor_is_filled_whatever_the_tool(bench) -> None:
    bench.put(holed())
    bench.view.set_tool("brush")
    bench.move(120, 70)
    bench.view.fill_hole_at_cursor()
    assert bench.only_mask == block(40, 40, 160, 120) - block(60, 60, 80, 80)


def test_the_selected_objects_hole_is_filled_before_another_ones(bench) -> None:
    bench.put(holed("a"), holed("b", 2))
    bench.document.select(["a"])
    bench.view.set_tool("fill_hole")
    bench.click(70, 70)
    assert bench.labels == ["Fill hole in washer"]
    bench.document.select([])
    bench.click(70, 70)
    assert bench.labels[1:] == ["Fill hole in gasket"]


def test_where_there_is_no_hole_nothing_is_filled(bench) -> None:
    bench.put(holed())
    bench.view.set_tool("fill_hole")
    for x, y in ((50, 50), (10, 10)):
        bench.click(x, y)
    assert bench.labels == []
    assert bench.view.hint == "There is no hole under the pointer"


# --- select -----------------------------------------------------------------------------------------------------


def test_a_click_selects_the_topmost_object_and_empty_ground_none(bench) -> None:
    bench.put(washer(20, 20, 120, 120), washer(80, 20, 180, 120, "b"))
    bench.click(100, 70)
    assert bench.document.selection == {"b"}
    bench.click(40, 70)
    assert bench.document.selection == {"a"}
    bench.click(100, 150)
    assert bench.document.selection == frozenset()


def test_a_click_through_a_hole_selects_what_lies_below(bench) -> None:
    bench.put(washer(20, 20, 180, 140, "below"), holed("above"))
    bench.click(70, 70)
    assert bench.document.selection == {"below"}


def test_shift_click_adds_and_takes_away(bench) -> None:
    bench.put(washer(20, 20, 60, 60), washer(100, 20, 160, 60, "b"))
    bench.click(40, 40)
    bench.click(130, 40, held=SHIFT)
    assert bench.document.selection == {"a", "b"}
    bench.click(40, 40, held=SHIFT)
    assert bench.document.selection == {"b"}


def test_dragging_moves_by_whole_pixels_and_keeps_the_shape(bench) -> None:
    bench.put(holed())
    told = bench.drag([(50, 50), (60, 55), (70, 60)])
    dx, dy = (round(told[-1][i] - told[0][i]) for i in (0, 1))
    assert bench.only_mask == holed().mask.translated(dx, dy)
    assert bench.labels == ["Move washer"]


def test_moving_never_cuts_an_object_at_the_border(bench) -> None:
    bench.put(washer(20, 20, 60, 60))
    bench.drag([(40, 40), (20, 20), (2, 2)])
    assert bench.only_mask == block(0, 0, 40, 40)


def test_a_moved_object_is_seen_at_its_new_place_before_the_button_is_let_go(bench) -> None:
    bench.put(washer(20, 20, 60, 60))
    bench.press(40, 40)
    bench.move(110, 90)
    assert bench.color(110, 90) != (100, 100, 100)
    assert bench.color(30, 30) == (100, 100, 100)
    bench.key(Qt.Key.Key_Escape)
    bench.release(110, 90)
    assert bench.labels == []
    assert bench.color(30, 30) != (100, 100, 100)


def test_several_selected_objects_move_together(bench) -> None:
    bench.put(washer(20, 20, 60, 60), washer(100, 20, 160, 60, "b"))
    bench.document.select(["a", "b"])
    bench.drag([(40, 40), (40, 60), (40, 80)])
    assert bench.labels == ["Move 2 objects"]
    assert {i.mask.box[1] for i in bench.instances} == {bench.instances[0].mask.box[1]} != {20}


def test_a_trembling_click_moves_nothing(bench) -> None:
    bench.view.zoom_to(2)
    bench.put(washer(80, 60, 120, 100))
    bench.drag([(100, 80), (101, 80)])
    assert bench.labels == []
    assert bench.document.selection == {"a"}


def test_a_moved_prediction_counts_as_corrected(bench) -> None:
    bench.put(Instance.from_mask(block(20, 20, 60, 60), 1, id="a", origin=Origin.MODEL))
    bench.drag([(40, 40), (60, 60), (80, 60)])
    assert bench.instances[0].origin is Origin.CORRECTED


# --- boxes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def boxes(bench):
    bench.document.boxes_only = True
    bench.view.set_tool("box")
    return bench


def test_dragging_on_empty_ground_draws_a_box(boxes) -> None:
    told = boxes.drag([(100, 90), (60, 70), (30, 40)])
    (instance,) = boxes.instances
    assert instance.mask is None
    assert instance.box_xyxy == pytest.approx((*told[-1], *told[0]))
    assert boxes.labels == ["Add washer"]


def test_a_box_is_moved_inside_and_resized_at_its_handles(boxes) -> None:
    boxes.put(Instance("a", 1, (40.0, 40.0, 100.0, 100.0)))
    boxes.document.select(["a"])
    boxes.drag([(70, 60), (80, 60), (90, 60)])
    x0, y0, x1, y1 = boxes.instances[0].box_xyxy
    assert (x0, x1 - x0, y0, y1) == (60, 60, 40, 100)
    told = boxes.drag([(x1, y1), (150, 130)])
    assert boxes.instances[0].box_xyxy == pytest.approx((x0, y0, *told[-1]))
    assert boxes.labels == ["Move washer", "Resize washer"]


def test_a_box_can_be_dragged_inside_out_and_stays_inside_the_image(boxes) -> None:
    boxes.put(Instance("a", 1, (40.0, 40.0, 100.0, 100.0)))
    boxes.document.select(["a"])
    boxes.drag([(100, 70), (60, 70), (20, 70)])
    x0, _, x1, _ = boxes.instances[0].box_xyxy
    assert x0 < 25
    assert x1 == 40
    boxes.drag([(x0, 70), (2, 70), (-20, 70)])
    assert boxes.instances[0].box_xyxy[0] == 0


def test_a_click_selects_a_box_and_draws_none(boxes) -> None:
    boxes.put(Instance("a", 1, (40.0, 40.0, 100.0, 100.0)))
    boxes.click(70, 70)
    assert boxes.document.selection == {"a"}
    boxes.click(150, 140)
    assert boxes.document.selection == frozenset()
    assert boxes.labels == []


def test_escape_puts_a_box_back(boxes) -> None:
    boxes.put(Instance("a", 1, (40.0, 40.0, 100.0, 100.0)))
    boxes.document.select(["a"])
    boxes.press(70, 60)
    boxes.move(90, 80)
    boxes.key(Qt.Key.Key_Escape)
    boxes.release(90, 80)
    assert boxes.instances[0].box_xyxy == (40, 40, 100, 100)


def test_mask_tools_do_not_work_on_boxes_nor_the_box_tool_on_masks(bench) -> None:
    bench.view.set_tool("box")
    bench.drag([(30, 40), (60, 70)])
    assert "boxes-only" in bench.view.hint
    bench.document.boxes_only = True
    for tool in ("brush", "eraser", "polygon", "lasso", "rectangle", "cut_hole", "fill_hole"):
        bench.view.set_tool(tool)
        bench.drag([(30, 40), (60, 70), (30, 70)])
        assert "boxes only" in bench.view.hint
    assert bench.labels == []


# --- cost -------------------------------------------------------------------------------------------------------


def stroke_times(bench) -> list[float]:
    """Seconds that each mouse move of a stroke takes, painting included."""
    bench.view.set_tool("brush")
    bench.document.begin_new_instance()
    centre = bench.at(*(v / 2 for v in bench.document.image.shape[1::-1]))
    bench.view.brush_size = 40 / bench.view.scale
    QTest.mousePress(bench.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, centre)
    times = []
    for step in range(1, 25):
        began = time.perf_counter()
        centre.setX(centre.x() + 4 * (-1) ** (step // 6))
        QTest.mouseMove(bench.view, centre)
        bench.paint()
        times.append(time.perf_counter() - began)
    bench.release(*bench.view.image_position(centre.toPointF()))
    return times


def test_a_stroke_costs_no_more_on_a_huge_image_with_hundreds_of_objects(make_bench) -> None:
    small, huge = make_bench(200, 160), make_bench(200, 160)
    side = 12_000
    random = np.random.default_rng(5)
    outer, inner = (ellipse_points(0, 0, r, r) for r in (120, 50))
    rings = []
    for _ in range(300):
        centre = random.uniform(200, side - 200, 2)
        mask = polygon_mask(outer + centre, side, side) - polygon_mask(inner + centre, side, side)
        rings.append(Instance.from_mask(mask, 1))
    huge.open(np.full((1, 1, 3), 100, np.uint8).repeat(side, 0).repeat(side, 1), rings)
    for scale in (None, 1.0):
        for bench in (small, huge):
            if scale:
                bench.view.zoom_to(scale)
            bench.view.grab()
        # Interleaved, so that a busy machine slows both; the quickest moves, so that its other work is left out.
        pairs = [(stroke_times(small), stroke_times(huge)) for _ in range(3)]
        ratio = statistics.median(min(h) / min(s) for s, h in pairs)
        assert ratio < 8, f"a mouse move takes {ratio:.1f} times as long at scale {huge.view.scale:.3f}"
        assert len(huge.instances) >= 301
