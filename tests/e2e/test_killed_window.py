"""``kill -9`` of the window loses at most the stroke under the mouse, and undo still works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.project.images import add_images
from engine.project.store import ProjectStore

pytestmark = [pytest.mark.gui]
SCRIPT = Path(__file__).with_name("editing_session.py")


def killed_session(folder: Path, seconds: float) -> int:
    """Let the scripted session work for a moment, kill it; the number of objects it had told of."""
    root = str(Path(__file__).parents[2])
    session = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert session.stdout is not None
    assert session.stdout.readline() == "ready\n"
    time.sleep(seconds)
    os.kill(session.pid, signal.SIGKILL)
    told = [line for line in session.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    session.wait()
    session.stdout.close()
    return int(told[-1]) if told else 0


def check_after_kill(folder: Path, told: int) -> int:
    """Objects in the reopened project: all that were told, at most one more; the newest can be undone."""
    with ProjectStore.open(folder) as store:
        image_id = store.images()[0].id
        found = len(store.annotation(image_id))
        assert told <= found <= told + 1
        before = store.annotation(image_id)
        store.undo(image_id)
        assert len(store.annotation(image_id)) == found - 1
        store.redo(image_id)
        assert store.annotation(image_id) == before
    return found


@pytest.fixture
def drawn_project(image_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    with ProjectStore.create(folder) as store:
        add_images(store, image_folder)
        with store.change("Add class") as change:
            change.add_category("blob")
    return folder


def kill_at_random_moments(folder: Path, times: int, seed: int) -> None:
    rng = random.Random(seed)
    found = 0
    for _ in range(times):
        told = killed_session(folder, rng.uniform(0.0, 0.6))
        found = check_after_kill(folder, max(told, found))
    assert found > times / 2  # it really painted


def test_a_killed_window_loses_at_most_the_stroke_under_the_mouse(drawn_project: Path) -> None:
    kill_at_random_moments(drawn_project, 3, seed=0)


@pytest.mark.slow
def test_fifty_killed_windows_lose_at_most_the_stroke_under_the_mouse(drawn_project: Path) -> None:
    kill_at_random_moments(drawn_project, 50, seed=1)
