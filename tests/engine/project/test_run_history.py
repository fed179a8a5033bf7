"""Runs read back from their events, and two of them side by side; the events are made up, nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.annotation import Annotation, Split
from engine.errors import RunError
from engine.events import AttemptEnded, AttemptStarted, CheckpointSaved, EpochValidated, RunEvent, StepDone, to_line
from engine.project.run_comparison import compare
from engine.project.run_history import history_of, same_validation
from engine.project.runs import RunFolder, RunState


def started(time: float, *, attempt: int = 1, step: int = 0) -> AttemptStarted:
    return AttemptStarted(time=time, run="r", attempt=attempt, resumed_step=step, epochs=2, device="CPU", pid=1,
                          dtype="float32", train_images=3, val_images=1, categories=["ring", "disc"])  # fmt: skip


def stepped(time: float, epoch: int, step: int, loss: float) -> StepDone:
    return StepDone(time=time, epoch=epoch, step=step, steps_per_epoch=2, losses={"a": loss / 2, "b": loss / 2},
                    learning_rate=0.01, images_per_second=1, seconds_left=0)  # fmt: skip


def saved(time: float, epoch: int) -> CheckpointSaved:
    return CheckpointSaved(time=time, name=f"epoch_{epoch:04d}", epoch=epoch, step=2 * epoch)


def validated(time: float, epoch: int, ap: float, **per_class: float | None) -> EpochValidated:
    return EpochValidated(time=time, epoch=epoch, step=2 * epoch, mask_ap=ap, mask_ap50=ap + 0.1, box_ap=ap / 2,
                          box_ap50=ap, per_class=per_class, seconds=1)  # fmt: skip


def ended(time: float, outcome: str = "finished") -> AttemptEnded:
    return AttemptEnded.model_validate({"time": time, "outcome": outcome, "epoch": 2, "step": 4})


def two_epochs(first: float = 0.4, second: float = 0.3) -> list[RunEvent]:
    return [
        started(100), stepped(105, 1, 1, 4.0), stepped(110, 1, 2, 2.0), saved(111, 1),
        validated(120, 1, first, ring=first, disc=0.2), stepped(125, 2, 3, 1.5), stepped(130, 2, 4, 0.5), saved(131, 2),
        validated(140, 2, second, ring=second, disc=None), ended(141),
    ]  # fmt: skip


def tell(run: RunFolder, events: Sequence[RunEvent]) -> RunFolder:
    run.events_path.write_text("".join(map(to_line, events)), encoding="utf-8")
    return run


def test_a_history_has_the_best_and_the_last_epoch_and_the_mean_loss_of_each(make_run) -> None:
    history = history_of(tell(make_run(), two_epochs()))
    assert (history.best.epoch, history.best.ap) == (1, 0.4)
    assert (history.last.epoch, history.last.ap) == (2, 0.3)
    assert [(p.epoch, p.loss, p.ap) for p in history.curve] == [(1, 3.0, 0.4), (2, 1.0, 0.3)]
    assert history.seconds == pytest.approx(41)
    assert (history.data.train_images, history.data.val_images) == (3, 1)
    assert (history.summary.state, history.summary.epochs_done) == (RunState.FINISHED, 2)


def test_an_epoch_under_way_is_on_the_curve_but_is_not_the_last_one_measured(make_run) -> None:
    history = history_of(tell(make_run(), two_epochs()[:6]))
    assert [p.epoch for p in history.curve] == [1, 2]
    assert history.curve[1].ap is None
    assert history.last.epoch == 1


def test_boxes_are_compared_by_their_boxes(make_run) -> None:
    history = history_of(tell(make_run(boxes_only=True), two_epochs()))
    assert (history.measure, history.best.ap) == ("box", 0.2)


def test_time_taken_counts_the_attempts_and_not_the_pause_between_them(make_run) -> None:
    events = [*two_epochs()[:6], ended(126, "stopped"), started(1000, attempt=2, step=3),
              stepped(1004, 2, 4, 1.0), ended(1010)]  # fmt: skip
    assert history_of(tell(make_run(), events)).seconds == pytest.approx(26 + 10)


def test_a_run_that_has_not_begun_has_no_figures(make_run) -> None:
    history = history_of(make_run())
    assert (history.best, history.last, history.curve, history.seconds) == (None, None, (), 0)
    assert history.summary.state is RunState.STARTING


def test_a_run_whose_data_is_damaged_is_listed_without_it_and_not_compared(make_run) -> None:
    sound, damaged = tell(make_run("a"), two_epochs()), tell(make_run("b"), two_epochs())
    (damaged.path / "data" / "dataset.json").write_text("{")
    history = history_of(damaged)
    assert history.data is None
    assert history.to_json()["val_digest"] is None
    assert same_validation([history, history_of(sound)]) == {}
    with pytest.raises(RunError, match="data of run b cannot be read"):
        compare(history_of(sound), history)


def change_data(run: RunFolder, split: Split) -> RunFolder:
    """Take the objects of the first image of a set away."""
    data = run.dataset()
    victim = data.of_split(split)[0]
    emptied = replace(victim, annotation=Annotation(victim.image_id, 64, 96, negative=True))
    images = tuple(emptied if i is victim else i for i in data.images)
    replace(data, images=images).save(run.path / "data" / "dataset.json")
    return run


def test_runs_share_a_validation_set_whatever_they_were_trained_on(make_run) -> None:
    a, b, c = make_run("a"), change_data(make_run("b"), Split.TRAIN), change_data(make_run("c"), Split.VAL)
    histories = [history_of(r) for r in (a, b, c)]
    assert histories[0].data.digest != histories[1].data.digest
    assert same_validation(histories) == {histories[0].data.val_digest: ["a", "b"]}
    with pytest.raises(RunError, match="different validation sets"):
        compare(histories[0], histories[2])


def test_the_same_validation_set_is_known_by_what_it_says_not_by_ids_colours_or_places(make_run) -> None:
    data = make_run().dataset()
    moved = replace(
        data,
        categories=tuple(replace(c, id=c.id + 10, color="#000000") for c in data.categories),
        images=tuple(
            replace(i, path=Path("/elsewhere", i.path.name), annotation=replace(i.annotation, instances=tuple(
                replace(o, id=f"new-{o.id}", category_id=o.category_id + 10) for o in reversed(i.annotation.instances)
            )))
            for i in data.images
        ),
    )  # fmt: skip
    assert moved.digest_of(Split.VAL) == data.digest_of(Split.VAL)
    assert moved.digest_of(Split.TRAIN) != moved.digest_of(Split.VAL)
    renamed = replace(data, categories=(replace(data.categories[0], name="hoop"), data.categories[1]))
    assert renamed.digest_of(Split.VAL) != data.digest_of(Split.VAL)


def test_a_comparison_names_the_classes_and_only_the_settings_that_differ(make_run) -> None:
    one = tell(make_run("one", batch_size=1), two_epochs(0.4))
    two = tell(make_run("two", batch_size=2, stages="heads:2@1e-3"), two_epochs(0.5)[:-1])
    found = compare(history_of(one), history_of(two))
    assert {d.setting: (d.first, d.second) for d in found.settings if d.setting != "plan"} == {"batch_size": (1, 2)}
    assert [d.setting for d in found.settings] == ["plan", "batch_size"]
    ring, disc = found.classes
    assert (ring.category, ring.first, ring.second, ring.difference) == ("ring", 0.4, 0.5, pytest.approx(0.1))
    assert disc.difference == 0
    facts = found.to_json()
    assert [r["best_ap"] for r in facts["runs"]] == [0.4, 0.5]
    assert [p["ap"] for p in facts["runs"][1]["curve"]] == [0.5, 0.3]


def test_curves_of_different_lengths_are_laid_side_by_side(make_run) -> None:
    long, short = tell(make_run("a"), two_epochs()), tell(make_run("b"), two_epochs()[:5])
    curves = compare(history_of(long), history_of(short)).curves()
    assert [(epoch, a.ap, b.ap if b else None) for epoch, a, b in curves] == [(1, 0.4, 0.4), (2, 0.3, None)]


def test_a_class_that_one_run_does_not_know_has_no_difference(make_run) -> None:
    one = tell(make_run("a"), [started(1), validated(2, 1, 0.3, ring=0.3)])
    two = tell(make_run("b"), [started(1), validated(2, 1, 0.3, ring=0.3, disc=0.3)])
    (_, disc) = compare(history_of(one), history_of(two)).classes
    assert (disc.first, disc.second, disc.difference) == (None, 0.3, None)
