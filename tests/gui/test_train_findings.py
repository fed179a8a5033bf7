"""The Train room says what stands out in the data, leads to the images, and refuses what cannot work."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QPushButton

from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.project.runs import list_runs
from engine.project.store import ProjectStore
from gui.engine_thread import EngineThread
from gui.session import Session
from gui.workspaces.train import TrainRoom

pytestmark = pytest.mark.gui


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures; the last two are for validation, and the very last is a copy of the first."""
    folder = tmp_path / "project"
    with ProjectStore.create(folder) as store, store.change("Fill") as change:
        nut = change.add_category("nut")
        for number in range(6):
            patches = np.random.default_rng(number % 5).integers(0, 255, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(patches).resize((96, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
            split = Split.TRAIN if number < 4 else Split.VAL
            image_id = change.add_image(folder / f"{number}.png", 96, 64, split=split)
            instance = Instance.from_mask(Mask.from_box((4, 4, 44, 44), 64, 96), nut.id)
            change.put_annotation(Annotation(image_id, 64, 96, (instance,)))
    return folder


@pytest.fixture
def session(qapp, folder):
    idle = [sys.executable, "-c", ""]
    session = Session(engine=EngineThread(trainer=lambda r, resume: idle, service=lambda f: idle, poll_ms=20))
    assert session.open_project(folder)
    yield session
    session.shutdown()


@pytest.fixture
def room(session, qtbot):
    room = TrainRoom(session)
    qtbot.addWidget(room)
    room.resize(1400, 900)
    with qtbot.waitSignal(room.findings.looked, timeout=20000):
        room.show()
    return room


def kinds(room: TrainRoom) -> list[str]:
    return [str(f.kind) for f in room.findings.findings]


def shown(room: TrainRoom) -> str:
    return " ".join(label.text() for label in room.findings.findChildren(QLabel) if not label.isHidden())


def test_what_stands_out_is_listed_with_its_weight(room, qtbot):
    assert kinds(room) == ["validation-small", "validation-small", "split-leak"]
    qtbot.waitUntil(lambda: "5.png (validation) and 0.png (training)" in shown(room), timeout=5000)
    assert shown(room).count("warning") == 3


def test_show_leads_to_the_images_one_after_the_other(room, session, qtbot):
    rooms: list[str] = []
    room.go_wanted.connect(rooms.append)
    leak = next(f for f in room.findings.findings if f.kind == "split-leak")
    button = room.findings.findChildren(QPushButton)[-1]
    visited = []
    for _ in range(3):
        button.click()
        visited.append(session.image_id)
    assert visited == [leak.image_ids[0], leak.image_ids[1], leak.image_ids[0]]
    assert rooms == ["annotate"] * 3


def test_an_edit_is_looked_at_again(room, session, qtbot):
    with qtbot.waitSignal(room.findings.looked, timeout=20000):
        session.change("Move", lambda change: change.set_split(6, Split.TRAIN))
    assert "split-leak" not in kinds(room)


def test_a_missing_image_refuses_the_training_until_it_is_back(room, session, qtbot, folder):
    heard: list[str] = []
    session.message.connect(lambda level, text: heard.append(text))
    pixels = (folder / "2.png").read_bytes()
    (folder / "2.png").unlink()
    with qtbot.waitSignal(room.findings.looked, timeout=20000):
        room.plan.use_preset("notes")
    qtbot.waitUntil(lambda: "2.png (The image is missing)" in shown(room), timeout=5000)
    (folder / "2.png").write_bytes(pixels)
    with qtbot.waitSignal(room.findings.looked, timeout=20000):
        assert room.start() is False
    assert "2.png (The image is missing)" in heard[-1]
    assert list_runs(folder) == []
    assert room.start()
    assert len(list_runs(folder)) == 1


def test_a_closed_project_leaves_no_findings_behind(room, session, qtbot):
    room.findings.look(room.plan.config())
    session.close_project()
    assert room.findings.findings == ()
    qtbot.waitUntil(lambda: room.findings._job is None, timeout=20000)
    assert room.findings.findings == ()
