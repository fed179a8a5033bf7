"""The switch "Truth" of the Review room, by its key: what is found, wrong or missed, and where the pixels differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from review_cases import box, make_project, predicted

from engine.domain.annotation import Instance, Split
from gui.canvas.items import Line
from gui.models.truth import Standing
from gui.theme import tokens

pytestmark = pytest.mark.gui
RING = box(10, 10, 40, 40) - box(20, 20, 20, 20)
FILLED = box(12, 10, 40, 40)  # two columns to the right, and without the hole
LABELS = {"ring": RING, "low": box(100, 10, 30, 30), "alone": box(10, 80, 30, 30), "other": box(100, 70, 30, 30)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Image 1: a ring found without its hole, a low score, one missed, one of another class, one on background."""
    found = (
        predicted(1, 1, 0.9, FILLED),
        predicted(1, 2, 0.8, LABELS["other"]),
        predicted(1, 1, 0.7, box(60, 60, 30, 30)),
        predicted(1, 1, 0.3, LABELS["low"]),
    )
    labels = tuple(Instance.from_mask(mask, 1) for mask in LABELS.values())
    images = {1: (Split.VAL, labels, found), 2: (Split.VAL, (), (predicted(2, 2, 0.95, box(5, 5, 30, 30)),))}
    return make_project(tmp_path / "project", images)


@pytest.fixture
def room(window, folder, qtbot):
    """The Review room of the window, at image 1."""
    window.open_project(folder)
    window.go("review")
    qtbot.waitUntil(lambda: window.review.queue.total > 0)
    window.session.open_image(1)
    return window.review


