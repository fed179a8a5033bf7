"""A batch in parts is the batch, and steps survive what can be survived."""

from __future__ import annotations

import pytest
import torch

from engine.config import Layers
from engine.events import AttemptEnded, Note, StepDone
from engine.model.architecture import Architecture
from engine.model.losses import LossParts
from engine.model.mask_rcnn import MaskRCNN
from engine.model.weights import read_facts, read_tensors
from engine.project.runs import RunFolder, RunState
from engine.training.crew import shared_view
from engine.training.loop import Trainer
from engine.training.samples import Sample
from engine.training.step import Stepper
from engine.training.trainer import run_trainer


def losses_of(run: RunFolder) -> list[dict[str, float]]:
    return [e.losses for e in run.events() if isinstance(e, StepDone)]


def notes_of(run: RunFolder) -> list[str]:
    return [e.text for e in run.events() if isinstance(e, Note)]


def assert_equal_losses(one: list[dict[str, float]], other: list[dict[str, float]], steps: int) -> None:
    assert len(one) == len(other) == steps
    for mine, theirs in zip(one, other, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4, rel=1e-4)


def failing_once_it_is_large(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """A device on which more than `limit` images at once do not fit."""
    forward = Stepper._forward

    def limited(stepper: Stepper, network: MaskRCNN, samples: list[Sample]) -> LossParts:
        if len(samples) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(stepper, network, samples)

    monkeypatch.setattr(Stepper, "_forward", limited)


def test_a_batch_in_parts_gives_the_losses_of_the_whole_batch(make_run) -> None:
    settings = {"stages": "all:3@1e-2", "batch_size": 2}
    whole, parts = make_run("whole", **settings), make_run("parts", **settings)
    run_trainer(whole)
    trainer = Trainer(parts, lambda event: events.append(event))
    events: list[object] = []
    trainer._stepper.part_size = 1
    trainer.run()
    apart = [e.losses for e in events if isinstance(e, StepDone)]
    assert_equal_losses(losses_of(whole), apart, 6)


def test_parts_side_by_side_on_two_cores_give_the_losses_of_the_whole_batch_every_time_the_same(make_run) -> None:
    settings = {"stages": "all:3@1e-2", "batch_size": 2}
    whole = make_run("whole", threads=1, **settings)
    one, again = make_run("one", threads=2, **settings), make_run("again", threads=2, **settings)
    threads = torch.get_num_threads()
    try:
        for run in (whole, one, again):
            run_trainer(run)
    finally:
        torch.set_num_threads(threads)
    assert_equal_losses(losses_of(whole), losses_of(one), 6)
    first, second = read_tensors(one.checkpoint("last"), ""), read_tensors(again.checkpoint("last"), "")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_view_shares_what_is_learned_and_nothing_that_is_remembered() -> None:
    network = MaskRCNN(Architecture(classes=1, image_size=64), pretrained=False)
    view = shared_view(network)
    assert all(a is b for a, b in zip(network.parameters(), view.parameters(), strict=True))
    assert all(a is b for a, b in zip(network.buffers(), view.buffers(), strict=True))
    network.rpn.fg_bg_sampler.keys = [1]
    assert view.rpn.fg_bg_sampler.keys is None
    network.set_trainable(Layers.HEADS)
    assert not any(p.requires_grad for p in view.backbone.body.parameters())


def test_when_memory_is_short_training_goes_on_in_parts_and_says_so(make_run, monkeypatch) -> None:
    whole, short = make_run("whole"), make_run("short")
    run_trainer(whole)
    failing_once_it_is_large(monkeypatch, 1)
    assert run_trainer(short).outcome == "finished"
    assert sum("1 at a time" in text for text in notes_of(short)) == 1
    assert_equal_losses(losses_of(whole), losses_of(short), 4)
    assert read_facts(short.checkpoint("last"))["progress"]["part_size"] == 1


def test_when_not_even_one_image_fits_the_run_says_what_to_lower(make_run, monkeypatch) -> None:
    run = make_run()
    failing_once_it_is_large(monkeypatch, 0)
    ended = run_trainer(run)
    assert ended.outcome == "failed"
    assert "image size, batch size, ROIs per image" in ended.reason


def test_a_fault_that_is_not_about_memory_is_not_taken_for_it(make_run, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Stepper, "_forward", broken)
    ended = run_trainer(make_run())
    assert "shapes do not fit" in ended.reason


@pytest.fixture
def no_number_at_step_two(monkeypatch: pytest.MonkeyPatch) -> None:
    forward, seen = Stepper._forward, []

    def poisoned(stepper: Stepper, network: MaskRCNN, samples: list[Sample]) -> LossParts:
        parts = forward(stepper, network, samples)
        seen.append(samples)
        if len(seen) == 2:
            parts.sums["loss_mask"] = parts.sums["loss_mask"] * float("nan")
        return parts

    monkeypatch.setattr(Stepper, "_forward", poisoned)


@pytest.mark.usefixtures("no_number_at_step_two")
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_its_batch(make_run) -> None:
    run = make_run()
    ended = run_trainer(run)
    assert (ended.outcome, ended.step) == ("failed", 1)
    assert "no longer a number" in ended.reason
    (kept,) = (run.path / "nonfinite").iterdir()
    facts = read_facts(kept)
    assert facts["step"] == 2
    assert len(facts["images"]) == 1  # the short last batch of three images
    assert facts["losses"]["loss_mask"] == "nan"


@pytest.mark.usefixtures("no_number_at_step_two")
def test_such_a_batch_is_skipped_by_choice_and_the_weights_stay_numbers(make_run) -> None:
    run = make_run(on_nonfinite="skip")
    assert run_trainer(run).outcome == "finished"
    assert [e.step for e in run.events() if isinstance(e, StepDone)] == [1, 3, 4]
    assert any("Step 2" in text and "skipped" in text for text in notes_of(run))
    assert all(torch.isfinite(t).all() for t in read_tensors(run.checkpoint("last"), "").values())


def test_every_step_tells_live_facts(make_run) -> None:
    run = make_run()
    run_trainer(run)
    for event in (e for e in run.events() if isinstance(e, StepDone)):
        assert set(event.facts) >= {"rpn_recall50", "rpn_recall70", "roi_positives", "class_accuracy"}
        assert all(0 <= share <= 1 for share in event.facts.values())
        assert event.facts["rpn_recall70"] <= event.facts["rpn_recall50"]
        assert event.gradient_norm > 0
        assert event.memory_mib > 50
        assert 0 <= event.data_wait <= 1


def test_a_full_checkpoint_is_written_in_the_middle_of_an_epoch_when_it_takes_long(make_run) -> None:
    run = make_run(save_minutes=1e-6)
    seen: list[int] = []

    def look(event: object) -> None:
        if isinstance(event, StepDone) and event.step == 2:
            seen.append(read_facts(run.checkpoint("last"))["progress"]["epoch_step"])

    run_trainer(run, on_event=look)
    assert seen == [1]  # after the first step of the epoch
    assert run.state() is RunState.FINISHED
    assert isinstance(run.events()[-1], AttemptEnded)
