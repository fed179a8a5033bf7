"""The Review room on staged predictions: verdicts by method (the keys are in the table of actions), undo, restart."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config import train_config
from engine.domain.annotation import ImageStatus, Instance, Origin, Split
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.events import EpochValidated, to_line
from engine.project.predictions import PredictionStore
from engine.project.records import Verdict
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore
from gui.engine_thread import EngineThread
from gui.session import Session
from gui.workspaces.review import ReviewRoom

pytestmark = pytest.mark.gui
H, W = 80, 100
EPOCH = 3

SERVICE = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    values = {"found": 5, "images": 3, "epoch": 3, "unreadable": [], "asked": request["args"]}
    if request["args"].get("split") == "test":
        print(json.dumps({"id": request["id"], "kind": "error", "text": "There is no image to detect in."}), flush=True)
    else:
        print(json.dumps({"id": request["id"], "kind": "result", "values": values}), flush=True)
"""


def ring(x: int, y: int) -> Mask:
    return Mask.from_box((x, y, x + 30, y + 30), H, W) - Mask.from_box((x + 10, y + 10, x + 20, y + 20), H, W)


def predicted(image: int, category: int, score: float, mask: Mask) -> Prediction:
    return Prediction(0, image, category, score, tuple(float(v) for v in mask.box), mask, 1)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Image 1: washer or gasket on one ring.  Image 2: two nuts.  Image 3: what is labelled already."""
    folder = tmp_path / "project"
    with ProjectStore.create(folder) as store:
        with store.change("Images") as change:
            for name in ("washer", "nut", "gasket"):
                change.add_category(name)
            for number in (1, 2, 3):
                path = folder / f"img_{number}.png"
                Image.fromarray(np.full((H, W, 3), 90, np.uint8)).save(path)
                change.add_image(path, W, H, split=Split.VAL)
        annotation = store.annotation(3)
        with store.change("Draw") as change:
            label = Instance.from_mask(ring(5, 5), 1)
            change.put_annotation(type(annotation)(3, H, W, (label,)))
    run = RunFolder(folder / "runs" / "20260101-000000")
    (run.path / "checkpoints").mkdir(parents=True)
    (run.path / "config.json").write_text(train_config("quick").model_dump_json())
    run.events_path.write_text(
        to_line(EpochValidated(epoch=EPOCH, step=9, mask_ap=0.5, mask_ap50=0.5, box_ap=0.5, box_ap50=0.5, seconds=1))
    )
    with PredictionStore(run.predictions_path, read_only=False) as store:
        group = (predicted(1, 1, 0.83, ring(20, 20)), predicted(1, 3, 0.79, ring(21, 20)))
        nuts = (predicted(2, 2, 0.9, ring(5, 5)), predicted(2, 2, 0.7, ring(50, 40)))
        for image, found in ((1, group), (2, nuts), (3, (predicted(3, 1, 0.9, ring(5, 5)),))):
            store.add(Detections(image, H, W, found), EPOCH)
    return folder


def open_room(folder: Path, qtbot) -> ReviewRoom:
    service = [sys.executable, "-c", SERVICE]
    session = Session(engine=EngineThread(service=lambda f: service, poll_ms=20))
    assert session.open_project(folder)
    room = ReviewRoom(session)
    qtbot.addWidget(room)
    room.resize(1200, 700)
    with qtbot.waitSignal(room.loaded, timeout=10000):
        room.show()
    return room


@pytest.fixture
def room(folder, qtbot):
    room = open_room(folder, qtbot)
    yield room
    room.session.shutdown()


def verdicts(room: ReviewRoom) -> list[Verdict]:
    return [d.verdict for d in sorted(room.session.store.decisions(), key=lambda d: d.prediction_id)]


def test_the_room_opens_at_the_group_with_its_reason_on_the_canvas(room):
    item = room.item
    assert item.group is not None
    document = room.session.document
    assert document.image_id == 1
    assert document.highlight == frozenset(item.predictions)
    assert document.highlight_tag[0] == "washer 0.83 · gasket 0.79"
    assert document.highlight_tag[1].startswith("one object, two classes · IoU 0.9")
    rows = room.column.choices.choices.rows()
    assert [r.key for r in rows] == ["1", "2", "B", "R", "U"]
    assert rows[0].chip == "suggested"


def test_keeping_the_second_candidate_is_one_change_and_one_undo(room):
    room.keep(2)
    store = room.session.store
    (instance,) = store.annotation(1).instances
    assert (instance.category_id, instance.origin) == (3, Origin.MODEL)
    assert instance.mask == ring(21, 20)
    assert (instance.provenance.epoch, instance.provenance.score) == (EPOCH, pytest.approx(0.79))
    assert sorted(verdicts(room)) == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert room.item.image_id == 2, "on to what matters next"
    store.undo(1)
    assert store.annotation(1).instances == ()
    assert store.decisions() == ()


def test_both_are_right_keeps_both(room):
    room.both()
    assert [i.category_id for i in room.session.store.annotation(1).instances] == [1, 3]


def test_rejecting_a_group_rejects_all_of_it(room):
    room.reject()
    assert room.session.store.annotation(1).instances == ()
    assert verdicts(room) == [Verdict.REJECTED, Verdict.REJECTED]


def test_accept_and_reject_go_through_the_objects_of_an_image_and_then_on(room):
    room.go_to("i2")
    first, second = room.item.open
    room.accept()
    assert (room.item.image_id, room._focus) == (2, second)
    assert first not in {p.id for p in room.session.document.predictions}, "a decided one is drawn as an object now"
    room.reject()
    assert room.item.group is not None, "the group is all that is left"
    assert len(room.session.store.annotation(2)) == 1


def test_unsure_comes_back_later(room):
    room.unsure()
    assert room.item.image_id == 2
    assert room.queue.items[0].chip == "unsure"
    assert not room.queue.items[0].settled


def test_edit_takes_the_object_and_goes_on_in_annotate_with_it_selected(room, qtbot):
    room.go_to("i2")
    with qtbot.waitSignal(room.go_wanted) as went:
        room.edit()
    assert went.args == ["annotate"]
    (instance,) = room.session.store.annotation(2).instances
    assert instance.origin is Origin.CORRECTED
    assert room.session.document.selection == {instance.id}


def test_done_next_marks_the_image_done_and_settles_it(room):
    room.go_to("i2")
    room.done_next()
    assert room.session.store.image(2).status is ImageStatus.DONE
    assert room.queue.item("i2").settled


def test_what_agrees_with_a_label_is_only_drawn_when_everything_is_shown(room):
    room.go_to("i3")
    assert room.session.document.predictions == ()
    assert "labels agree" in room.column.reason.text()
    room.bar.show_what.setCurrentIndex(1)
    room.bar.show_changed.emit("all")
    assert len(room.session.document.predictions) == 1


def test_the_slider_hides_what_is_below_it(room):
    room.go_to("i2")
    room.bar.score.setValue(80)
    assert room.item.open == room.item.predictions
    assert len(room.item.open) == 1
    assert len(room.session.document.predictions) == 1


def test_the_filmstrip_and_the_queue_stay_together(room):
    room.session.open_image(2)
    assert room.item.image_id == 2


def test_leaving_the_room_takes_the_predictions_off_the_image(room):
    assert room.session.document.predictions
    room.hide()
    assert room.session.document.predictions == ()


def test_verdicts_are_there_again_after_a_restart(room, folder, qtbot):
    room.keep(1)
    room.session.shutdown()
    again = open_room(folder, qtbot)
    group = next(i for i in again.queue.items if i.group is not None)
    assert (group.chip, group.settled) == ("kept washer", True)
    assert again.item.image_id == 2
    again.session.shutdown()


def test_a_prediction_whose_class_is_gone_is_refused_with_a_sentence(room, qtbot):
    heard = []
    room.session.message.connect(lambda level, text: heard.append(text))
    with qtbot.waitSignal(room.loaded, timeout=10000):
        room.session.remove_category(3)
    room.keep(2)
    assert "no longer in the project" in heard[-1]
    assert room.session.store.annotation(1).instances == ()


def test_detect_asks_for_the_chosen_checkpoint_and_reads_what_it_found(room, qtbot):
    heard = []
    room.session.message.connect(lambda level, text: heard.append((level, text)))
    room.bar.where.setCurrentIndex(room.bar.where.findData("val"))
    with qtbot.waitSignals([room.session.engine.reply, room.loaded], timeout=15000) as _:
        room.detect()
        assert room.bar._cancel.isVisible()
    assert ("info", "5 predictions in 3 images, by epoch 3.") in heard
    assert not room.bar._cancel.isVisible()


def test_a_detection_that_fails_tells_why_and_can_be_asked_again(room, qtbot):
    heard = []
    room.session.message.connect(lambda level, text: heard.append((level, text)))
    room.bar.where.setCurrentIndex(room.bar.where.findData("test"))
    with qtbot.waitSignal(room.session.engine.failed, timeout=15000):
        room.detect()
    assert heard[-1] == ("error", "There is no image to detect in.")
    assert room._request == 0


def test_without_a_run_the_room_says_to_train_first(tmp_path, qtbot):
    ProjectStore.create(tmp_path / "empty").close()
    session = Session(engine=EngineThread(service=lambda f: [sys.executable, "-c", ""], poll_ms=20))
    session.open_project(tmp_path / "empty")
    room = ReviewRoom(session)
    qtbot.addWidget(room)
    room.show()
    assert room._notice.text() == "No network yet"
    with qtbot.waitSignal(room.go_wanted) as went:
        room._notice_button.click()
    assert went.args == ["train"]
    session.shutdown()
