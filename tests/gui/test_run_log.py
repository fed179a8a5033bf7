"""What a run told, digested; and the Train room's facts before a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import train_config
from engine.events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointSaved,
    EpochValidated,
    Note,
    RunEvent,
    StageStarted,
    StepDone,
)
from engine.project.runs import RunFolder, RunState
from gui.engine_run import RunHistory, RunStatus, lost_reason
from gui.models.run_log import RunLog, ap_words, device_words, duration_words, when_words

pytestmark = pytest.mark.gui


def started(attempt: int = 1, step: int = 0) -> AttemptStarted:
    return AttemptStarted(
        run="r", attempt=attempt, resumed_step=step, resumed_epoch=step // 10, epochs=40, device="cpu",
        dtype="bfloat16", pid=1, train_images=10, val_images=4, categories=["nut", "washer"],
    )  # fmt: skip


def step(number: int, total: float = 2.0) -> StepDone:
    losses = {"loss_objectness": 0.1, "loss_rpn_box_reg": 0.2, "loss_classifier": total - 0.3}
    return StepDone(
        epoch=(number - 1) // 10 + 1, step=number, steps_per_epoch=10, losses=losses, learning_rate=0.01,
        images_per_second=3.14, seconds_left=840,
    )  # fmt: skip


def validated(epoch: int, ap: float | None) -> EpochValidated:
    return EpochValidated(
        epoch=epoch, step=10 * epoch, mask_ap=ap, mask_ap50=ap, box_ap=ap, box_ap50=ap, per_class={"nut": ap}, seconds=1
    )


def stage(index: int = 1, layers: str = "4+") -> StageStarted:
    return StageStarted(
        index=index, layers=layers, until_epoch=25, learning_rate=0.001, augment=True, trainable_parameters=3_400_000
    )


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "runs" / "r"
    folder.mkdir(parents=True)
    config = train_config("quick", stages="heads:10@0.01!,4+:25@0.001,all:40@0.0001")
    (folder / "config.json").write_text(config.model_dump_json())
    return RunFolder(folder)


def log_of(run: RunFolder, *events: RunEvent, state: RunState = RunState.RUNNING) -> RunLog:
    log = RunLog()
    log.load(RunHistory(RunStatus(run, state), events))
    return log


def test_the_headline_says_epoch_stage_speed_and_device(qapp, run):
    log = log_of(run, started(), stage(), *(step(n) for n in range(1, 116)))
    assert log.headline() == "epoch 12 of 40 · stage 2 “4+” · 3.1 images/s · this CPU"
    assert log.time_left() == "14 min left"
    assert log.progress == pytest.approx(11.5 / 40)


def test_a_stopped_run_tells_neither_speed_nor_time_left(qapp, run):
    log = log_of(run, started(), stage(), step(1), state=RunState.STOPPED)
    assert "images/s" not in log.headline()
    assert log.time_left() == ""


def test_loss_terms_are_summed_by_part_of_the_network(qapp, run):
    log = log_of(run, step(1, total=2.0))
    assert list(log.losses["rpn"]) == [pytest.approx(0.3)]
    assert list(log.losses["class"]) == [pytest.approx(1.7)]
    assert list(log.losses["mask"]) == [0.0]
    assert list(log.losses["total"]) == [pytest.approx(2.0)]


def test_a_resume_takes_back_what_came_after_its_checkpoint(qapp, run):
    log = log_of(run, started(), *(step(n) for n in range(1, 26)), validated(1, 0.1), validated(2, 0.2))
    log.add(started(attempt=2, step=10))
    assert log.steps == list(range(1, 11))
    assert all(len(series) == 10 for series in log.losses.values())
    assert len(log.live) == 10
    assert [v.epoch for v in log.validations] == [1]
    log.add(step(11))
    assert log.steps[-1] == 11


def test_the_best_epoch_is_by_mask_ap_and_none_counts_as_nothing(qapp, run):
    log = log_of(run, validated(1, None), validated(2, 0.4), validated(3, 0.3))
    assert log.best is not None
    assert log.best.epoch == 2


def test_an_epoch_validated_again_replaces_its_figure(qapp, run):
    log = log_of(run, validated(1, 0.1), validated(2, 0.2), validated(2, 0.3))
    assert [(v.epoch, v.mask_ap) for v in log.validations] == [(1, 0.1), (2, 0.3)]


def test_a_status_of_another_run_changes_nothing(qapp, run, tmp_path):
    log = log_of(run)
    log.set_status(RunStatus(RunFolder(tmp_path / "runs" / "other"), RunState.FAILED))
    assert log.status is not None
    assert log.status.state is RunState.RUNNING


def test_the_log_has_words_for_what_matters_and_none_for_steps(qapp, run):
    log, heard = log_of(run), []
    log.line_added.connect(heard.append)
    for event in (
        started(), stage(), step(1), CheckpointSaved(name="last", epoch=1, step=1), validated(1, None),
        Note(text="The disk is nearly full."), AttemptEnded(outcome="failed", epoch=1, step=2, reason="Out of memory."),
    ):  # fmt: skip
        log.add(event)
    words = [line.split("  ", 1)[1] for line in heard]
    assert words[0].startswith("Training started on this CPU, bfloat16: 10 training and 4 validation images")
    assert words[1] == "Stage 2: 4+ until epoch 25 at rate 0.001, with augmentation, 3.4 M weights."
    assert words[2] == "Epoch 1: mask AP –, box AP –."
    assert words[3:] == ["The disk is nearly full.", "Training failed at epoch 1. Out of memory."]


def test_an_unreadable_configuration_still_shows_the_run(qapp, tmp_path):
    folder = tmp_path / "runs" / "r"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    log = log_of(RunFolder(folder), started(), step(1))
    assert log.config is None
    assert log.total_epochs == 40


def test_words_for_numbers():
    assert (ap_words(None), ap_words(0.514)) == ("–", "0.51")
    assert (duration_words(0.2), duration_words(40), duration_words(840), duration_words(7500)) == (
        "1 s", "40 s", "14 min", "2 h 05 min",
    )  # fmt: skip
    assert (device_words("cpu"), device_words("cuda:0"), device_words("cuda:1")) == ("this CPU", "this GPU", "cuda:1")
    now = 1_800_000_000.0
    assert when_words(now - 5, now) == "just now"
    assert when_words(now - 1500, now) == "25 min ago"
    assert when_words(now - 40 * 86400, now).split()[0].isdigit()


def test_why_a_trainer_vanished_depends_on_what_is_known():
    assert "-9: probably out of memory" in lost_reason(-9, "")
    assert "signal 11" in lost_reason(-11, "")
    assert "no such device" in lost_reason(1, "no such device")
    assert "Resume" in lost_reason(None, "")
