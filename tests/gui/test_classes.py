"""The list of classes: consequences are told before, and undone as a whole."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QInputDialog, QMessageBox

from engine.domain import edits
from engine.domain.annotation import Instance
from engine.domain.mask import Mask
from gui.dialogs.classes import ask_merge, ask_remove, ask_rename

pytestmark = pytest.mark.gui


@pytest.fixture
def two_classes(project):
    """Three rings and one disk on two images."""
    disk = project.session.add_category("disk")
    ring = project.session.store.category_named("ring")
    for number, category in enumerate((ring, ring, disk)):
        draw(project, category.id, number)
    project.session.next_image()
    draw(project, ring.id, 0)
    return project


def draw(window, category_id: int, number: int) -> None:
    document = window.session.document
    mask = Mask.from_box((10 + 30 * number, 10, 30 + 30 * number, 30), 120, 160)
    document.edit(edits.add(document.annotation, Instance.from_mask(mask, category_id)), "Draw")


def rows(window) -> dict[str, str]:
    return {row.text: row.detail for row in window.annotate.classes.rows.rows()}


def press(box: QMessageBox, text: str) -> None:
    next(b for b in box.buttons() if b.text() == text).click()


def test_the_list_shows_keys_and_counts_over_all_images(two_classes):
    first, second = two_classes.annotate.classes.rows.rows()
    assert (first.text, first.key, first.detail) == ("ring", "1", "3")
    assert (second.text, second.key, second.detail) == ("disk", "2", "1")


def test_merging_tells_how_many_objects_change_and_undo_brings_them_back(two_classes):
    session = two_classes.session
    ring, disk = session.store.categories()
    box = ask_merge(two_classes, session, ring.id, disk.id)
    assert "3 objects of “ring” become “disk”" in box.text()
    press(box, "Merge")
    assert rows(two_classes) == {"disk": "4"}
    assert {i.category_id for i in session.document.annotation} == {disk.id}
    session.undo()
    assert rows(two_classes) == {"ring": "3", "disk": "1"}
    assert {i.category_id for i in session.document.annotation} == {ring.id}


def test_removing_a_class_tells_what_goes_with_it(two_classes):
    session = two_classes.session
    ring = session.store.category_named("ring")
    box = ask_remove(two_classes, session, ring.id)
    assert "3 objects" in box.text()
    press(box, "Remove")
    assert rows(two_classes) == {"disk": "1"}
    assert len(session.document.annotation) == 0


def test_a_question_that_is_cancelled_changes_nothing(two_classes):
    session = two_classes.session
    box = ask_remove(two_classes, session, session.store.category_named("ring").id)
    box.reject()
    assert rows(two_classes) == {"ring": "3", "disk": "1"}


def test_renaming_to_a_name_that_is_taken_is_refused_with_a_sentence(two_classes):
    session = two_classes.session
    dialog = ask_rename(two_classes, session, session.store.category_named("ring").id)
    assert isinstance(dialog, QInputDialog)
    dialog.setTextValue("disk")
    dialog.accept()
    assert "already" in two_classes.banner.text
    assert rows(two_classes) == {"ring": "3", "disk": "1"}


def test_a_new_name_and_colour_are_seen_at_once(two_classes):
    session = two_classes.session
    ring = session.store.category_named("ring")
    dialog = ask_rename(two_classes, session, ring.id)
    dialog.setTextValue("washer")
    dialog.accept()
    session.recolor_category(ring.id, "#123456")
    assert two_classes.annotate.objects.rows.rows()[0].text == "washer 1"
    assert two_classes.annotate.objects.rows.rows()[0].color == "#123456"
