"""The Train room's chooser of what a training starts from."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QLineEdit

from engine.config import PRESETS, WEIGHTS, train_config
from engine.model.offered import OFFERED
from engine.project.runs import RunState, RunSummary
from gui.models.weights_choices import RunWeights, named_choices, started_from
from gui.workspaces.train_plan import PlanCard

pytestmark = pytest.mark.gui


@pytest.fixture(autouse=True)
def no_downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def plan(qtbot) -> PlanCard:
    card = PlanCard()
    qtbot.addWidget(card)
    card.show()
    return card


def run(name: str, *, has_best: bool = True, has_last: bool = True) -> RunWeights:
    summary = RunSummary(
        id=name, preset="quick", state=RunState.FINISHED, created=time.time(), epochs=5, epochs_done=5, best_epoch=4,
        mask_ap=0.5, mask_ap50=0.7, box_ap=0.4, box_ap50=0.6, device="cpu",
    )  # fmt: skip
    return RunWeights(summary, has_best, has_last)


def pick(plan: PlanCard, weights: str) -> None:
    """As a person does: an entry of the list."""
    box = plan.weights.list
    box.setCurrentIndex(box.findData(weights))
    box.activated.emit(box.currentIndex())


def listed(plan: PlanCard) -> list[str]:
    box = plan.weights.list
    return [str(box.itemData(n)) for n in range(box.count()) if box.itemData(n)]


def test_all_names_come_first_and_the_packaged_weights_are_chosen(plan):
    assert listed(plan)[: len(WEIGHTS)] == list(WEIGHTS)
    assert plan.config().weights == "lite0"
    assert "needs no connection" in plan.weights.note.text()


def test_a_download_is_announced_with_its_size_until_the_file_is_here(plan):
    pick(plan, "coco")
    offered = OFFERED["coco"]
    assert f"downloaded when the training starts, {offered.megabytes} MB" in plan.weights.note.text()
    assert offered.local_copy is not None
    offered.local_copy.parent.mkdir(parents=True)
    offered.local_copy.touch()
    plan.weights.show_runs(())
    assert "on this computer" in plan.weights.note.text()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("weights", ["lite0", "resnet101-imagenet", "coco"])
def test_a_choice_gives_the_configuration_that_the_command_line_gives(plan, preset, weights):
    plan.use_preset(preset)
    pick(plan, weights)
    assert plan.config() == train_config(preset, settings=(f"weights={weights}",))


def test_a_detector_keeps_its_anchors_and_a_body_gets_those_of_the_preset_again(plan):
    pick(plan, "coco-v2")
    assert plan.config().anchor_sizes == ()
    plan.show_config(plan.config())
    pick(plan, "resnet50-imagenet-v1")
    assert plan.config().anchor_sizes == PRESETS["quick"].anchor_sizes


def test_another_preset_leaves_the_chosen_weights_alone(plan):
    pick(plan, "coco")
    plan.use_preset("notes")
    assert plan.config() == train_config("notes", settings=("weights=coco",))


def test_runs_offer_the_checkpoints_that_they_have(plan):
    plan.weights.show_runs((run("b"), run("a", has_best=False)))
    assert listed(plan)[len(WEIGHTS) : -1] == ["run:b@best", "run:b@last", "run:a@last"]
    pick(plan, "run:b@best")
    assert plan.config().weights == "run:b@best"
    assert plan.config().anchor_sizes == ()
    assert "epoch 4, AP 0.50" in plan.weights.note.text()


def test_a_run_that_is_chosen_stays_chosen_while_others_come_and_goes_with_its_project(plan):
    plan.weights.show_runs((run("a"),))
    pick(plan, "run:a@last")
    plan.weights.show_runs((run("b"), run("a")))
    assert plan.config().weights == "run:a@last"
    plan.weights.forget_runs()
    assert plan.config().weights == "lite0"
    assert not any(weights.startswith("run:") for weights in listed(plan))


def test_a_file_is_asked_for_and_a_cancelled_question_changes_nothing(plan, tmp_path, qtbot):
    pick(plan, "coco")
    pick(plan, "file…")
    dialog = plan.weights.findChild(QFileDialog)
    assert plan.weights.list.currentData() == "coco"
    dialog.reject()
    assert plan.config().weights == "coco"
    file = tmp_path / "nuts.safetensors"
    file.touch()
    plan.weights._ask_file()
    with qtbot.waitSignal(plan.changed):
        plan.weights.findChildren(QFileDialog)[-1].fileSelected.emit(str(file))
    assert plan.config().weights == str(file)
    assert plan.weights.list.currentText() == "nuts.safetensors"


def test_a_file_that_holds_no_weights_is_refused_in_words(plan, tmp_path):
    plan.weights._file_chosen(str(tmp_path / "notes.txt"))
    assert "notes.txt is no file of weights" in plan.weights.note.text()
    assert plan.config().weights == "lite0"


def test_a_file_that_is_gone_is_told(plan, tmp_path):
    plan.show_config(train_config("quick", settings=(f"weights={tmp_path / 'gone.pth'}",)))
    assert "There is no file" in plan.weights.note.text()


def test_class_names_are_asked_for_a_torchvision_file_only(plan, tmp_path):
    line = plan.weights.findChild(QLineEdit)
    file = tmp_path / "nuts.pth"
    file.touch()
    plan.weights._file_chosen(str(file))
    assert line.isVisible()
    line.setText("nut, washer")
    assert plan.config().weights_names == "nut, washer"
    pick(plan, "lite0")
    assert not line.isVisible()
    assert plan.config().weights_names == ""


def test_the_configuration_of_a_run_comes_out_as_it_went_in(plan, tmp_path: Path):
    asked = ("weights=nuts.pth", "weights_names=nut,washer", "weights_bn_eps=0", "anchor_sizes=8,16,32,64,128")
    config = train_config("balanced", settings=asked)
    plan.show_config(config)
    assert plan.config() == config


def test_what_was_said_of_a_file_is_not_said_of_other_weights():
    config = train_config("quick", settings=("weights=nuts.pth", "weights_names=nut", "weights_bn_eps=0"))
    other = started_from(config, "coco", PRESETS)
    assert (other.weights_names, other.weights_bn_eps) == ("", None)


def test_each_name_has_a_note_that_tells_a_body_from_a_detector():
    notes = {c.weights: c.note for c in named_choices()}
    assert [name for name, note in notes.items() if "whole detector" in note] == ["coco", "coco-v2"]
