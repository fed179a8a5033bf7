"""Boxes alone: draw, train, detect, evaluate, reopen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.domain.annotation import Split
from engine.project.store import ProjectStore
from main import main

pytestmark = [pytest.mark.gui]
SQUARES = {"a": (20, 30), "b": (60, 20), "c": (35, 55), "d": (70, 60)}
SIDE = 34


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    folder = tmp_path / "squares"
    folder.mkdir()
    for name, (x, y) in SQUARES.items():
        image = Image.new("RGB", (128, 96), (40, 60, 50))
        image.paste((230, 210, 90), (x, y, x + SIDE, y + SIDE))
        image.save(folder / f"{name}.png")
    return folder


def draw_box(window, x: float, y: float) -> None:
    canvas = window.annotate.canvas
    canvas.set_tool("box")
    start, end = (canvas.widget_position(*p).toPoint() for p in ((x, y), (x + SIDE, y + SIDE)))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def test_boxes_are_drawn_trained_detected_evaluated_and_there_after_reopening(
    window, squares: Path, tmp_path: Path, qtbot, make_window, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "boxes"
    window.session.new_project(folder, boxes_only=True, images=squares)
    qtbot.waitUntil(lambda: not window.session.busy)
    window.session.add_category("square")
    for record in window.session.store.images():
        window.session.open_image(record.id)
        draw_box(window, *SQUARES[Path(record.name).stem])
        window.session.set_split(Split.VAL if record.name == "d.png" else Split.TRAIN)
    assert [len(window.session.store.annotation(i.id)) for i in window.session.store.images()] == [1, 1, 1, 1]
    window.close()

    settings = ("image_size=64", "threads=1", "device=cpu", "amp=off", "average=0", "warmup_steps=2", "batch_size=1")
    plan = ["--stages", "all:2@5e-3"]
    assert main(["train", str(folder), *plan, *(a for s in settings for a in ("--set", s))]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(folder), "--split", "val", "--epoch", "last", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["mask_ap"] is None
    assert facts["box_ap"] is not None
    assert main(["detect", str(folder), "--split", "val", "--epoch", "last", "--score", "0.0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found
    assert all("segmentation" not in entry for entry in found)

    again = make_window()
    assert again.open_project(folder)
    with_boxes = [again.session.store.annotation(i.id).instances[0] for i in again.session.store.images()]
    assert [i.mask for i in with_boxes] == [None] * 4
    x, y = SQUARES["a"]
    assert with_boxes[0].box_xyxy == pytest.approx((x, y, x + SIDE, y + SIDE), abs=1.5)
    with ProjectStore.open(folder, read_only=True) as store:
        assert store.boxes_only
