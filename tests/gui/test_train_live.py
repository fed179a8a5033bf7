"""Numbers and curves of a run in the Train room, from fabricated steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.config import train_config
from engine.events import EpochValidated, StepDone
from engine.project.runs import RunFolder, RunState
from engine.project.store import ProjectStore
from gui.engine_run import RunHistory, RunStatus
from gui.engine_thread import EngineThread
from gui.models.live_numbers import NUMBERS
from gui.models.run_log import RunLog
from gui.session import Session
from gui.workspaces.train import REFRESH_MS, TrainRoom
from gui.workspaces.train_classes import ClassesCard
from gui.workspaces.train_curves import SHARES
from gui.workspaces.train_live import LiveCard

pytestmark = pytest.mark.gui


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "project" / "runs" / "r"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(train_config("quick").model_dump_json())
    return RunFolder(folder)


@pytest.fixture
def room(qapp, qtbot, run):
    ProjectStore.create(run.path.parents[1]).close()
    idle = [sys.executable, "-c", ""]
    session = Session(engine=EngineThread(trainer=lambda r, resume: idle, service=lambda f: idle, poll_ms=20))
    assert session.open_project(run.path.parents[1])
    room = TrainRoom(session)
    qtbot.addWidget(room)
    room.resize(1400, 900)
    room.show()
    qtbot.waitExposed(room)
    yield room
    session.shutdown()


def step(number: int, **facts: float) -> StepDone:
    return StepDone(
        epoch=1, step=number, steps_per_epoch=10, losses={"loss_mask": 0.5}, learning_rate=0.01, images_per_second=2.0,
        seconds_left=100, facts=facts, gradient_norm=3.0, data_wait=0.25, memory_mib=1536.0,
    )  # fmt: skip


def validated(epoch: int, **per_class: float | None) -> EpochValidated:
    ap = next(iter(per_class.values()))
    return EpochValidated(
        epoch=epoch, step=10 * epoch, mask_ap=ap, mask_ap50=ap, box_ap=ap, box_ap50=ap, per_class=per_class, seconds=1
    )


def history(run: RunFolder, *events) -> RunHistory:
    return RunHistory(RunStatus(run, RunState.STOPPED), events)


def log_of(run: RunFolder, *events) -> RunLog:
    log = RunLog()
    log.load(history(run, *events))
    return log


def texts(table) -> list[list[str]]:
    return [[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())]


def test_the_numbers_of_the_newest_steps_are_shown_in_words(qtbot, run):
    card = LiveCard()
    qtbot.addWidget(card)
    card.refresh(log_of(run, step(1, foreground_accuracy=0.5), step(2, foreground_accuracy=0.7)))
    shown = {key: tile.value.text() for key, tile in card.tiles.items()}
    assert shown["foreground_accuracy"] == "60%"
    assert shown["images_per_second"] == "2.0"
    assert shown["data_wait"] == "25%"
    assert shown["memory_mib"] == "1.5 GiB"
    assert shown["mask_accuracy"] == "–"
    assert card.remark.text() == "mean of the last 2 steps"


def test_every_number_explains_itself_under_the_mouse_and_to_a_screen_reader(qtbot):
    card = LiveCard()
    qtbot.addWidget(card)
    assert len(card.tiles) == len(NUMBERS)
    for number in NUMBERS:
        tile = card.tiles[number.key]
        assert tile.accessibleName() == number.title
        assert tile.accessibleDescription() == f"{number.meaning} {number.healthy}"
        assert tile.toolTip().count("<p>") == 2


def test_a_run_without_steps_shows_dashes(qtbot, run):
    card = LiveCard()
    qtbot.addWidget(card)
    card.refresh(log_of(run))
    assert {tile.value.text() for tile in card.tiles.values()} == {"–"}


def test_the_share_that_is_chosen_is_drawn(room, run):
    room.log.load(history(run, *(step(n, mask_accuracy=0.9, rpn_recall50=0.8, rpn_recall70=0.4) for n in range(1, 6))))
    curves = room.share_card.chart._curves
    room.share_card.share.setCurrentText("Mask accuracy")
    assert curves["first"].getData()[1] == pytest.approx([0.9] * 5)
    room.share_card.share.setCurrentText("RPN recall")
    assert curves["first"].getData()[1] == pytest.approx([0.8] * 5)
    assert curves["second"].getData()[1] == pytest.approx([0.4] * 5)
    assert "80%</span> · <span" in room.share_card.remark.text()


def test_each_share_that_can_be_chosen_is_a_number_of_the_steps():
    keys = {number.key for number in NUMBERS}
    assert all(set(shown) <= keys for shown in SHARES.values())


def test_a_run_that_tells_faster_than_the_room_draws_is_drawn_all_the_same(room, run, qtbot):
    room.log.load(history(run))
    drawn: list[int] = []
    refresh = room.live.refresh
    room.live.refresh = lambda log: (drawn.append(len(log.steps)), refresh(log))
    numbers = iter(range(1, 10_000))

    def told_and_drawn() -> bool:
        room.log.add(step(next(numbers)))
        return len(drawn) >= 3

    qtbot.waitUntil(told_and_drawn, timeout=20 * REFRESH_MS)  # asks every 10 ms
    assert drawn == sorted(drawn)
    assert len(drawn) < len(room.log.steps)


def test_a_table_of_all_epochs_is_a_press_away(qtbot, run):
    card = ClassesCard()
    qtbot.addWidget(card)
    card.show()
    card.refresh(log_of(run, validated(1, nut=0.2, ring=None), validated(2, nut=0.6, ring=0.5),
                        validated(3, nut=0.4, ring=0.5)))  # fmt: skip
    assert card.classes.isVisible()
    assert [row[:3] for row in texts(card.classes)] == [["nut", "0.40", "0.60"], ["ring", "0.50", "0.50"]]
    card.switch.button("epochs").click()
    assert card.epochs.isVisible()
    assert not card.classes.isVisible()
    assert texts(card.epochs) == [
        ["3", "0.40", "0.40", "0.40", "0.50"],
        ["2, best", "0.60", "0.60", "0.60", "0.50"],
        ["1", "0.20", "0.20", "0.20", "–"],
    ]


def test_before_the_first_validation_there_is_no_table_and_no_switch(qtbot, run):
    card = ClassesCard()
    qtbot.addWidget(card)
    card.show()
    card.refresh(log_of(run, step(1)))
    assert not card.switch.isVisible()
    card.refresh(log_of(run, validated(1, nut=0.2)))
    assert card.switch.isVisible()
    card.refresh(log_of(run))
    assert not card.classes.isVisible()


def test_validations_that_are_shown_already_are_not_filled_in_again(qtbot, run):
    card = ClassesCard()
    qtbot.addWidget(card)
    log = log_of(run, validated(1, nut=0.2))
    card.refresh(log)
    cell = card.classes.item(0, 0)
    card.refresh(log)
    assert card.classes.item(0, 0) is cell
