"""Fewer updates, and the newest value always arrives."""

from __future__ import annotations

from gui.throttle import Throttle


def test_the_first_value_passes_at_once_and_the_newest_arrives(qtbot):
    shown: list[int] = []
    throttle = Throttle(30, shown.append)
    for value in range(5):
        throttle.push(value)
    assert shown == [0]
    qtbot.waitUntil(lambda: shown == [0, 4])


def test_after_a_rest_a_value_passes_at_once_again(qtbot):
    shown: list[int] = []
    throttle = Throttle(10, shown.append)
    throttle.push(1)
    qtbot.waitUntil(lambda: not throttle._timer.isActive())
    throttle.push(2)
    assert shown == [1, 2]
