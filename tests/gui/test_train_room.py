"""The Train room with fabricated events; no engine process runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config import PRESETS, Layers, train_config
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.events import AttemptStarted, EpochValidated, StageStarted, StepDone, to_line
from engine.project.runs import RunFolder, RunState, create_run
from engine.project.store import ProjectStore
from gui.engine_run import RunStatus
from gui.engine_thread import EngineThread
from gui.models.preflight import facts_about
from gui.session import Session
from gui.workspaces.train import TrainRoom
from gui.workspaces.train_plan import PlanCard

pytestmark = pytest.mark.gui


def make_project(folder: Path, *, val: int = 1) -> None:
    with ProjectStore.create(folder) as store:
        with store.change("Images") as change:
            nut = change.add_category("nut")
            ids = []
            for number in range(4):
                path = folder / f"{number}.png"
                Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
                ids.append(change.add_image(path, 30, 20, split=Split.VAL if number < val else Split.TRAIN))
        with store.change("Draw") as change:
            for image_id in ids:
                mask = Mask.from_box((2, 2, 9, 9), 20, 30)
                change.put_annotation(Annotation(image_id, 20, 30, (Instance.from_mask(mask, nut.id),)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_project(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def session(qapp, folder):
    def sleeper(run: RunFolder, resume: bool) -> list[str]:
        return [sys.executable, "-c", ""]

    session = Session(engine=EngineThread(trainer=sleeper, service=lambda f: [sys.executable, "-c", ""], poll_ms=20))
    assert session.open_project(folder)
    yield session
    session.shutdown()


@pytest.fixture
def room(session, qtbot):
    room = TrainRoom(session)
    qtbot.addWidget(room)
    room.resize(1400, 800)
    room.show()
    qtbot.waitExposed(room)
    return room


def tell(run: RunFolder, *events) -> None:
    with run.events_path.open("a") as file:
        file.writelines(to_line(e) for e in events)


def started() -> AttemptStarted:
    return AttemptStarted(
        run="r", attempt=1, epochs=20, device="cpu", dtype="float32", pid=1, train_images=3, val_images=1,
        categories=["nut"],
    )  # fmt: skip


def step(number: int) -> StepDone:
    return StepDone(
        epoch=1, step=number, steps_per_epoch=10, losses={"loss_mask": 1.0 / number}, learning_rate=0.01,
        images_per_second=2.0, seconds_left=100,
    )  # fmt: skip


def test_an_empty_room_says_what_to_do_and_offers_neither_stop_nor_resume(room, qtbot):
    card = room.run_card
    assert not card.stop.isVisible()
    assert not card.resume.isVisible()
    assert "Press Train" in card._facts.text()


def test_the_facts_count_images_objects_and_splits(room, qtbot):
    qtbot.waitUntil(lambda: bool(room.facts.facts), timeout=3000)
    assert [f.text for f in room.facts.facts if f.kind == "ok"][:2] == [
        "4 objects, 1 class, 4 images",
        "3 train, 1 validate",
    ]
    assert not [f for f in room.facts.facts if f.kind == "stop"]


def test_what_prevents_a_training_is_said_before_it_is_started(tmp_path):
    make_project(tmp_path / "p", val=0)
    with ProjectStore.open(tmp_path / "p") as store:
        first = facts_about(store)[0]
    assert first.kind == "stop"
    assert "validation" in first.text


def test_a_project_without_images_is_told_to_add_some(tmp_path):
    with ProjectStore.create(tmp_path / "p") as store:
        (fact,) = facts_about(store)
    assert fact.kind == "stop"
    assert "Add a folder" in fact.text


def test_events_of_a_live_run_fill_card_curves_and_log(room, session, qtbot):
    run = create_run(session.store, room.plan.config())
    tell(run, started(), StageStarted(index=0, layers="all", until_epoch=20, learning_rate=0.01, augment=True,
                                      trainable_parameters=10))  # fmt: skip
    with run.hold():
        session.engine.follow(run)
        qtbot.waitUntil(lambda: room.run_card.stop.isVisible(), timeout=5000)
        validation = EpochValidated(
            epoch=1, step=2, mask_ap=0.51, mask_ap50=0.7, box_ap=0.5, box_ap50=0.8, per_class={"nut": 0.51}, seconds=1
        )
        tell(run, step(1), step(2), validation)
        qtbot.waitUntil(lambda: "epoch 1 of" in room.run_card._facts.text(), timeout=5000)
        assert room.log.status.state is RunState.RUNNING
        assert "mask AP 0.51" in room.log_card.text()
        qtbot.waitUntil(lambda: len(room.ap_card.chart._mask.getData()[0]) == 1, timeout=3000)
        assert room.loss_card.chart._curves["total"].getData()[1][-1] == pytest.approx(0.75, abs=0.26)
        room.run_card.stop.click()
        qtbot.waitUntil(run.stop_requested, timeout=5000)
        qtbot.waitUntil(lambda: room.run_card._state.text() == "stopping", timeout=5000)
        assert not room.run_card.stop.isEnabled()


def test_a_lost_run_can_be_resumed_and_says_why(room, session, qtbot):
    run = create_run(session.store, room.plan.config())
    tell(run, started(), step(1))
    session.engine.follow(run)
    qtbot.waitUntil(lambda: room.run_card.resume.isVisible(), timeout=5000)
    assert room.run_card._state.text() == "lost"
    assert "Resume goes on" in room.run_card._reason.text()


def test_events_of_the_followed_run_do_not_mix_into_an_older_one_that_is_looked_at(room, session, qtbot):
    old, new = create_run(session.store, room.plan.config()), create_run(session.store, room.plan.config())
    tell(old, started(), step(1))
    tell(new, started())
    with new.hold():
        session.engine.follow(new)
        qtbot.waitUntil(lambda: room.log.run is not None and room.log.run.id == new.id, timeout=5000)
        room._show_run(old.id)
        qtbot.waitUntil(lambda: room.log.run.id == old.id, timeout=5000)
        with qtbot.waitSignal(session.engine.run_event, timeout=5000):
            tell(new, step(5))
        assert room.log.steps == [1]


def test_the_runs_are_listed_newest_first(room, session, qtbot):
    first, second = create_run(session.store, room.plan.config()), create_run(session.store, room.plan.config())
    tell(first, started())
    room._runs_reader.look()
    qtbot.waitUntil(lambda: room.runs._ids == [second.id, first.id], timeout=5000)


def test_train_starts_a_run_with_the_plan_as_it_stands(room, session, qtbot):
    room.plan.use_preset("notes")
    assert room.start()
    qtbot.waitUntil(lambda: room.log.run is not None, timeout=5000)
    assert room.log.config.preset == "notes"
    assert [s.layers for s in room.log.config.plan.stages] == [Layers.HEADS, Layers.ALL, Layers.ALL]


def test_a_run_is_started_from_the_weights_that_were_chosen(room, session, qtbot):
    box = room.plan.weights.list
    box.setCurrentIndex(box.findData("coco"))
    box.activated.emit(box.currentIndex())
    assert room.bar.value("Starts from") == box.currentText()
    assert room.start()
    qtbot.waitUntil(lambda: room.log.run is not None, timeout=5000)
    assert room.log.config == train_config("quick", settings=("weights=coco",))


def test_the_checkpoints_of_the_projects_runs_are_offered_and_not_those_of_another_project(
    room, session, qtbot, tmp_path
):
    run = create_run(session.store, room.plan.config())
    run.checkpoint("best").touch()
    room._runs_reader.look()
    chooser = room.plan.weights
    qtbot.waitUntil(lambda: chooser.list.findData(f"run:{run.id}@best") >= 0, timeout=5000)
    assert chooser.list.findData(f"run:{run.id}@last") == -1
    chooser.choose(f"run:{run.id}@best")
    make_project(tmp_path / "other")
    assert session.open_project(tmp_path / "other")
    assert room.plan.config().weights == "lite0"
    assert chooser.list.findData(f"run:{run.id}@best") == -1


def test_a_checkpoint_that_is_gone_is_refused_in_words(room, session, qtbot):
    run, heard = create_run(session.store, room.plan.config()), []
    session.message.connect(lambda level, text: heard.append(text))
    room.plan.weights.choose(f"run:{run.id}@best")
    assert room.start() is False
    assert "do not exist" in heard[-1]


def test_a_second_training_is_not_started_while_one_runs(room, session, qtbot):
    run, heard = create_run(session.store, room.plan.config()), []
    session.message.connect(lambda level, text: heard.append(text))
    with run.hold():
        session.engine.follow(run)
        qtbot.waitUntil(lambda: session.engine.status is not None and session.engine.status.is_live, timeout=5000)
        assert room.start() is False
    assert "A training is running" in heard[-1]


@pytest.fixture
def plan(qtbot) -> PlanCard:
    card = PlanCard()
    qtbot.addWidget(card)
    return card


def test_a_preset_comes_out_as_it_went_in(plan):
    for name, preset in PRESETS.items():
        plan.use_preset(name)
        assert plan.config() == preset


def test_an_edit_makes_the_plan_my_own_and_keeps_the_rest_of_the_preset(plan):
    plan.use_preset("quick")
    plan.stages.rows[0].until.setValue(3)
    config = plan.config()
    assert config.preset == "custom"
    assert config.plan.epochs == 3
    assert config.average == PRESETS["quick"].average


def test_epochs_that_do_not_rise_are_told_and_not_trained(plan):
    plan.use_preset("notes")
    plan.stages.rows[1].until.setValue(50)
    assert plan.problem() == "Stage 2 has to end after epoch 50: epochs count from the start."
    plan.stages.rows[1].until.setValue(51)
    assert plan.problem() == ""
    plan.stages.rows[0].rate.setText("")
    assert "positive number" in plan.problem()


def test_stages_are_added_and_removed_but_the_last_one_stays(plan):
    plan.use_preset("quick")
    plan.stages.add_row()
    assert len(plan.config().plan.stages) == 2
    for row in list(plan.stages.rows):
        plan.stages.remove_row(row)
    assert len(plan.stages.rows) == 1


def test_the_stage_that_trains_is_marked_only_on_the_plan_that_trains(plan):
    plan.use_preset("notes")
    plan.mark(PRESETS["notes"].plan, 1, running=True)
    assert [r.state.text() for r in plan.stages.rows] == ["done", "running", ""]
    plan.use_preset("quick")
    assert [r.state.text() for r in plan.stages.rows] == [""]


def test_the_room_of_a_closed_project_is_empty_again(room, session, qtbot):
    run = create_run(session.store, room.plan.config())
    tell(run, started(), step(1))
    session.engine.follow(run)
    qtbot.waitUntil(lambda: room.log.run is not None, timeout=5000)
    session.close_project()
    assert room.log.run is None
    assert RunStatus(run, RunState.LOST).is_live is False
