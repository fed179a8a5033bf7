import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from engine.config import DetectConfig
from engine.errors import RunError
from engine.events import AttemptEnded, AttemptStarted, CheckpointSaved, EpochValidated, Note, StageStarted, StepDone
from engine.model.weights import read_facts, read_tensors
from engine.prediction.predictor import Predictor
from engine.project.runs import RunFolder, RunState, engine_environment, train_command
from engine.training.recovery import Recovery
from engine.training.trainer import run_trainer


def final_weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return read_tensors(run.checkpoint("last"), "")


def assert_same_weights(one: RunFolder, other: RunFolder) -> None:
    a, b = final_weights(one), final_weights(other)
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert different == []


def test_a_run_tells_its_story_in_order_and_keeps_every_epoch(make_run) -> None:
    run = make_run(stages="heads:1@1e-2,all:2@1e-3")
    ended = run_trainer(run)
    events = run.events()
    assert ended.outcome == "finished"
    assert isinstance(events[0], AttemptStarted)
    assert isinstance(events[-1], AttemptEnded)
    assert [e.layers for e in events if isinstance(e, StageStarted)] == ["heads", "all"]
    assert [(e.epoch, e.step) for e in events if isinstance(e, StepDone)] == [(1, 1), (1, 2), (2, 3), (2, 4)]
    assert [e.epoch for e in events if isinstance(e, EpochValidated)] == [1, 2]
    assert run.checkpoint_epochs() == [1, 2]
    assert run.checkpoint("last").exists()
    assert run.state() is RunState.FINISHED


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_stopped_and_resumed_run_ends_in_the_same_weights(make_run, optimizer: str) -> None:
    settings = {"average": 0.9, "optimizer": optimizer, "stages": "all:2@1e-3", "body_rate": 0.5}
    straight, stopped = make_run("straight", **settings), make_run("stopped", **settings)
    run_trainer(straight)
    seen = 0

    def stop_in_the_middle_of_an_epoch(event: object) -> None:
        nonlocal seen
        seen += isinstance(event, StepDone)
        if seen == 1:
            stopped.request_stop()

    ended = run_trainer(stopped, on_event=stop_in_the_middle_of_an_epoch)
    assert (ended.outcome, ended.step) == ("stopped", 1)
    assert run_trainer(stopped, resume=True).outcome == "finished"
    assert_same_weights(straight, stopped)
    assert [e.step for e in stopped.events() if isinstance(e, StepDone)] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint_and_ends_in_the_same_weights(make_run) -> None:
    straight, killed = make_run("straight", stages="all:3@1e-2"), make_run("killed", stages="all:3@1e-2")
    run_trainer(straight)
    trainer = subprocess.Popen(train_command(killed), env=engine_environment())
    while not any(isinstance(e, StepDone) and e.epoch == 2 for e in killed.events()):
        assert trainer.poll() is None
        time.sleep(0.02)
    assert killed.is_live()
    os.kill(trainer.pid, signal.SIGKILL)
    trainer.wait()
    assert killed.state() is RunState.LOST
    subprocess.run(train_command(killed, resume=True), env=engine_environment(), check=True)
    assert_same_weights(straight, killed)
    assert killed.state() is RunState.FINISHED


def test_a_run_that_is_being_trained_cannot_be_trained_twice(make_run) -> None:
    run = make_run()
    with run.hold(), pytest.raises(RunError, match="being trained already"):
        run_trainer(run)


def test_a_full_disk_is_told_and_training_goes_on(make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.model import weights

    run, real = make_run(), weights.save_file
    calls = 0

    def full_once(*args: object, **options: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(28, "No space left on device")
        real(*args, **options)

    monkeypatch.setattr(weights, "save_file", full_once)
    assert run_trainer(run).outcome == "finished"
    notes = [e.text for e in run.events() if isinstance(e, Note)]
    assert any("epoch_0001" in n and "No space left on device" in n for n in notes)
    assert run.checkpoint_epochs() == [2]


def test_a_loss_that_is_no_number_ends_the_attempt_with_a_sentence_and_keeps_the_checkpoint(
    make_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    real = Recovery.step

    def broken(self: Recovery, samples, rate: float, number: int):
        if number == 4:
            with torch.no_grad():
                self._stepper._network.rpn.head.cls_logits.bias.fill_(float("nan"))
        return real(self, samples, rate, number)

    monkeypatch.setattr(Recovery, "step", broken)
    ended = run_trainer(run)
    assert ended.outcome == "failed"
    assert "no longer a number" in ended.reason
    assert read_facts(run.checkpoint("last"))["progress"]["epoch"] == 1


def test_a_missing_image_ends_the_attempt_with_its_name(make_run) -> None:
    run = make_run()
    victim = run.dataset().images[0].path
    victim.unlink()
    ended = run_trainer(run)
    assert ended.outcome == "failed"
    assert victim.name in ended.reason


def test_boxes_alone_train_and_detect(make_run) -> None:
    run = make_run(boxes_only=True, stages="all:1@1e-2")
    assert run_trainer(run).outcome == "finished"
    (validated,) = [e for e in run.events() if isinstance(e, EpochValidated)]
    assert validated.mask_ap is None
    assert validated.box_ap is not None
    predictor = Predictor.from_run(run, "last", config=DetectConfig(score_threshold=0.0))
    (found,) = predictor.detect([run.dataset().images[0].path])
    assert len(found) > 0
    assert all(p.mask is None for p in found.predictions)


def test_events_of_an_attempt_after_the_checkpoint_it_resumed_from_are_superseded(make_run) -> None:
    run = make_run()
    assert run_trainer(run).outcome == "finished"
    steps_before = [e for e in run.events() if isinstance(e, StepDone)]
    assert len(steps_before) == 4
    second = AttemptStarted(
        run=run.id, attempt=2, resumed_epoch=1, resumed_step=2, epochs=2, device="CPU", dtype="float32", pid=1,
        train_images=3, val_images=1, categories=[],
    )  # fmt: skip
    # A torn line, as a kill leaves it, and a second attempt from step 2 on.
    with run.events_path.open("a") as file:
        file.write(second.model_dump_json())
        file.write('\n{"type": "step_do')
    assert [e.step for e in run.events() if isinstance(e, StepDone)] == [1, 2]
    assert {e.step for e in run.events() if isinstance(e, CheckpointSaved)} == {2}
    assert run.state() is RunState.LOST


def test_old_epochs_are_thinned_when_asked(make_run) -> None:
    run = make_run(stages="heads:3@1e-3", keep_epochs=1)
    run_trainer(run)
    assert run.checkpoint_epochs() == [3]


def test_a_trainer_without_readable_data_fails_with_a_sentence(make_run) -> None:
    run = make_run()
    (Path(run.path) / "data" / "dataset.json").write_text("{")
    ended = run_trainer(run)
    assert ended.outcome == "failed"
    assert "frozen data" in ended.reason
