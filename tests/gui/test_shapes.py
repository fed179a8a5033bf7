"""Edits of the selected objects by key and menu, in the real window with a real store."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QInputDialog

from engine.domain import edits
from engine.domain.annotation import Instance
from engine.domain.combine import Overlap
from engine.domain.mask import Mask
from gui.actions import SUBMENUS, TABLE

pytestmark = pytest.mark.gui
H, W = 120, 160
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def boxed(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    array = np.zeros((H, W), bool)
    array[y0:y1, x0:x1] = True
    return array


def put(window, *arrays: np.ndarray, category: int | None = None) -> None:
    """Objects "0", "1", … of these pixels, all selected."""
    document = window.session.document
    category = category or document.active_category_id
    made = [Instance.from_mask(Mask.from_array(a), category, id=str(n)) for n, a in enumerate(arrays)]
    document.edit(edits.add(document.annotation, *made), "Put")
    document.select([i.id for i in made])


def stored(window, image_id: int | None = None) -> list[np.ndarray]:
    """Masks in the store, in painting order."""
    annotation = window.session.store.annotation(image_id or window.session.image_id)
    return [i.mask.to_array() for i in annotation]


def press(window, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    canvas = window.annotate.canvas
    window.activateWindow()
    canvas.setFocus()
    QTest.keyClick(canvas, key, held)
    QApplication.processEvents()


RING = boxed(20, 20, 80, 80) & ~boxed(40, 40, 60, 60)
SPOT = boxed(100, 100, 103, 103)
KEYS = {
    "grow": (Qt.Key.Key_BracketRight, CONTROL, lambda a: cv2.dilate(a.astype(np.uint8), CROSS) > 0),
    "shrink": (Qt.Key.Key_BracketLeft, CONTROL, lambda a: cv2.erode(a.astype(np.uint8), CROSS) > 0),
    "smooth": (Qt.Key.Key_S, SHIFT, lambda a: (cv2.medianBlur(a.astype(np.uint8), 5) > 0) | SPOT),  # which would vanish
    "holes": (Qt.Key.Key_H, CONTROL | SHIFT, lambda a: a | boxed(40, 40, 60, 60)),
    "largest": (Qt.Key.Key_K, SHIFT, lambda a: a & ~SPOT),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_reshapes_every_selected_object_in_one_step(project, name):
    key, held, change = KEYS[name]
    spotted = RING | SPOT
    put(project, spotted, np.roll(spotted, (15, 30), axis=(0, 1)))
    before = stored(project)
    press(project, key, held)
    after = stored(project)
    expected = [change(before[0]), np.roll(change(before[0]), (15, 30), axis=(0, 1))]
    assert all(np.array_equal(a, e) for a, e in zip(after, expected, strict=True))
    project.session.undo()
    assert all(np.array_equal(a, b) for a, b in zip(stored(project), before, strict=True))


def test_growing_is_repeated_with_every_press(project):
    put(project, RING)
    for _ in range(3):
        press(project, Qt.Key.Key_BracketRight, CONTROL)
    assert np.array_equal(stored(project)[0], cv2.dilate(RING.astype(np.uint8), CROSS, iterations=3) > 0)


def test_what_would_be_gone_stays_and_a_sentence_tells(project):
    put(project, boxed(50, 50, 52, 52))
    press(project, Qt.Key.Key_BracketLeft, CONTROL)
    assert np.array_equal(stored(project)[0], boxed(50, 50, 52, 52))
    assert "Nothing would be left" in project.banner.text


def test_specks_go_below_the_area_that_was_asked_for(project):
    specks = boxed(100, 20, 104, 24) | boxed(120, 20, 123, 23)
    put(project, RING | specks)
    press(project, Qt.Key.Key_R, SHIFT)
    dialog = project.findChild(QInputDialog)
    dialog.setIntValue(10)
    dialog.accept()
    assert np.array_equal(stored(project)[0], RING | boxed(100, 20, 104, 24))
    assert project.session.speck_area == 10


def test_merging_keeps_holes_and_undo_brings_all_objects_back(project):
    put(project, RING, boxed(70, 30, 120, 50), boxed(0, 0, 10, 10))
    project.session.document.select(["0", "1"])
    press(project, Qt.Key.Key_M)
    merged, other = stored(project)
    assert np.array_equal(merged, RING | boxed(70, 30, 120, 50))
    assert not merged[50, 50]
    assert np.array_equal(other, boxed(0, 0, 10, 10))
    project.session.undo()
    assert len(stored(project)) == 3


def test_objects_of_two_classes_are_not_merged(project):
    first = project.session.document.active_category_id
    other = project.session.add_category("disk")
    put(project, RING, RING)
    document = project.session.document
    document.edit(edits.set_category(document.annotation, ["0"], first), "Label")
    document.edit(edits.set_category(document.annotation, ["1"], other.id), "Label")
    press(project, Qt.Key.Key_M)
    assert len(stored(project)) == 2
    assert "one class" in project.banner.text


def test_selected_objects_keep_what_they_share_or_take_it_from_the_others(project):
    put(project, RING, boxed(50, 50, 100, 100), boxed(0, 0, 30, 30))
    project.session.document.select(["1"])
    press(project, Qt.Key.Key_T, SHIFT)
    assert np.array_equal(stored(project)[0], RING & ~boxed(50, 50, 100, 100))
    assert np.array_equal(stored(project)[2], boxed(0, 0, 30, 30))
    project.session.undo()
    project.session.document.select(["0", "1"])
    press(project, Qt.Key.Key_M, SHIFT)
    assert np.array_equal(stored(project)[0], RING & boxed(50, 50, 100, 100))


def test_a_duplicate_lies_beside_its_original_and_is_selected(project):
    put(project, RING)
    press(project, Qt.Key.Key_D, CONTROL)
    first, copy = stored(project)
    assert np.array_equal(first, RING)
    assert np.array_equal(copy, np.roll(RING, (8, 8), axis=(0, 1)))
    assert project.session.document.selection == {project.session.document.annotation.instances[1].id}


def test_what_fills_the_image_can_be_duplicated_in_place(project):
    put(project, np.ones((H, W), bool))
    press(project, Qt.Key.Key_D, CONTROL)
    assert [m.all() for m in stored(project)] == [True, True]


def test_copied_objects_are_pasted_into_another_image_at_the_same_place(project):
    put(project, RING, boxed(0, 0, 9, 9))
    press(project, Qt.Key.Key_C, CONTROL)
    project.session.next_image()
    press(project, Qt.Key.Key_V, CONTROL)
    assert [np.array_equal(a, b) for a, b in zip(stored(project), (RING, boxed(0, 0, 9, 9)), strict=True)] == [True] * 2
    assert len(project.session.document.selection) == 2
    project.session.undo()
    assert stored(project) == []


def test_copying_to_the_next_image_goes_there_and_ends_at_the_last(project):
    put(project, RING)
    first = project.session.image_id
    press(project, Qt.Key.Key_D, CONTROL | SHIFT)
    assert project.session.image_id == first + 1
    assert np.array_equal(stored(project)[0], RING)
    assert len(stored(project, first)) == 1
    press(project, Qt.Key.Key_D, CONTROL | SHIFT)
    press(project, Qt.Key.Key_D, CONTROL | SHIFT)
    assert "last image" in project.banner.text
    project.session.undo()
    assert stored(project) == []


def test_another_project_does_not_get_what_was_copied(project, tmp_path):
    put(project, RING)
    press(project, Qt.Key.Key_C, CONTROL)
    project.session.close_project()
    assert project.session._clipboard == ()


def test_without_a_selection_a_sentence_says_what_to_do(project):
    for key, held in ((Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_S, SHIFT), (Qt.Key.Key_C, CONTROL)):
        press(project, key, held)
        assert "No object is selected" in project.banner.text
    press(project, Qt.Key.Key_V, CONTROL)
    assert "nothing to paste" in project.banner.text


def test_every_edit_of_the_selection_is_in_one_menu_of_the_annotate_room(project):
    menu = next(m for m in project._menus["Tools"].actions() if m.text() == SUBMENUS["shape"]).menu()
    assert {a.text() for a in menu.actions() if a.isEnabled()} == {s.text for s in TABLE if s.group == "shape"}


def test_the_line_above_the_canvas_sets_tolerance_and_overlap_where_a_tool_has_them(project):
    room, options = project.annotate, project.annotate.options
    box = options.findChild(QComboBox)
    press(project, Qt.Key.Key_W)
    assert (options._tolerance.isVisible(), box.isVisible()) == (True, True)
    options._tolerance.setValue(77)
    assert room.canvas.settings.tolerance == 77
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert room.canvas.settings.overlap is Overlap.TAKE
    room.canvas.settings.overlap = Overlap.LEAVE
    assert box.currentData() == Overlap.LEAVE
    press(project, Qt.Key.Key_V)
    assert (options._tolerance.isVisible(), box.isVisible()) == (False, False)


def test_each_new_tool_is_reached_by_its_key(project):
    keys = {"ellipse": Qt.Key.Key_C, "wand": Qt.Key.Key_W, "threshold": Qt.Key.Key_T, "split": Qt.Key.Key_K}
    for name, key in keys.items():
        press(project, key)
        assert project.annotate.canvas.tool == name
