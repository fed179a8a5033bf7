"""The split dialog with groups: shown before they are applied, found off the gui thread, one undo step."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from engine.domain.annotation import Split
from engine.project.groups import GroupBy, group_names
from engine.project.store import ProjectStore
from gui.dialogs.split_dialog import GROUPINGS, SplitDialog
from gui.engine_thread import EngineThread
from gui.models.split_preview import SplitWish, preview
from gui.session import Session

pytestmark = pytest.mark.gui
TITLES = {by: title for title, by in GROUPINGS.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures: six of part a (two of them alike), three of part b in a folder, and one alone."""
    folder = tmp_path / "project"
    names = [f"a_{n}.png" for n in range(6)] + [f"more/b_{n}.png" for n in range(3)] + ["alone.png"]
    with ProjectStore.create(folder) as store, store.change("Images") as change:
        (folder / "more").mkdir()
        for number, name in enumerate(names):
            patches = np.random.default_rng(max(1, number)).integers(0, 255, (6, 8, 3), dtype=np.uint8)
            size = (96, 64) if number else (192, 128)
            Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC).save(folder / name)
            change.add_image(folder / name, *size)
    return folder


@pytest.fixture
def session(qapp, folder):
    idle = [sys.executable, "-c", ""]
    session = Session(engine=EngineThread(trainer=lambda r, resume: idle, service=lambda f: idle, poll_ms=20))
    assert session.open_project(folder)
    yield session
    session.shutdown()


@pytest.fixture
def window(qtbot) -> QWidget:
    """The dialog's parent: a dialog deletes itself when it is closed, so only its parent is for the end."""
    window = QWidget()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def dialog(session, window):
    dialog = SplitDialog(session, window)
    dialog.open()
    return dialog


def group_by(dialog: SplitDialog, by: GroupBy | None, qtbot) -> None:
    dialog.by.setCurrentText(TITLES[by])
    if by is not None:
        qtbot.waitUntil(lambda: bool(dialog.groups.summary.text()), timeout=20000)


def rows(dialog: SplitDialog) -> list[tuple[str, str]]:
    tree = dialog.groups.tree
    return [(tree.topLevelItem(n).text(0), tree.topLevelItem(n).text(1)) for n in range(tree.topLevelItemCount())]


def splits(session: Session) -> dict[str, Split]:
    return {r.path: r.split for r in session.store.images()}


def test_groups_are_shown_largest_first_with_their_images_and_nothing_is_changed(dialog, session, qtbot):
    group_by(dialog, GroupBy.NAME, qtbot)
    assert dialog.groups.summary.text() == "3 groups of 10 images; the largest has 6."
    assert rows(dialog) == [("a", "6"), ("b", "3"), ("Images alone", "1")]
    part_b = dialog.groups.tree.topLevelItem(1)
    assert [part_b.child(n).text(0) for n in range(3)] == [f"more/b_{n}.png" for n in range(3)]
    assert set(splits(session).values()) == {Split.NONE}


def test_what_was_shown_is_what_is_made_and_one_undo_takes_it_back(dialog, session, qtbot):
    dialog.val.value.setValue(30)
    group_by(dialog, GroupBy.NAME, qtbot)
    shown = dialog.then.text()
    dialog.primary.click()
    made = splits(session)
    assert shown == "7 training · 3 validation"
    assert {path for path, split in made.items() if split is Split.VAL} == {f"more/b_{n}.png" for n in range(3)}
    session.undo()
    assert set(splits(session).values()) == {Split.NONE}


def test_sizes_that_whole_groups_miss_are_told(dialog, qtbot):
    dialog.val.value.setValue(50)
    group_by(dialog, GroupBy.NAME, qtbot)
    assert "as close to the sizes above as whole groups come" in dialog.then.text()


def test_folders_and_similar_pictures_make_groups_too(dialog, qtbot):
    group_by(dialog, GroupBy.FOLDER, qtbot)
    assert rows(dialog) == [("(no folder)", "7"), ("more", "3")]
    group_by(dialog, GroupBy.SIMILAR, qtbot)
    assert rows(dialog) == [("a_0.png", "2"), ("Images alone", "8")]


def test_groups_are_looked_for_off_the_gui_thread(dialog, qtbot, monkeypatch):
    threads: list[threading.Thread] = []

    def noted(store, by, **arguments):
        threads.append(threading.current_thread())
        return group_names(store, by, **arguments)

    monkeypatch.setattr("gui.models.split_preview.group_names", noted)
    group_by(dialog, GroupBy.FOLDER, qtbot)
    assert threads
    assert threading.main_thread() not in threads


def test_a_pattern_that_cannot_be_used_is_told_and_no_split_can_be_made(dialog, qtbot):
    group_by(dialog, GroupBy.NAME, qtbot)
    assert dialog.pattern.isVisible()
    dialog.pattern.setText("a_(")
    dialog.pattern.textEdited.emit("a_(")
    assert not dialog.primary.isEnabled()
    qtbot.waitUntil(lambda: "cannot be read" in dialog.groups.summary.text(), timeout=20000)
    assert "--pattern" not in dialog.groups.summary.text()
    assert not dialog.primary.isEnabled()


def test_a_changed_size_asks_again_before_the_split_can_be_made(dialog, qtbot):
    group_by(dialog, GroupBy.FOLDER, qtbot)
    assert dialog.primary.isEnabled()
    dialog.val.value.setValue(60)
    assert not dialog.primary.isEnabled()
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=20000)
    assert dialog.then.text().startswith("3 training · 7 validation")


def test_without_groups_the_dialog_is_as_it_was(dialog, session, qtbot):
    group_by(dialog, GroupBy.NAME, qtbot)
    group_by(dialog, None, qtbot)
    assert not dialog.groups.isVisible()
    assert dialog.then.text() == "8 training · 2 validation"
    dialog.primary.click()
    assert list(splits(session).values()).count(Split.VAL) == 2


def test_one_group_of_everything_is_refused_in_words(dialog, session, qtbot):
    with session.store.change("Remove") as change:
        for record in session.store.images():
            if record.path.startswith("more"):
                change.remove_image(record.id)
    group_by(dialog, GroupBy.FOLDER, qtbot)
    assert "all images are in one group" in dialog.then.text()
    assert not dialog.primary.isEnabled()


def test_a_group_that_is_torn_already_shows_both_sets(session):
    ids = {r.path: r.id for r in session.store.images()}
    with session.store.change("Splits") as change:
        change.set_split(ids["a_0.png"], Split.TRAIN)
        change.set_split(ids["a_1.png"], Split.VAL)
        change.set_split(ids["more/b_0.png"], Split.VAL)
    names = group_names(session.store, GroupBy.NAME, pattern="^(.+)_[0-9]+")
    shown = preview(session.store, names, SplitWish(0.2, 0, 0, only_unassigned=True))
    torn = next(row for row in shown.groups if row.name == "a")
    assert set(torn.splits) == {Split.TRAIN, Split.VAL}
    assert sum(shown.counts.values()) == 10
