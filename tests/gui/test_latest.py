"""Work of which only the newest wish counts; every wait is for an event, none for a time."""

from __future__ import annotations

import threading

import pytest

from gui.latest import Latest

pytestmark = pytest.mark.gui


@pytest.fixture
def latest(qapp) -> Latest:
    return Latest("test")


@pytest.fixture
def heard(latest) -> list[object]:
    answers: list[object] = []
    latest.done.connect(answers.append)
    latest.failed.connect(answers.append)
    return answers


def test_of_what_is_asked_meanwhile_only_the_newest_is_done(latest, heard, qtbot):
    gate, begun = threading.Event(), []

    def work(number: int) -> int:
        begun.append(number)
        gate.wait(30)
        return number

    for number in (1, 2, 3):
        latest.ask(lambda n=number: work(n))
    gate.set()
    qtbot.waitUntil(lambda: not latest.busy)
    assert heard == [3]
    assert begun == [1, 3]


def test_an_answer_that_is_no_longer_wanted_is_dropped_and_the_next_one_comes(latest, heard, qtbot):
    gate = threading.Event()
    latest.ask(lambda: gate.wait(30))
    latest.forget()
    assert not latest.busy
    gate.set()
    latest.ask(lambda: "next")
    qtbot.waitUntil(lambda: heard != [])
    assert heard == ["next"]


def test_work_that_fails_tells_why_and_the_next_one_is_done(latest, heard, qtbot):
    latest.ask(lambda: [][1])
    qtbot.waitUntil(lambda: heard != [])
    assert isinstance(heard.pop(), IndexError)
    latest.ask(lambda: "fine")
    qtbot.waitUntil(lambda: heard != [])
    assert heard == ["fine"]
