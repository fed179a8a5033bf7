"""What the canvas shows, and how it is moved about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.geometry import ellipse_points, polygon_mask
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from gui import theme
from gui.canvas.view import CanvasView
from gui.models.document import Document

pytestmark = pytest.mark.gui
GREY = (100, 100, 100)
ORANGE, BLUE = QColor("#e69f00"), QColor("#56b4e9")


def ring(cx: float, cy: float, outer: float, inner: float, *, width: int = 200, height: int = 160) -> Mask:
    disc, hole = (polygon_mask(ellipse_points(cx, cy, r, r), height, width) for r in (outer, inner))
    return disc - hole


def blend(color: QColor, opacity: float) -> tuple[int, int, int]:
    return tuple(round(g + (c - g) * opacity) for g, c in zip(GREY, color.getRgb()[:3], strict=True))  # type: ignore


def close(a: tuple[int, ...], b: tuple[int, ...], by: int = 4) -> bool:
    return max(abs(p - q) for p, q in zip(a, b, strict=True)) <= by


# --- pixels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [None, 1.0, 5.0])
def test_an_object_has_its_class_colour_and_its_hole_shows_the_image(bench, scale: float | None) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1))
    if scale:
        bench.view.zoom_to(scale, bench.view.widget_position(100, 80))
    x = 100 + (42 if scale != 5.0 else 36)
    assert close(bench.color(x, 80), blend(ORANGE, bench.view.opacity))
    assert bench.color(100, 80) == GREY


def test_a_large_image_seen_whole_is_drawn_like_a_small_one(make_bench) -> None:
    bench = make_bench(3000, 2400)
    bench.put(Instance.from_mask(ring(1500, 1200, 900, 400, width=3000, height=2400), 1))
    assert bench.view.scale < 0.2
    assert close(bench.color(1500 + 650, 1200), blend(ORANGE, bench.view.opacity))
    assert bench.color(1500, 1200) == GREY


def test_zoomed_in_every_image_pixel_is_a_square_of_one_colour(bench) -> None:
    image = np.random.default_rng(3).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    bench.open(image)
    bench.view.zoom_to(20, bench.view.widget_position(50, 50))
    for x, y in ((50, 50), (51, 50), (47, 53)):
        for inset in (0.05, 0.5, 0.95):
            assert bench.color(x + inset, y + inset) == tuple(image[y, x])


@pytest.mark.parametrize("scale", [1.0, 1.37, 3.3])
def test_a_screen_pixel_shows_the_image_pixel_under_its_centre(bench, scale: float) -> None:
    image = np.random.default_rng(3).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    bench.open(image)
    bench.view.zoom_to(scale, bench.view.widget_position(61.3, 47.7))
    shot = bench.view.grab().toImage()
    for px, py in ((x, y) for x in range(180, 260, 3) for y in range(150, 200, 7)):
        x, y = bench.view.view.to_image(px + 0.5, py + 0.5)
        assert shot.pixelColor(px, py).getRgb()[:3] == tuple(image[int(y), int(x)])


def test_a_mask_pixel_lies_exactly_on_its_image_pixel(bench) -> None:
    bench.put(Instance.from_mask(Mask.from_box((50, 50, 53, 51), 160, 200), 1))
    bench.view.zoom_to(40, bench.view.widget_position(51, 50))
    inside, outside = blend(ORANGE, bench.view.opacity), GREY
    for x, y in ((50.2, 50.2), (52.8, 50.8), (51.5, 50.5)):
        assert close(bench.color(x, y), inside)
    for x, y in ((49.8, 50.5), (53.2, 50.5), (51.5, 49.8), (51.5, 51.2)):
        assert bench.color(x, y) == outside


def test_opacity_outline_only_and_hiding_act_on_the_fill(bench) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1))
    bench.view.opacity = 1.0
    assert close(bench.color(142, 80), ORANGE.getRgb()[:3])
    bench.view.outline_only = True
    assert bench.color(142, 80) == GREY
    edge = bench.view.grab().toImage()
    bench.view.masks_hidden = True
    assert bench.view.grab().toImage() != edge
    assert bench.color(100 + 59.5, 80) == GREY


def test_what_is_selected_is_brighter_and_the_rest_fainter(bench) -> None:
    left = Instance.from_mask(Mask.from_box((20, 20, 80, 140), 160, 200), 1, id="left")
    right = Instance.from_mask(Mask.from_box((120, 20, 180, 140), 160, 200), 1, id="right")
    bench.put(left, right)
    plain = bench.color(50, 80)
    bench.document.select(["left"])
    assert bench.color(50, 80)[0] > plain[0] > bench.color(150, 80)[0]


def test_the_selected_outline_has_the_accent_colour(bench) -> None:
    bench.put(Instance.from_mask(Mask.from_box((50, 40, 150, 120), 160, 200), 1, id="a"))
    bench.document.select(["a"])
    r, _, b = bench.color(50, 80)
    assert b > r


def test_an_edit_elsewhere_is_seen_at_once(bench) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1, id="a"))
    bench.color(142, 80)
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 2, id="a"))
    assert close(bench.color(142, 80), blend(BLUE, bench.view.opacity))
    bench.put()
    assert bench.color(142, 80) == GREY


def test_another_class_colour_is_seen_at_once(bench) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1, id="a"))
    bench.color(142, 80)
    bench.document.categories = [Category(1, "washer", "#56b4e9")]
    assert close(bench.color(142, 80), blend(BLUE, bench.view.opacity))


def test_panning_shows_the_same_picture_as_drawing_it_anew(bench) -> None:
    image = np.random.default_rng(4).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    bench.open(image, [Instance.from_mask(ring(100, 80, 60, 25), 1)])
    bench.view.zoom_to(6)
    bench.view.grab()
    bench.view.pan(37, -23)
    scrolled = bench.view.grab().toImage()
    bench.view.outline_only = True
    bench.view.outline_only = False
    assert bench.view.grab().toImage() == scrolled


def test_an_object_larger_than_the_screen_is_drawn_wherever_one_looks(make_bench) -> None:
    bench = make_bench(4000, 3000)
    mask = ring(2000, 1500, 1400, 1000, width=4000, height=3000)
    bench.put(Instance.from_mask(mask, 1))
    bench.view.zoom_to(1.0)
    for x, y in ((2000, 1500 - 1200), (2000 + 1200, 1500), (2000, 1500 + 1200), (2000, 1500)):
        here = bench.view.widget_position(x, y)
        for _ in range(20):  # in small steps, as a hand does
            bench.view.pan((250 - here.x()) / 20, (200 - here.y()) / 20)
            bench.view.grab()
        expected = blend(ORANGE, bench.view.opacity) if mask.contains_point(x, y) else GREY
        assert close(bench.color(x, y), expected)


def test_predictions_are_dashed_and_objects_are_not(bench) -> None:
    mask = Mask.from_box((40, 60, 160, 120), 160, 200)
    bench.view.outline_only = True

    def colours_along_the_edge() -> set[int]:
        shot = bench.view.grab().toImage()
        left, right = bench.at(50, 120), bench.at(150, 120)
        return {shot.pixelColor(x, left.y()).rgb() for x in range(left.x(), right.x())}

    bench.put(Instance.from_mask(mask, 1))
    assert len(colours_along_the_edge()) == 1
    bench.put()
    bench.document.set_predictions([Prediction(5, 1, 1, 0.83, (40.0, 60.0, 160.0, 120.0), mask)])
    assert QColor(*GREY).rgb() in colours_along_the_edge()


def test_a_prediction_carries_a_tag_unless_it_is_tiny(bench) -> None:
    def tag_colour(x: int, y: int, size: int) -> str:
        mask = Mask.from_box((x, y, x + size, y + size), 160, 200)
        box = tuple(float(v) for v in mask.box)
        bench.document.set_predictions([Prediction(5, 1, 1, 0.83, box, mask)])
        place = bench.at(x + size / 2, y) - QPoint(25, 11)
        return bench.view.grab().toImage().pixelColor(place).name()

    background = QColor(*GREY).name()
    assert tag_colour(60, 80, 60) != background
    assert tag_colour(60, 80, 4) == background


def test_a_highlighted_group_stands_out_and_its_reason_is_shown(bench) -> None:
    mask = Mask.from_box((60, 60, 90, 110), 160, 200)
    other = Mask.from_box((110, 60, 140, 110), 160, 200)
    boxes = [tuple(float(v) for v in m.box) for m in (mask, other)]
    bench.document.set_predictions(
        [Prediction(5, 1, 1, 0.83, boxes[0], mask), Prediction(6, 1, 1, 0.7, boxes[1], other)]
    )
    plain = bench.color(75, 85)
    bench.document.set_highlight([5], "washer 0.83 · gasket 0.79\none object, two classes · IoU 0.94")
    assert bench.color(75, 85)[0] > plain[0] > bench.color(125, 85)[0]


def test_light_and_dark_differ_around_the_image(bench) -> None:
    bench.view.setPalette(theme.make_palette(theme.DARK))
    dark = bench.view.grab().toImage().pixelColor(4, 4)
    bench.view.setPalette(theme.make_palette(theme.LIGHT))
    light = bench.view.grab().toImage().pixelColor(4, 4)
    assert (dark.name(), light.name()) == (theme.DARK.canvas, theme.LIGHT.canvas)


def test_a_box_without_a_mask_is_drawn_as_a_box(bench) -> None:
    bench.document.boxes_only = True
    bench.put(Instance("a", 1, (50.0, 40.0, 150.0, 120.0)))
    inside, outside = bench.color(100, 80), bench.color(30, 80)
    assert inside[0] > GREY[0]
    assert outside == GREY


# --- moving the view --------------------------------------------------------------------------------------------


def test_the_wheel_zooms_at_the_cursor(bench) -> None:
    place = bench.at(140, 60)
    before = bench.view.image_position(place.toPointF())
    bench.wheel(140, 60, 5)
    assert bench.view.scale > 3
    assert bench.view.image_position(place.toPointF()) == pytest.approx(before, abs=1e-6)


def test_middle_drag_and_space_drag_pan(bench) -> None:
    bench.view.zoom_to(8)
    start = bench.view.widget_position(100, 80)
    for button in (Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton):
        if button == Qt.MouseButton.LeftButton:
            QTest.keyPress(bench.view, Qt.Key.Key_Space)
        here = QPoint(200, 200)
        QTest.mousePress(bench.view, button, Qt.KeyboardModifier.NoModifier, here)
        QTest.mouseMove(bench.view, here + QPoint(30, -20))
        QTest.mouseRelease(bench.view, button, Qt.KeyboardModifier.NoModifier, here + QPoint(30, -20))
        moved = bench.view.widget_position(100, 80) - start
        assert (moved.x(), moved.y()) == pytest.approx((30, -20))
        start = bench.view.widget_position(100, 80)
    QTest.keyRelease(bench.view, Qt.Key.Key_Space)
    assert bench.labels == []


def test_a_fitted_image_stays_fitted_when_the_canvas_grows(bench) -> None:
    bench.view.zoom_fit()
    before = bench.view.scale
    bench.view.resize(900, 800)
    bench.paint()
    assert bench.view.scale > before
    assert bench.view.view.visible == (0, 0, 200, 160)


def test_a_zoomed_image_keeps_its_scale_when_the_canvas_grows(bench) -> None:
    bench.view.zoom_to(5)
    bench.view.resize(900, 800)
    assert bench.view.scale == 5


def test_arrow_and_plus_keys_move_the_view(bench) -> None:
    bench.view.zoom_to(8)
    x = bench.view.view.x
    bench.key(Qt.Key.Key_Right)
    assert bench.view.view.x == x - 64
    bench.key(Qt.Key.Key_Plus)
    assert bench.view.scale > 8


def test_showing_a_box_centres_it(bench) -> None:
    bench.view.show_box((10.0, 20.0, 40.0, 50.0))
    middle = bench.view.widget_position(25, 35)
    assert (middle.x(), middle.y()) == pytest.approx((250, 200), abs=1)


def test_holding_q_hides_masks_until_it_is_let_go(bench) -> None:
    QTest.keyPress(bench.view, Qt.Key.Key_Q)
    assert bench.view.masks_hidden
    QTest.keyRelease(bench.view, Qt.Key.Key_Q)
    assert not bench.view.masks_hidden


def test_the_position_under_the_mouse_is_told_and_none_outside_of_the_image(bench) -> None:
    seen: list[object] = []
    bench.view.cursor_moved.connect(seen.append)
    bench.move(20, 30)
    QTest.mouseMove(bench.view, QPoint(1, 1))
    assert seen == [tuple(int(v) for v in bench.exact(20, 30)), None]


# --- hints and states -------------------------------------------------------------------------------------------


def test_without_an_image_the_canvas_says_so(qtbot) -> None:
    view = CanvasView(Document(lambda *edit: True))
    qtbot.addWidget(view)
    view.show()
    view.grab()
    assert view.hint == "Open an image first"
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    assert view.hint == "Open an image first"


def test_a_document_that_was_open_before_the_canvas_is_shown(qtbot) -> None:
    document = Document(lambda *edit: True)
    document.open(1, np.full((40, 50, 3), 100, np.uint8), Annotation(1, 40, 50))
    view = CanvasView(document)
    qtbot.addWidget(view)
    view.resize(300, 300)
    assert view.grab().toImage().pixelColor(150, 150).getRgb()[:3] == GREY


def test_without_a_class_painting_tells_to_add_one(bench) -> None:
    bench.document.categories = ()
    for tool in ("brush", "polygon", "lasso", "rectangle"):
        bench.view.set_tool(tool)
        assert bench.view.hint == "Add a class first"
        bench.drag([(30, 30), (60, 30), (60, 60)])
    assert bench.labels == []


def test_a_read_only_document_can_be_looked_at_but_not_painted(bench) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1, id="a"))
    bench.document.read_only = True
    for tool in set(bench.view.tool_titles) - {"select"}:
        bench.view.set_tool(tool)
        assert "read-only" in bench.view.hint
        bench.drag([(140, 80), (145, 80), (145, 90)])
    bench.view.set_tool("select")
    bench.drag([(140, 80), (160, 90)])
    assert bench.labels == []
    assert bench.document.selection == {"a"}


def test_hints_follow_the_tool_and_name_the_class(bench) -> None:
    bench.view.set_tool("brush")
    assert bench.view.hint.startswith("drag paint washer")
    bench.document.set_active_category(2)
    assert bench.hints[-1].startswith("drag paint gasket")


def test_the_canvas_has_an_accessible_name_and_describes_what_it_shows(bench) -> None:
    bench.put(Instance.from_mask(ring(100, 80, 60, 25), 1))
    assert bench.view.accessibleName() == "Image canvas"
    assert bench.view.accessibleDescription() == "Image of 200 by 160 pixels with 1 object"
    assert bench.view.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_closing_the_document_leaves_an_empty_canvas(bench, make_bench: Callable[..., object]) -> None:
    bench.document.close()
    bench.view.grab()
    assert bench.view.hint == "Open an image first"
