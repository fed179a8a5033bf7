"""Fewer updates for what changes faster than anybody reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer


class Throttle(QObject):
    """Hands values on at most once an interval: the first at once, then the newest; none that counts is lost."""

    def __init__(self, interval_ms: int, show: Callable[[Any], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._show = show
        self._waiting: list[Any] = []
        self._timer = QTimer(self, interval=interval_ms, singleShot=True)
        self._timer.timeout.connect(self._pass_on)

    def push(self, value: Any) -> None:
        """`value` is the newest."""
        self._waiting = [value]
        if not self._timer.isActive():
            self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            value = self._waiting.pop()
            self._timer.start()
            self._show(value)
