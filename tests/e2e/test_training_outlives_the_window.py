"""Train from the button, kill the window, edit, reopen: the run goes on, can be stopped and resumed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.domain import edits
from engine.domain.annotation import Instance, Split
from engine.domain.mask import Mask
from engine.events import StepDone
from engine.project.runs import RunFolder, RunState, engine_environment, list_runs, train_command
from engine.project.store import ProjectStore
from tests.engine.conftest import drawn_image

pytestmark = [pytest.mark.gui, pytest.mark.slow]
SCRIPT = Path(__file__).with_name("training_session.py")


@pytest.fixture
def rings(tmp_path: Path) -> Path:
    """A project of the drawn pictures, three to train on and one to validate."""
    pictures, folder = tmp_path / "pictures", tmp_path / "project"
    pictures.mkdir()
    with ProjectStore.create(folder) as store, store.change("Set up") as change:
        ids = {name: change.add_category(name).id for name in ("ring", "disc")}
        for number in range(1, 5):
            frozen = drawn_image(pictures, number)
            a = frozen.annotation
            image_id = change.add_image(frozen.path, a.width, a.height, split=frozen.split)
            instances = [Instance.from_mask(i.mask, ids["ring" if i.category_id == 1 else "disc"]) for i in a.instances]
            change.put_annotation(edits.add(type(a)(image_id, a.height, a.width), *instances))
    return folder


def press_train_and_kill(folder: Path, qtbot) -> RunFolder:
    """Press Train in a window of its own process, wait for the first step, kill that window."""
    root = str(Path(__file__).parents[2])
    window = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert window.stdout is not None
    assert window.stdout.readline() == "pressed\n"
    qtbot.waitUntil(lambda: bool(list_runs(folder)) and has_stepped(list_runs(folder)[0]), timeout=120_000)
    os.kill(window.pid, signal.SIGKILL)
    window.wait()
    window.stdout.close()
    return list_runs(folder)[0]


def has_stepped(run: RunFolder, steps: int = 1) -> bool:
    return sum(isinstance(e, StepDone) for e in run.events()) >= steps


def weights(run: RunFolder):
    from engine.model.weights import read_tensors

    return read_tensors(run.checkpoint("last"), "")


def test_a_run_started_by_the_button_survives_kill_edit_reopen_stop_and_resume_unchanged(
    rings: Path, make_window, qtbot, tmp_path: Path
) -> None:
    import torch

    run = press_train_and_kill(rings, qtbot)
    assert run.is_live()

    again = make_window()
    assert again.open_project(rings)
    again.go("train")
    store = again.session.store
    record = next(i for i in store.images() if i.split is Split.TRAIN)
    before = store.annotation(record.id)
    extra = Instance.from_mask(
        Mask.from_box((0, 0, 12, 12), before.height, before.width), before.instances[0].category_id
    )
    store.commit_annotation(before, edits.add(before, extra), "Add")

    engine = again.session.engine
    qtbot.waitUntil(lambda: engine.status is not None and engine.status.run.id == run.id, timeout=30_000)
    seen: list[object] = []
    engine.run_event.connect(seen.append)
    qtbot.waitUntil(lambda: any(isinstance(e, StepDone) for e in seen) or not run.is_live(), timeout=120_000)
    again.session.stop_training()
    qtbot.waitUntil(lambda: not run.is_live(), timeout=120_000)
    assert run.state() is RunState.STOPPED
    again.session.resume_training(run)
    qtbot.waitUntil(lambda: run.state() is RunState.FINISHED, timeout=240_000)

    twin = RunFolder(tmp_path / "runs" / "twin")
    twin.path.mkdir(parents=True)
    (twin.path / "checkpoints").mkdir()
    shutil.copytree(run.path / "data", twin.path / "data")
    shutil.copy(run.path / "config.json", twin.path / "config.json")
    subprocess.run(train_command(twin), env=engine_environment(), check=True)
    ours, theirs = weights(run), weights(twin)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
