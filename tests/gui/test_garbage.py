"""The cycle collector stays in the gui thread."""

from __future__ import annotations

import gc
import threading

import pytest
from PySide6.QtCore import QObject, QThread

from gui.garbage import GuiThreadCollector

pytestmark = pytest.mark.gui


class InACycle(QObject):
    """Garbage that only the collector finds; tells in which thread it went."""

    def __init__(self, went: list[int]) -> None:
        super().__init__()
        self.me = self
        self._went = went

    def __del__(self) -> None:
        self._went.append(threading.get_ident())


def churn() -> None:
    """Allocate enough to wake an automatic collector many times."""
    kept: list[list[int]] = []
    for _ in range(20_000):
        kept.append([1])


@pytest.fixture
def collector(qapp):
    before = gc.isenabled()
    collector = GuiThreadCollector()
    yield collector
    collector.stop()
    if not before:
        gc.disable()


def test_a_thread_that_allocates_does_not_collect_and_the_gui_thread_does(collector):
    gc.collect()
    went: list[int] = []
    InACycle(went)
    thread = threading.Thread(target=churn)
    thread.start()
    thread.join()
    assert went == []
    churn()
    while collector.check() not in (-1, 2) and not went:
        churn()
    gc.collect()
    assert went == [threading.get_ident()]
    assert QThread.currentThread() is collector.thread()


def test_nothing_due_is_nothing_done(collector):
    gc.collect()
    assert collector.check() == -1
