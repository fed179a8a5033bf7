"""The engine thread with small fake trainers and services (no torch)."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QThread

from engine.config import Layers, Stage, StagePlan, TrainConfig
from engine.events import AttemptStarted, StepDone
from engine.project.runs import RunFolder, RunState
from gui.engine_thread import EngineThread

pytestmark = pytest.mark.gui

TRAINER = """
import os, sys, time
from pathlib import Path
from engine.events import AttemptStarted, AttemptEnded, StepDone, CheckpointSaved, to_line
from engine.project.runs import RunFolder

run, mode, resume = RunFolder(Path(sys.argv[1])), sys.argv[2], sys.argv[3] == "True"
with run.hold(), run.events_path.open("a", buffering=1) as out:
    first = 3 if resume else 1
    out.write(to_line(AttemptStarted(run=run.id, attempt=2 if resume else 1, resumed_step=first - 1, epochs=2,
        device="cpu", dtype="float32", pid=os.getpid(), train_images=4, val_images=2, categories=["nut"])))
    for step in range(first, 5 if mode == "finish" else 100000):
        if run.stop_requested():
            out.write(to_line(AttemptEnded(outcome="stopped", epoch=1, step=step)))
            break
        out.write(to_line(StepDone(epoch=1, step=step, steps_per_epoch=4, losses={"total": 1.0 / step},
            learning_rate=0.01, images_per_second=2.0, seconds_left=10.0)))
        time.sleep(0.02)
    else:
        out.write(to_line(AttemptEnded(outcome="finished", epoch=2, step=4)))
"""

SERVICE = """
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    name, id = request["name"], request["id"]
    def say(kind, **values):
        print(json.dumps({"id": id, "kind": kind, "values": values}), flush=True)
    if name == "crash":
        os.kill(os.getpid(), 9)
    elif name == "detect":
        print("some library prints this")
        print(json.dumps({"id": 9999, "kind": "result", "values": {"stale": True}}), flush=True)
        say("progress", done=1, total=2)
        say("result", found=3)
    elif name == "unload":
        open(sys.argv[1] + "/unloaded", "w").close()
        say("result", unloaded=True, device="cpu")
    elif name != "hang":
        say("result", pid=os.getpid(), name=name)
