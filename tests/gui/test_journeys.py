"""What a person does with the window, from the mouse to the store and back."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QLineEdit

from engine.domain.annotation import ImageStatus, Origin, Split
from engine.project.store import ProjectStore

pytestmark = pytest.mark.gui


def at(window, x: float, y: float) -> QPoint:
    """Widget position of an image position."""
    return window.annotate.canvas.widget_position(x, y).toPoint()


def drag(window, points: list[tuple[float, float]]) -> None:
    """Press, move along image positions, release."""
    canvas = window.annotate.canvas
    places = [at(window, x, y) for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
        QTest.qWait(1)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[-1])


def circle(cx: float, cy: float, radius: float) -> list[tuple[float, float]]:
    return [(cx + radius * np.cos(t), cy + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 25)]


def draw_ring(window) -> None:
    """A lasso disk with a hole cut out of it, by keys and mouse."""
    canvas = window.annotate.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_L)
    drag(window, circle(80, 60, 40))
    QTest.keyClick(canvas, Qt.Key.Key_H)
    drag(window, circle(80, 60, 15))


def test_a_new_project_from_a_folder_shows_its_first_image(window, image_folder, qtbot):
    dialog = window.commands.new_project(image_folder)
    assert dialog.name.text() == "pictures"
    assert dialog.folder.path == image_folder.parent / "pictures-maskwright"
    dialog.primary.click()
    qtbot.waitUntil(lambda: window.session.document.is_open)
    assert window.room == "annotate"
    assert window.session.store.name == "pictures"
    assert [r.name for r in window.session.store.images()] == ["a.png", "b.png", "c.png"]
    assert window.banner.text == "3 images added."


def test_a_boxes_only_project_offers_only_the_tools_for_boxes(window, image_folder, qtbot):
    dialog = window.commands.new_project(image_folder)
    dialog.boxes.setChecked(True)
    dialog.primary.click()
    qtbot.waitUntil(lambda: window.session.document.is_open)
    shown = {n for n in ("select", "brush", "rectangle", "cut_hole") if window.actions_table[f"tool_{n}"].isEnabled()}
    assert shown == {"select", "rectangle"}
    window.session.add_category("thing")
    window.activateWindow()  # the offscreen platform gives the focus to nobody when a dialog closes
    qtbot.waitUntil(window.isActiveWindow)
    window.annotate.canvas.setFocus()
    QTest.keyClick(window.annotate.canvas, Qt.Key.Key_U)
    assert window.annotate.canvas.tool == "box"
    drag(window, [(20, 20), (50, 40), (90, 70)])
    (instance,) = window.session.store.annotation(window.session.image_id).instances
    assert instance.mask is None
    assert instance.box_xyxy == pytest.approx((20, 20, 90, 70), abs=1.5)


def test_a_ring_drawn_with_the_mouse_is_stored_with_its_hole(project):
    draw_ring(project)
    (ring,) = project.session.store.annotation(project.session.image_id).instances
    assert ring.origin is Origin.HUMAN
    assert len(ring.mask.holes) == 1
    assert not ring.mask.contains_point(80, 60)
    (row,) = project.annotate.objects.rows.rows()
    assert (row.text, row.detail, row.chip) == ("ring 1", "1 hole", "human")


def test_undo_and_redo_walk_through_the_strokes(project):
    draw_ring(project)
    whole = project.session.document.annotation
    project.actions_table["undo"].trigger()
    assert len(project.session.document.annotation.instances[0].mask.holes) == 0
    project.actions_table["undo"].trigger()
    assert len(project.session.document.annotation) == 0
    project.actions_table["redo"].trigger()
    project.actions_table["redo"].trigger()
    assert project.session.document.annotation == whole
    assert project.session.store.annotation(project.session.image_id) == whole


def test_reopening_keeps_the_work_and_undo_still_works(project, make_window):
    draw_ring(project)
    folder, image_id = project.session.store.folder, project.session.image_id
    before = project.session.document.annotation
    project.close()
    again = make_window()
    assert again.open_project(folder)
    assert again.session.image_id == image_id
    assert again.session.document.annotation == before
    again.session.undo()
    assert len(again.session.document.annotation.instances[0].mask.holes) == 0


def test_a_reopened_project_starts_at_the_image_it_was_left_at(project, make_window):
    folder = project.session.store.folder
    project.session.next_image()
    left_at = project.session.image_id
    project.close()
    again = make_window()
    again.open_project(folder)
    assert again.session.image_id == left_at


def test_a_second_window_on_the_same_project_gets_a_sentence(project, make_window):
    second = make_window()
    assert not second.open_project(project.session.store.folder)
    assert "open elsewhere" in second.banner.text
    assert second.room == "welcome"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_write_permission_opens_read_only(project, make_window):
    folder = project.session.store.folder
    project.close()
    folder.chmod(0o555)
    try:
        again = make_window()
        assert again.open_project(folder)
        assert "read-only" in again.banner.text
    finally:
        folder.chmod(0o755)


def test_a_read_only_project_can_be_looked_at_and_not_changed(project, make_window, monkeypatch):
    draw_ring(project)
    folder, before = project.session.store.folder, project.session.document.annotation
    project.close()
    monkeypatch.setattr("engine.project.store.can_write", lambda *_: False)
    again = make_window()
    assert again.open_project(folder)
    assert "read-only" in again.banner.text
    assert not again.actions_table["undo"].isEnabled()
    assert not again.top.train.isEnabled()
    draw_ring(again)
    assert again.session.store.annotation(again.session.image_id) == before


def test_a_missing_image_gives_a_sentence_and_the_next_one_still_opens(project, image_folder):
    (image_folder / "b.png").unlink()
    project.session.images.clear()
    project.actions_table["next_image"].trigger()
    assert "b.png" in project.banner.text
    assert not project.session.document.is_open
    assert not project.actions_table["delete_selected"].isEnabled()
    project.actions_table["next_image"].trigger()
    assert project.session.document.is_open
    assert project.session.record().name == "c.png"


def test_an_image_that_is_no_image_gives_a_sentence(project, image_folder):
    (image_folder / "b.png").write_bytes(b"not an image at all")
    project.session.images.clear()
    project.session.next_image()
    assert project.banner.isVisible()
    assert "b.png" in project.banner.text


def test_an_image_of_another_size_than_before_is_not_drawn_on(project, image_folder):
    shutil.copy(image_folder / "a.png", image_folder / "keep.png")
    import cv2

    cv2.imwrite(str(image_folder / "b.png"), np.zeros((50, 60, 3), np.uint8))
    project.session.images.clear()
    project.session.next_image()
    assert "60×50" in project.banner.text
    assert not project.session.document.is_open


def test_nothing_here_is_refused_while_there_are_objects_and_kept_when_there_are_none(project):
    draw_ring(project)
    project.actions_table["toggle_negative"].trigger()
    assert "1 object" in project.banner.text
    assert not project.actions_table["toggle_negative"].isChecked()
    project.session.next_image()
    project.actions_table["toggle_negative"].trigger()
    assert project.session.record().negative
    project.session.undo()
    assert not project.session.record().negative
    assert not project.actions_table["toggle_negative"].isChecked()


def test_status_and_split_of_an_image_are_set_from_the_menu_and_undone(project):
    project.actions_table["mark_done"].trigger()
    project.actions_table["split_val"].trigger()
    record = project.session.record()
    assert (record.status, record.split) == (ImageStatus.DONE, Split.VAL)
    project.session.undo()
    assert project.session.record().split is Split.NONE
    assert project.actions_table["split_none"].isChecked()


def test_the_split_dialog_makes_the_counts_it_announces(project):
    dialog = project.commands.make_split()
    dialog.val.unit.setCurrentIndex(1)
    dialog.val.value.setValue(1)
    assert dialog.then.text() == "2 training · 1 validation"
    dialog.primary.click()
    splits = [r.split for r in project.session.store.images()]
    assert splits.count(Split.TRAIN) == 2
    assert splits.count(Split.VAL) == 1


def test_number_keys_choose_the_class_and_relabel_the_selected_object(project):
    other = project.session.add_category("disk")
    canvas = project.annotate.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_1)
    draw_ring(project)
    QTest.keyClick(canvas, Qt.Key.Key_2)
    assert project.session.document.annotation.instances[0].category_id == other.id
    assert project.session.document.active_category_id == other.id


def test_letters_typed_into_a_field_do_not_switch_tools(project, qtbot):
    project.annotate.new_class()
    dialog = project.annotate.findChild(QInputDialog)
    line = dialog.findChild(QLineEdit)
    line.setFocus()
    QTest.keyClicks(line, "bevel 1")
    assert line.text() == "bevel 1"
    assert project.annotate.canvas.tool == "select"
    dialog.accept()
    assert project.session.store.category_named("bevel 1") is not None


def test_dropping_a_folder_of_images_starts_a_new_project(window, image_folder):
    window.take(image_folder)
    from gui.dialogs.new_project import NewProjectDialog

    dialog = window.findChild(NewProjectDialog)
    assert dialog is not None
    assert dialog.images.path == image_folder


def test_dropping_a_project_folder_opens_it(project, make_window):
    folder = project.session.store.folder
    project.close()
    again = make_window()
    again.take(folder)
    assert again.session.store.folder == folder


def test_closing_the_project_leads_back_to_the_welcome_page_that_lists_it(project):
    folder = project.session.store.folder
    project.actions_table["close_project"].trigger()
    assert project.room == "welcome"
    assert not project.top.train.isVisible()
    names = [
        b.toolTip() for b in project.welcome.findChildren(type(project.top.train)) if b.property("role") == "recent"
    ]
    assert str(folder) in names


def test_what_is_committed_is_checkpointed_in_the_background(project, qtbot, monkeypatch):
    called = []
    monkeypatch.setattr(ProjectStore, "checkpoint", lambda self: called.append(1))
    draw_ring(project)
    qtbot.waitUntil(lambda: bool(called), timeout=6000)


def test_the_filmstrip_goes_where_it_is_clicked_and_shows_thumbnails(project, qtbot):
    strip = project.filmstrip
    index = project.images.index(2)
    strip.scrollTo(index)
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=strip.visualRect(index).center())
    assert project.session.record().name == "c.png"
    from gui.models.image_list import ImageRole

    qtbot.waitUntil(lambda: all(project.images.index(n).data(ImageRole.THUMBNAIL) is not None for n in range(3)))


def test_selecting_in_the_list_selects_on_the_canvas_and_back(project):
    draw_ring(project)
    objects = project.annotate.objects
    project.session.document.select(())
    assert not objects.selectionModel().hasSelection()
    QTest.mouseClick(
        objects.viewport(), Qt.MouseButton.LeftButton, pos=objects.visualRect(objects.rows.index(0)).center()
    )
    assert project.session.document.current is not None
    QTest.keyClick(project.annotate.canvas, Qt.Key.Key_Delete)
    assert len(project.session.document.annotation) == 0


def test_the_docks_come_back_where_they_were_moved_to(project, make_window):
    room = project.annotate
    room.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, room.docks[1])
    folder = project.session.store.folder
    project.close()
    again = make_window()
    again.open_project(folder)
    assert again.annotate.dockWidgetArea(again.annotate.docks[1]) == Qt.DockWidgetArea.LeftDockWidgetArea
    again.actions_table["reset_layout"].trigger()
    assert again.annotate.dockWidgetArea(again.annotate.docks[1]) == Qt.DockWidgetArea.RightDockWidgetArea


def test_the_cursor_read_out_names_the_object_under_it(project, qtbot):
    draw_ring(project)
    project.annotate.cursor_moved.emit((80, 95))
    qtbot.waitUntil(lambda: "x 80  y 95 · ring 1" in project.status._cursor.text())
    project.annotate.cursor_moved.emit(None)
    qtbot.waitUntil(lambda: project.status._cursor.text() == "")


def test_an_empty_project_tells_what_to_do_first(window, tmp_path, image_folder, qtbot):
    window.session.new_project(tmp_path / "empty")
    pages = window.annotate._pages
    assert pages.currentIndex() == 1
    assert not window.annotate.canvas.isVisible()
    window.take(image_folder)
    qtbot.waitUntil(lambda: window.session.document.is_open)
    assert pages.currentIndex() == 0