def press(room, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    room.window().activateWindow()
    room.canvas.setFocus()
    QTest.keyClick(room.canvas, key, modifier)


@pytest.fixture
def truth(room, qtbot):
    """The room's comparison, switched on by its key."""
    with qtbot.waitSignal(room.truth.shown):
        press(room, Qt.Key.Key_T)
    return room.truth


def by_standing(truth) -> dict[str, list[str]]:
    return {s: [f"{j.title}: {j.why}" for j in truth.judged if j.standing is s] for s in Standing}


def pixel(room, x: float, y: float) -> tuple[int, int, int]:
    """Colour on screen at an image position."""
    place = room.canvas.widget_position(x, y).toPoint()
    return room.canvas.grab().toImage().pixelColor(place).getRgb()[:3]


def test_the_key_shows_what_was_found_what_is_wrong_and_what_was_missed_with_the_reason(room, truth):
    assert by_standing(truth) == {
        "found": ["washer 0.90: IoU 0.67"],
        "wrong": ["nut 0.80: wrong class, labelled washer", "washer 0.70: background"],
        "missed": ["washer: low score 0.30", "washer: nothing there", "washer: wrong class, taken for nut"],
    }
    assert [r.figure for r in room.column.truth.legend.rows] == ["1", "2", "3"]
    assert room.column.truth.isVisible()
    assert not room.column.choices.isVisible()


def test_the_button_the_menu_and_the_key_are_one_switch(room, truth):
    action = room.window().actions_table["review_truth"]
    assert action.isChecked()
    assert room.bar.truth.isChecked()
    QTest.mouseClick(room.bar.truth, Qt.MouseButton.LeftButton)
    assert not truth.on
    assert not action.isChecked()
    assert room.column.choices.isVisible()
    action.trigger()
    assert truth.on
    assert room.bar.truth.isChecked()


def test_the_threshold_moves_a_prediction_between_found_and_low_score(room, truth, qtbot):
    room.bar.score.setValue(25)
    assert "washer 0.30: IoU 1.00" in by_standing(truth)["found"]
    room.bar.score.setValue(95)
    found = by_standing(truth)
    assert (found["found"], found["wrong"]) == ([], [])
    assert "washer: low score 0.90" in found["missed"]
    assert "washer: nothing there" in found["missed"]


def test_each_standing_has_a_colour_and_a_pattern_of_its_own(room, truth):
    items = room.canvas._renderer.instead
    drawn = {(i.color.name(), i.line) for i in items if i.line is not Line.NONE}
    theme = tokens(room.palette())
    assert {(theme.found, Line.SOLID), (theme.wrong, Line.DASHED), (theme.missed, Line.DOTTED)} <= drawn


def test_the_pixels_of_the_pair_in_focus_are_told_apart(room, truth, qtbot):
    """Ring x 10-50 with a hole 20-40; predicted x 12-52 without a hole."""
    place = room.canvas.widget_position(14, 30).toPoint()
    with qtbot.waitSignal(truth.shown):
        QTest.mouseClick(room.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert truth.focused.title == "washer 0.90"
    difference = truth.difference
    assert (difference.missed.area, difference.extra.area, difference.holes.area) == (80, 80, 400)
    assert [r.figure for r in room.column.truth.pixels.rows] == ["80 px", "80 px", "400 px"]
    ground = np.array(pixel(room, 70, 110))
    for x, y, role in ((30, 30, "hole"), (51, 30, "wrong"), (11, 30, "missed")):
        color = np.array(tokens(room.palette()).color(role).getRgb()[:3])
        seen = np.array(pixel(room, x + 0.5, y + 0.5)) - ground
        wanted = color - ground
        cosine = seen @ wanted / (np.linalg.norm(seen) * np.linalg.norm(wanted))
        assert cosine > 0.98, f"{role} pixels have the hue of the legend"


def test_a_row_of_the_list_shows_the_object_that_was_missed(room, truth, qtbot):
    rows = room.column.truth.list
    row = next(r for r in rows.disagreements.rows() if r.detail == "low score 0.30")
    index = rows.disagreements.index(rows.disagreements.row_of(row.id))
    with qtbot.waitSignal(truth.shown):
        QTest.mouseClick(
            rows.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, rows.visualRect(index).center()
        )
    assert truth.focused.key == row.id
    assert truth.difference.iou == 1.0
    assert room.column.truth.about.text().startswith("washer, missed: low score 0.30")


def test_a_wrong_prediction_that_is_picked_is_the_one_a_verdict_is_about(room, truth, qtbot):
    rows = room.column.truth.list
    row = next(r for r in rows.disagreements.rows() if r.detail == "background")
    with qtbot.waitSignal(truth.shown):
        rows.setCurrentIndex(rows.disagreements.index(rows.disagreements.row_of(row.id)))
    assert truth.focused.why == "background"
    with qtbot.waitSignal(truth.shown):
        press(room, Qt.Key.Key_Y)
    assert len(room.session.store.annotation(1)) == len(LABELS) + 1
    assert [j.title for j in truth.judged if j.standing is Standing.WRONG] == ["nut 0.80"]


def test_an_answer_about_an_image_that_was_left_is_dropped(room, truth, qtbot):
    seen = []
    truth.shown.connect(lambda: seen.append({p.prediction.image_id for p in truth.judged if p.prediction}))
    room.session.open_image(2)
    room.session.open_image(1)
    room.session.open_image(2)
    assert truth.judged == (), "nothing of the image before lies over this one"
    qtbot.waitUntil(lambda: seen != [])
    qtbot.waitUntil(lambda: not truth._compare.busy)
    assert set().union(*seen) == {2}


def test_an_annotation_that_changes_is_compared_again(room, truth, qtbot):
    alone = room.session.store.annotation(1).instances[2]
    assert "washer: nothing there" in by_standing(truth)["missed"]
    room.session.delete_instances([alone.id])
    qtbot.waitUntil(lambda: "washer: nothing there" not in by_standing(truth)["missed"])


def test_without_the_switch_the_canvas_shows_the_document(room, truth):
    press(room, Qt.Key.Key_T)
    assert room.canvas._renderer.instead is None
    assert room.session.document.predictions


def test_the_colours_follow_the_theme(room, truth, qtbot):
    window = room.window()
    before = {i.color.name() for i in room.canvas._renderer.instead}
    name = "theme_light" if tokens(room.palette()).name == "dark" else "theme_dark"
    window.actions_table[name].trigger()
    after = {i.color.name() for i in room.canvas._renderer.instead}
    assert before.isdisjoint(after)
    assert tokens(room.palette()).found in after


def test_what_is_drawn_in_another_room_is_compared_on_the_way_back(room, truth, qtbot):
    window = room.window()
    window.go("annotate")
    alone = room.session.store.annotation(1).instances[2]
    room.session.delete_instances([alone.id])
    assert not truth._compare.busy
    window.go("review")
    qtbot.waitUntil(lambda: "washer: nothing there" not in by_standing(truth)["missed"])
    assert truth.on
