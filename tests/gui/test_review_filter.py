"""Filtering the queue and accepting many predictions, with the keys and fields of the real window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from review_cases import EPOCH, box, make_project, predicted

from engine.domain.annotation import Instance, Origin, Split
from engine.project.records import Verdict
from gui.dialogs.accept_above import AcceptAboveDialog
from gui.models.review_filter import ItemState

pytestmark = pytest.mark.gui


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """1: washer or gasket on one place. 2, 3: a nut each, and in 3 a washer. 4: a washer that was missed."""
    label = Instance.from_mask(box(10, 10, 30, 30), 1)
    pair = (predicted(1, 1, 0.97, box(10, 10, 30, 30), 1), predicted(1, 3, 0.95, box(10, 11, 30, 30), 1))
    nuts = (predicted(3, 2, 0.91, box(60, 10, 30, 30)), predicted(3, 1, 0.4, box(10, 60, 30, 30)))
    return make_project(
        tmp_path / "project",
        {
            1: (Split.NONE, (), pair),
            2: (Split.TRAIN, (), (predicted(2, 2, 0.96, box(50, 50, 30, 30)),)),
            3: (Split.VAL, (), nuts),
            4: (Split.VAL, (label,), ()),
        },
    )


@pytest.fixture
def review(window, folder, qtbot):
    """The window in the Review room."""
    window.open_project(folder)
    window.go("review")
    qtbot.waitUntil(lambda: window.review.queue.total == 4)
    return window.review


def press(review, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    review.window().activateWindow()
    review.canvas.setFocus()
    QTest.keyClick(review.canvas, key, modifier)


def listed(review) -> list[int]:
    return [i.image_id for i in review.queue.items]


def choose(combo, title: str) -> None:
    """Pick an entry with the keyboard, as a person does who tabs to it."""
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while combo.currentText() != title:
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() != before, f"{title} is not offered"


def test_ctrl_f_leads_to_the_name_and_typing_lists_only_those_images(review):
    panel = review.column.filter
    assert not panel.fields.isVisible()
    press(review, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert panel.fields.isVisible()
    assert review.window().focusWidget() is panel.text
    QTest.keyClicks(panel.text, "IMG_3")
    assert listed(review) == [3]
    assert panel.said.text() == "“IMG_3”: 1 of 4"
    assert panel.line.isVisible()


@pytest.mark.parametrize(
    ("field", "title", "images"),
    [
        ("category", "nut", {2, 3}),
        ("split", "validation", {3, 4}),
        ("split", "no split", {1}),
        ("kind", "groups", {1}),
        ("kind", "disagreements", {4}),
        ("state", "settled", set()),
    ],
)
def test_each_field_lists_what_it_says(review, field, title, images):
    review.column.filter_button.click()
    choose(getattr(review.column.filter, field), title)
    assert set(listed(review)) == images
    assert review.column.filter.said.text().startswith(f"{title}: ")


def test_an_empty_list_says_that_it_is_the_filter(review):
    review.column.filter_button.click()
    QTest.keyClicks(review.column.filter.text, "nowhere")
    assert review.column.view.empty_label.isVisible()
    assert "filter" in review.column.view.empty_label.text()


def test_the_filter_survives_other_rooms_and_goes_with_a_click(review, qtbot):
    window, panel = review.window(), review.column.filter
    review.column.filter_button.click()
    choose(panel.split, "validation")
    review.column.filter_button.click()
    assert not panel.fields.isVisible()
    window.go("annotate")
    with qtbot.waitSignal(review.loaded):
        window.go("review")
    assert set(listed(review)) == {3, 4}
    assert panel.line.isVisible(), "what is asked for stays in sight with the fields folded away"
    QTest.mouseClick(panel.clear, Qt.MouseButton.LeftButton)
    assert len(listed(review)) == 4
    assert panel.split.currentText() == "any split"
    assert not panel.line.isVisible()


def test_after_a_verdict_the_way_goes_on_within_the_filter(review):
    review.column.filter_button.click()
    choose(review.column.filter.category, "nut")
    review.go_to("i2")
    press(review, Qt.Key.Key_Y, Qt.KeyboardModifier.NoModifier)
    assert review.item.image_id == 3
    choose(review.column.filter.state, ItemState.OPEN.value)
    assert listed(review) == [3], "what was settled is not listed any more"


def test_the_count_is_shown_before_many_are_accepted_and_follows_class_and_score(review):
    dialog = review.accept_above()
    assert dialog.count.text() == "Accepts 2 objects in 2 images: nut 2."
    assert dialog.left_out.text() == "Left for you to look at: 2 in a group of several candidates for one object."
    assert dialog.primary.text() == "Accept 2 objects"
    dialog.score.setValue(0.95)
    assert dialog.primary.text() == "Accept 1 object"
    dialog.score.setValue(0.4)
    assert dialog.count.text() == "Accepts 3 objects in 2 images: washer 1, nut 2."
    choose(dialog.category, "gasket")
    assert dialog.count.text() == "Accepts 0 objects."
    assert not dialog.primary.isEnabled()
    dialog.cancel.click()
    assert review.session.store.decisions() == ()


def test_many_are_accepted_by_key_as_one_step_that_one_undo_takes_back(review, qtbot):
    store = review.session.store
    press(review, Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    dialog = review.findChild(AcceptAboveDialog)
    with qtbot.waitSignal(review.session.job_ended):
        dialog.primary.click()
    assert [len(store.annotation(n)) for n in (1, 2, 3, 4)] == [0, 1, 1, 1]
    made = store.annotation(3).instances[0]
    assert (made.category_id, made.origin, made.provenance.epoch) == (2, Origin.MODEL, EPOCH)
    assert {d.verdict for d in store.decisions()} == {Verdict.ACCEPTED}
    assert review.queue.item("i2").settled
    review.session.open_image(3)
    assert store.undo_label(3) == "Accept 2 objects"
    review.window().actions_table["undo"].trigger()
    assert [len(store.annotation(n)) for n in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert store.decisions() == ()
    assert not review.queue.item("i2").settled
