"""Small pieces: hints, chips, lists, thumbnails, jobs, the image cache."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from engine.domain.annotation import ImageStatus, Instance, Origin, Provenance, Split
from engine.domain.mask import Mask
from engine.errors import ImageReadError
from gui.image_cache import ImageCache
from gui.jobs import Job
from gui.models.image_list import ImageRow, Thumbnails, describe
from gui.models.instance_list import ListRow, RowModel, hole_words, origin_chip
from gui.widgets.hint import split_hint
from gui.widgets.icons import glyph
from gui.widgets.panels import ago
from gui.widgets.run_chip import short_id, time_left
from gui.widgets.segmented import Segmented

pytestmark = pytest.mark.gui
RING = Mask.from_box((2, 2, 12, 12), 20, 20) - Mask.from_box((5, 5, 8, 8), 20, 20)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("drag outline the hole · Esc cancel", [("drag", "outline the hole"), ("Esc", "cancel")]),
        ("[ ] size 24 px", [("[ ]", "size 24 px")]),
        ("right-drag erase · Shift+click line", [("right-drag", "erase"), ("⇧click", "line")]),
        ("1 2 keep · Ctrl+Enter done", [("1", "2 keep"), ("Ctrl+Enter", "done")]),
        ("[1] [2] keep  [Ctrl ⏎] done, next", [("1", ""), ("2", "keep"), ("Ctrl ⏎", "done, next")]),
        ("Add a class first", [("", "Add a class first")]),
        ("dragging is over", [("", "dragging is over")]),
        ("", []),
    ],
)
def test_keys_at_the_beginning_of_a_part_become_key_caps(text, parts):
    assert list(split_hint(text)) == parts


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "now"), (12, "12 s"), (200, "3 min"), (7300, "2 h"), (400_000, "4 d"), (-5, "now")]
)
def test_how_long_ago_in_few_letters(seconds, words):
    assert ago(1000.0, 1000.0 + seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s left"), (50, "50 s left"), (840, "14 min left"), (9000, "2.5 h left")]
)
def test_time_left_is_rounded_to_what_matters(seconds, words):
    assert time_left(seconds) == words
    assert short_id("0007") == "7"


def test_an_objects_chip_tells_where_it_came_from():
    seen = Provenance("r1", 3, 0.914)
    assert origin_chip(Instance.from_mask(RING, 1)) == ("human", "")
    model = Instance.from_mask(RING, 1, origin=Origin.MODEL, provenance=seen)
    assert origin_chip(model) == ("model 0.91", "")
    assert origin_chip(model.with_mask(RING | Mask.from_box((5, 5, 6, 6), 20, 20))) == ("model · corrected", "ok")
    assert hole_words(model) == "1 hole"


def test_an_image_is_described_for_those_who_cannot_see_the_dot():
    row = ImageRow(1, "a.png", ImageStatus.DONE, Split.VAL, negative=False, count=1)
    assert describe(row) == "a.png: 1 object, done, validation"
    nothing = ImageRow(1, "b.png", ImageStatus.TODO, Split.NONE, negative=True, count=0)
    assert describe(nothing) == "b.png: nothing here, to do, in no split"


def test_a_list_changes_only_the_rows_that_differ(qtbot):
    model = RowModel()
    model.set_rows([ListRow(1, "a"), ListRow(2, "b")])
    resets, changed, added = [], [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda top, *_: changed.append(top.row()))
    model.rowsInserted.connect(lambda _parent, first, last: added.append((first, last)))
    model.set_rows([ListRow(1, "a"), ListRow(2, "B")])
    assert (changed, added, resets) == ([1], [], [])
    model.set_rows([ListRow(1, "a"), ListRow(2, "B"), ListRow(3, "c")])
    assert added == [(2, 2)]
    model.set_rows([ListRow(3, "c")])
    assert resets == [1]


def test_a_switch_tells_what_a_person_chose_and_not_what_was_set(qtbot):
    switch = Segmented([("a", "One"), ("b", "Two")])
    qtbot.addWidget(switch)
    told = []
    switch.chosen.connect(told.append)
    switch.set_current("b")
    assert (switch.current(), told) == ("b", [])
    switch.button("a").click()
    assert (switch.current(), told) == ("a", ["a"])


def test_every_thumbnail_that_is_asked_for_comes(qtbot, monkeypatch, tmp_path):
    gate = threading.Event()

    def slow(_path, _size):
        gate.wait(5)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr("engine.project.images.thumbnail", slow)
    thumbnails = Thumbnails()
    came = []
    thumbnails.ready.connect(came.append)
    for _ in range(3):  # views ask again with every painting
        for image_id in range(20):
            thumbnails.get(image_id, tmp_path, 100)
    gate.set()
    qtbot.waitUntil(lambda: len(came) == 20)
    assert sorted(came) == list(range(20))
    assert all(thumbnails.get(n, tmp_path, 100) is not None for n in range(20))
    thumbnails.stop()


def test_thumbnails_of_the_last_project_do_not_reach_this_one(qtbot, monkeypatch, tmp_path):
    gate = threading.Event()

    def slow(_path, _size):
        gate.wait(5)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr("engine.project.images.thumbnail", slow)
    thumbnails = Thumbnails()
    came = []
    thumbnails.ready.connect(came.append)
    thumbnails.get(1, tmp_path, 100)
    thumbnails.clear()
    thumbnails.get(2, tmp_path, 100)
    gate.set()
    qtbot.waitUntil(lambda: came == [2])
    thumbnails.stop()


def test_a_job_brings_its_result_and_its_error_to_the_main_thread(qtbot):
    seen = []
    job = Job("test", lambda report: report(0.5, "half") or threading.current_thread().name)
    job.progress.connect(lambda part, text: seen.append((part, text, threading.current_thread().name)))
    with qtbot.waitSignal(job.done) as done:
        job.start()
    assert done.args == ["test"]
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0] == (0.5, "half", "MainThread")
    broken = Job("test", lambda report: int("x"))
    with qtbot.waitSignal(broken.failed) as failed:
        broken.start()
    assert isinstance(failed.args[0], ValueError)


def test_the_image_cache_forgets_the_oldest_beyond_its_limit(tmp_path, monkeypatch):
    read = []

    def fake(path):
        read.append(path.name)
        return np.zeros((10, 10, 3), np.uint8)

    monkeypatch.setattr("engine.project.images.read_image", fake)
    cache = ImageCache(limit=700)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.get(tmp_path / name)
    assert read == ["a", "b", "c", "b"]


def test_prefetching_a_broken_image_is_silent_until_it_is_opened(tmp_path, qtbot):
    (tmp_path / "x.png").write_bytes(b"no image")
    cache = ImageCache()
    cache.prefetch([tmp_path / "x.png"])
    qtbot.waitUntil(lambda: cache._worker is None)
    with pytest.raises(ImageReadError):
        cache.get(tmp_path / "x.png")


def test_every_icon_named_in_the_code_exists():
    import re
    from pathlib import Path

    root = Path(__file__).parents[2] / "gui"
    names = set()
    for file in root.rglob("*.py"):
        names |= set(re.findall(r'icon\("([a-z0-9-]+)"', file.read_text(encoding="utf-8")))
    from gui.actions import TABLE

    names |= {s.icon for s in TABLE if s.icon}
    assert [n for n in sorted(names) if not glyph(n)] == []