"""


class Heard(QObject):
    """Everything the thread said, and in which thread it was said."""

    def __init__(self, engine: EngineThread) -> None:
        super().__init__()
        self.events: list[object] = []
        self.states: list[object] = []
        self.histories: list[object] = []
        self.replies: dict[int, object] = {}
        self.progressed: list[object] = []
        self.failures: list[tuple[int, str]] = []
        self.said: list[str] = []
        self.threads: set[QThread] = set()
        engine.run_event.connect(self.on_event)
        engine.run_state.connect(self.states.append)
        engine.history.connect(self.histories.append)
        engine.reply.connect(self.replies.__setitem__)
        engine.progress.connect(self.on_progress)
        engine.failed.connect(self.on_failed)
        engine.service_state.connect(self.said.append)

    def on_event(self, event: object) -> None:
        self.threads.add(QThread.currentThread())
        self.events.append(event)

    def on_progress(self, request_id: int, values: object) -> None:
        self.progressed.append(values)

    def on_failed(self, request_id: int, text: str) -> None:
        self.failures.append((request_id, text))

    @property
    def state(self) -> RunState | None:
        return self.states[-1].state if self.states else None  # type: ignore[attr-defined]


def make_run(folder: Path, name: str = "20260101-000000") -> RunFolder:
    path = folder / "runs" / name
    (path / "data").mkdir(parents=True)
    plan = StagePlan(stages=(Stage(layers=Layers.HEADS, until_epoch=2, learning_rate=0.01),))
    (path / "config.json").write_text(TrainConfig(plan=plan).model_dump_json())
    return RunFolder(path)


class Mode:
    """What the next fake trainer does."""

    value = "run"


@pytest.fixture
def mode() -> Mode:
    return Mode()


@pytest.fixture
def engine(qapp, mode, tmp_path):
    def trainer(run: RunFolder, resume: bool) -> list[str]:
        return [sys.executable, "-c", TRAINER, str(run.path), mode.value, str(resume)]

    def service(folder: Path) -> list[str]:
        return [sys.executable, "-c", SERVICE, str(folder)]

    thread = EngineThread(trainer=trainer, service=service, poll_ms=20)
    thread.start()
    yield thread
    thread.stop_run()
    assert thread.shutdown(), "the thread did not end"


@pytest.fixture
def heard(engine) -> Heard:
    return Heard(engine)


def pid_of(heard: Heard) -> int:
    return next(e.pid for e in heard.events if isinstance(e, AttemptStarted))


def wait_until_free(run: RunFolder) -> None:
    deadline = time.monotonic() + 10
    while run.is_live() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not run.is_live()


def test_a_run_is_started_followed_to_its_end_and_told_in_the_gui_thread(engine, heard, mode, tmp_path, qtbot):
    mode.value = "finish"
    engine.start_run(make_run(tmp_path))
    qtbot.waitUntil(lambda: heard.state is RunState.FINISHED, timeout=15000)
    steps = [e.step for e in heard.events if isinstance(e, StepDone)]
    assert steps == [1, 2, 3, 4]
    states = [s.state for s in heard.states]
    assert len(states) == len(set(states)), "each state is told once"
    assert heard.threads == {engine.thread()}


def test_the_trainer_runs_in_a_session_of_its_own_at_a_lower_priority(engine, heard, tmp_path, qtbot):
    engine.start_run(make_run(tmp_path))
    qtbot.waitUntil(lambda: heard.state is RunState.RUNNING and bool(heard.events), timeout=15000)
    pid = pid_of(heard)
    assert os.getsid(pid) != os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_a_stop_is_asked_for_and_keeps_the_run(engine, heard, tmp_path, qtbot):
    run = make_run(tmp_path)
    engine.start_run(run)
    qtbot.waitUntil(lambda: heard.state is RunState.RUNNING and len(heard.events) > 2, timeout=15000)
    engine.stop_run()
    qtbot.waitUntil(lambda: heard.state is RunState.STOPPED, timeout=15000)
    assert any(s.stopping for s in heard.states)
    engine.start_run(run, resume=True)
    qtbot.waitUntil(lambda: heard.state is RunState.RUNNING, timeout=15000)
    assert not run.stop_requested()


def test_a_killed_trainer_is_told_as_lost_and_probably_out_of_memory(engine, heard, tmp_path, qtbot):
    engine.start_run(make_run(tmp_path))
    qtbot.waitUntil(lambda: len(heard.events) > 2, timeout=15000)
    os.kill(pid_of(heard), signal.SIGKILL)
    qtbot.waitUntil(lambda: heard.state is RunState.LOST, timeout=15000)
    assert "-9: probably out of memory" in heard.states[-1].reason


def test_a_trainer_that_dies_before_its_first_word_is_lost_with_what_it_printed(qapp, tmp_path, qtbot):
    thread = EngineThread(
        trainer=lambda run, resume: [sys.executable, "-c", "raise SystemExit('no such device')"], poll_ms=20
    )
    heard = Heard(thread)
    thread.start()
    thread.start_run(make_run(tmp_path))
    qtbot.waitUntil(lambda: heard.state is RunState.LOST, timeout=15000)
    assert thread.shutdown()
    assert "no such device" in heard.states[-1].reason


def test_a_live_run_outlives_the_window_and_is_followed_again_at_the_next_opening(engine, heard, tmp_path, qtbot):
    run = make_run(tmp_path)
    make_run(tmp_path, "20270101-000000")  # a newer one that never started
    engine.start_run(run)
    qtbot.waitUntil(lambda: len(heard.events) > 3, timeout=15000)
    assert engine.shutdown()
    assert run.is_live()
    again = EngineThread(poll_ms=20)
    heard_again = Heard(again)
    again.start()
    again.open_project(tmp_path)
    qtbot.waitUntil(lambda: heard_again.state is RunState.RUNNING and len(heard_again.events) > 2, timeout=15000)
    seen = [e.step for e in (*heard_again.histories[0].events, *heard_again.events) if isinstance(e, StepDone)]
    assert seen == list(range(1, len(seen) + 1)), "each step once and none missing"
    again.stop_run()
    qtbot.waitUntil(lambda: heard_again.state is RunState.STOPPED, timeout=15000)
    assert again.shutdown()
    wait_until_free(run)


def test_requests_are_answered_by_id_and_stale_answers_and_prints_are_dropped(engine, heard, tmp_path, qtbot):
    engine.open_project(tmp_path)
    detect, ping = engine.request("detect"), engine.request("ping")
    qtbot.waitUntil(lambda: len(heard.replies) == 2, timeout=15000)
    assert heard.replies[detect] == {"found": 3}
    assert heard.replies[ping]["name"] == "ping"
    assert heard.progressed == [{"done": 1, "total": 2}]
    assert 9999 not in heard.replies


def test_a_crash_of_the_service_fails_its_request_and_the_next_one_starts_it_again(engine, heard, tmp_path, qtbot):
    engine.open_project(tmp_path)
    crash = engine.request("crash")
    qtbot.waitUntil(lambda: bool(heard.failures), timeout=15000)
    assert heard.failures[0][0] == crash
    assert "crashed" in heard.failures[0][1]
    ping = engine.request("ping")
    qtbot.waitUntil(lambda: ping in heard.replies, timeout=15000)


def test_the_service_gives_its_model_back_before_a_training_and_says_so(engine, heard, mode, tmp_path, qtbot):
    mode.value = "finish"
    engine.open_project(tmp_path)
    detect = engine.request("detect")
    qtbot.waitUntil(lambda: detect in heard.replies, timeout=15000)
    engine.start_run(make_run(tmp_path))
    qtbot.waitUntil(lambda: heard.state is RunState.FINISHED, timeout=15000)
    assert (tmp_path / "unloaded").exists()
    assert any("memory back" in text for text in heard.said)


def test_a_service_that_hangs_does_not_hold_up_the_end(engine, heard, tmp_path, qtbot):
    engine.open_project(tmp_path)
    engine.request("hang")
    qtbot.waitUntil(lambda: "starting" in heard.said, timeout=15000)
    started = time.monotonic()
    assert engine.shutdown()
    assert time.monotonic() - started < 5


def test_a_request_without_a_project_gets_a_sentence(engine, heard, qtbot):
    request = engine.request("ping")
    qtbot.waitUntil(lambda: bool(heard.failures), timeout=5000)
    assert heard.failures == [(request, "Open a project first.")]


def test_a_look_at_the_engine_after_the_end_does_not_start_it_again(qtbot) -> None:
    from gui.session import Session

    session = Session()
    engine = session.engine
    qtbot.waitUntil(engine.isRunning)
    session.shutdown()
    assert session.engine is engine
    assert not engine.isRunning()
