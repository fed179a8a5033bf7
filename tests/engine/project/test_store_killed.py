"""kill -9 at any moment loses at most the change that was being made, and undo still works."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.domain import edits
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.project.store import ProjectStore

ROOT = Path(__file__).resolve().parents[3]
HEIGHT, WIDTH = 200, 300

# The child says how many steps are saved, as fast as it can, until it is killed.
CHILD = """
import importlib.util, sys
from engine.project.store import ProjectStore
spec = importlib.util.spec_from_file_location("killed", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
with ProjectStore.open(sys.argv[2]) as store:
    for number in range(int(sys.argv[3]), 10**9):
        script.step(store, number)
        print(number, flush=True)
"""


def step(store: ProjectStore, number: int) -> None:
    """The `number`-th step of a session, always the same: strokes, a bulk change now and then, an undo and a redo."""
    if number % 7 == 3:
        with store.change(f"Step {number}") as change:
            for image_id in (1, 2):
                change.set_split(image_id, Split.TRAIN if number % 2 else Split.VAL)
                change.put_annotation(_painted(store, image_id, number))
    elif number % 7 == 5:
        store.undo(1 + number % 2)
    elif number % 7 == 6:
        store.redo(1 + (number - 1) % 2)
    else:
        before = store.annotation(1 + number % 2)
        store.commit_annotation(before, _painted(store, before.image_id, number), f"Step {number}")


def _painted(store: ProjectStore, image_id: int, number: int) -> Annotation:
    rng = np.random.default_rng(number)
    x, y = int(rng.integers(WIDTH - 40)), int(rng.integers(HEIGHT - 40))
    stroke = Mask.from_crop(rng.random((40, 40)) < 0.5, x, y, HEIGHT, WIDTH)
    before = store.annotation(image_id)
    if len(before) < 3:
        return edits.add(before, Instance.from_mask(stroke, 1, id=f"{image_id}-{number}"))
    chosen = before.instances[number % 3]
    assert chosen.mask is not None
    return edits.replaced(before, replace(chosen.with_mask(chosen.mask ^ stroke)))


def _new_project(folder: Path) -> None:
    with ProjectStore.create(folder) as store, store.change("Set up") as change:
        change.add_category("nut")
        for name in ("a.png", "b.png"):
            change.add_image(name, WIDTH, HEIGHT)


def _state(store: ProjectStore) -> object:
    return store.images(), tuple(store.annotations()), store.undo_label(1), store.redo_label(1), store.undo_label(2)


def _run_and_kill(folder: Path, first: int, kill_after: int) -> int:
    """Steps from `first` on until about `kill_after` more are saved; the last one that was reported."""
    command = [sys.executable, "-c", CHILD, __file__, str(folder), str(first)]
    last = first - 1
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(kill_after):
            last = int(child.stdout.readline())
        child.kill()  # while the next step is under way
        rest = child.stdout.read().split("\n")
    return max([last, *(int(line) for line in rest[:-1] if line)])


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX thing")
def test_a_killed_writer_loses_at_most_the_step_under_way_and_the_history_stays_whole(tmp_path: Path) -> None:
    rng = random.Random(0)
    _new_project(tmp_path / "killed")
    _new_project(tmp_path / "whole")
    done = 0
    with ProjectStore.open(tmp_path / "whole") as whole:
        for _ in range(5):
            reported = _run_and_kill(tmp_path / "killed", done, rng.randint(1, 40))
            with ProjectStore.open(tmp_path / "killed") as killed:
                for number in range(done, reported + 1):
                    step(whole, number)
                done = reported + 1
                if _state(killed) != _state(whole):  # saved, but killed before it could say so
                    step(whole, done)
                    done += 1
                assert _state(killed) == _state(whole)
                assert killed._db.one("PRAGMA integrity_check") == ("ok",)
                _same_all_the_way_back(killed, whole)


def _same_all_the_way_back(killed: ProjectStore, whole: ProjectStore) -> None:
    steps = 0
    while steps < 15 and killed.undo() is not None:
        whole.undo()
        steps += 1
        assert tuple(killed.annotations()) == tuple(whole.annotations())
    for _ in range(steps):
        killed.redo()
        whole.redo()
    assert steps > 0
    assert _state(killed) == _state(whole)
