"""The fluid bench with a stand-in for the trainer: the measuring itself, not the figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.events import StepDone, to_line
from engine.project.runs import RunFolder
from gui.bench import fluid
from gui.bench.strokes import summary

pytestmark = pytest.mark.gui

TRAINER = """
import os, sys, time
from pathlib import Path
from engine.events import AttemptEnded, AttemptStarted, StepDone, to_line
from engine.project.runs import RunFolder
run = RunFolder(Path(sys.argv[1]))
with run.hold(), run.events_path.open("a", buffering=1) as out:
    out.write(to_line(AttemptStarted(run=run.id, attempt=1, epochs=9, device="cpu", dtype="float32", pid=os.getpid(),
        train_images=4, val_images=2, categories=["nut"])))
    step = 0
    while not run.stop_requested():
        step += 1
        out.write(to_line(StepDone(epoch=(step - 1) // 100 + 1, step=step, steps_per_epoch=100, losses={"total": 1.0},
            learning_rate=0.01, images_per_second=2.0, seconds_left=10.0)))
        time.sleep(0.03)
    out.write(to_line(AttemptEnded(outcome="stopped", epoch=0, step=step)))
"""


def step(number: int, time: float, epoch: int = 1) -> StepDone:
    return StepDone(
        time=time, epoch=epoch, step=number, steps_per_epoch=8, losses={}, learning_rate=0.01, images_per_second=1,
        seconds_left=0,
    )  # fmt: skip


def test_steps_are_compared_after_the_warm_up_and_not_across_a_validation(tmp_path: Path):
    times = [0, 9, 18, 27, 36, 45, 46, 47, 100, 101]  # a slow warm-up, then 1 s a step, a validation after step 8
    events = [step(n + 1, t, epoch=1 if n < 8 else 2) for n, t in enumerate(times)]
    run = RunFolder(tmp_path)
    run.events_path.write_text("".join(to_line(e) for e in events))
    assert fluid.seconds_per_step(run, 10) == pytest.approx((9 + 1 + 1 + 1) / 4)


def test_lateness_is_summed_up_by_rank():
    late = summary([float(n) for n in range(1, 101)])
    assert (late["p50_ms"], late["p99_ms"], late["max_ms"], late["count"]) == (51, 99, 100, 100)
    assert summary([])["count"] == 0


def test_all_parts_are_measured_with_strokes_that_reach_the_store(qtbot, monkeypatch, collect_in_the_gui_thread):
    def stand_in(run: RunFolder, *, resume: bool = False) -> list[str]:
        return [sys.executable, "-c", TRAINER, str(run.path)]

    monkeypatch.setattr(fluid, "train_command", stand_in)
    monkeypatch.setattr("gui.engine_thread.train_command", stand_in)
    told: list[str] = []
    result = fluid.measure(seconds=1.5, steps=60, tell=told.append)
    assert told == ["training alone …", "painting at rest …", "painting while training …", "training alone again …"]
    assert result["idle"]["count"] > 20
    assert result["training"]["count"] > 20
    assert result["strokes"] >= 1
    alone = result["trainer"]["headless_each"]
    assert len(alone) == 2
    assert min(alone) > 0.02  # the stand-in sleeps for longer than that
    assert result["trainer"]["headless_s_per_step"] == pytest.approx(sum(alone) / 2)
    assert result["trainer"]["ratio"] == pytest.approx(
        result["trainer"]["painting_s_per_step"] / result["trainer"]["headless_s_per_step"]
    )
