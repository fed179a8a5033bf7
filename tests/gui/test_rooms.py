"""The switch of rooms, the buttons at the top right, and the chip that tells how a run stands."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.events import AttemptStarted, StepDone

pytestmark = pytest.mark.gui


def test_each_room_has_its_own_menus_and_keys(project):
    project.top.switch.button("review").click()
    assert project.room == "review"
    assert project.actions_table["review_edit"].isEnabled()
    assert not project.actions_table["tool_eraser"].isEnabled()
    project.go("train")
    assert not project.filmstrip.isVisible()
    assert not project.actions_table["review_edit"].isEnabled()
    project.go("annotate")
    assert project.actions_table["tool_eraser"].isEnabled()
    assert project.top.switch.current() == "annotate"


def test_a_letter_means_another_thing_in_the_review_room(project):
    project.annotate.canvas.set_tool("brush")
    project.go("review")
    QTest.keyClick(project.review.canvas, Qt.Key.Key_E)
    project.go("annotate")
    assert project.annotate.canvas.tool == "brush"


def test_train_without_anything_drawn_says_what_is_missing_and_makes_no_run(project, qtbot):
    project.top.train.click()
    assert project.room == "train"
    qtbot.waitUntil(project.banner.isVisible)
    assert project.banner.text
    runs = project.session.store.folder / "runs"
    assert not runs.exists() or not list(runs.glob("*/config.json"))


def test_detect_without_a_network_says_to_train_first(project):
    project.top.detect.click()
    assert project.room == "review"
    assert "train first" in project.banner.text


def test_the_rooms_are_closed_with_the_project(project):
    project.go("train")
    project.actions_table["close_project"].trigger()
    assert project.room == "welcome"
    assert not project.top.switch.isVisible()
    project.go("review")
    assert project.room == "welcome"


def test_the_chip_tells_epoch_and_time_left_of_the_run(project, monkeypatch):
    engine = project.session.engine
    state = SimpleNamespace(value="running")
    status = SimpleNamespace(run=SimpleNamespace(id="0007"), is_live=True, stopping=False, reason="", state=state)
    monkeypatch.setattr(engine, "_status", status)
    started = AttemptStarted(
        run="0007", attempt=1, epochs=40, device="cpu", dtype="float32", pid=1, train_images=3, val_images=1,
        categories=["ring"],
    )  # fmt: skip
    step = StepDone(
        epoch=12, step=140, steps_per_epoch=12, losses={"total": 1.0}, learning_rate=0.01, images_per_second=3.0,
        seconds_left=840,
    )  # fmt: skip
    engine.history.emit(SimpleNamespace(status=status, events=(started,)))
    assert project.top.run_chip.text() == "run 7 · starting"
    engine.run_event.emit(step)
    assert project.top.run_chip.text() == "run 7 · epoch 12/40 · 14 min left"
    status.is_live, state.value, status.reason = False, "lost", "The trainer was killed."
    engine.run_state.emit(status)
    assert project.top.run_chip.text() == "run 7 · lost"
    assert project.top.run_chip.toolTip() == "The trainer was killed."
