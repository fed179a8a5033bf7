"""Synthetic strokes through the real canvas, and a timer that tells how late the gui thread is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from gui.canvas.view import CanvasView

TIMER_MS = 10
MOVE_MS = 8  # a mouse reports 125 times a second
MOVES = 110  # then the button goes up, as people do


class Lateness(QObject):
    """A 10 ms timer and how many milliseconds after its due time it fired each time."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._due = 0.0
        self._timer = QTimer(self, interval=TIMER_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._fired)

    def start(self) -> None:
        self.late_ms = []
        self._due = time.perf_counter() + TIMER_MS / 1000
        self._timer.start()

    def stop(self) -> dict[str, float]:
        """Stop and sum up."""
        self._timer.stop()
        return summary(self.late_ms)

    def _fired(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._due) * 1000))
        self._due = now + TIMER_MS / 1000


class Painter(QObject):
    """Paints wobbling circles with the brush, one stroke after the other, as mouse events."""

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__()
        self._canvas = canvas
        self._at = 0
        self.strokes = 0
        self._timer = QTimer(self, interval=MOVE_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._next)

    def start(self) -> None:
        self._canvas.set_tool("brush")
        self._at = 0
        self._timer.start()

    def stop(self) -> None:
        """Finish the stroke and stop."""
        self._timer.stop()
        if self._at:
            self._send(QEvent.Type.MouseButtonRelease, self._place())

    def _next(self) -> None:
        kind = QEvent.Type.MouseMove
        if self._at == 0:
            kind = QEvent.Type.MouseButtonPress
        elif self._at == MOVES:
            kind = QEvent.Type.MouseButtonRelease
        self._send(kind, self._place())
        self._at += 1
        if kind is QEvent.Type.MouseButtonRelease:
            self._at = 0
            self.strokes += 1

    def _place(self) -> QPointF:
        turn, wobble = self._at / 30, math.sin(self._at / 5)
        size = min(self._canvas.width(), self._canvas.height()) * (0.2 + 0.02 * (self.strokes % 8))
        # Every stroke lies elsewhere: one over the last would change no pixel and be stored as nothing.
        drift = QPointF(7 * (self.strokes % 29) - 100, 5 * (self.strokes % 31) - 75)
        middle = QPointF(self._canvas.width() / 2, self._canvas.height() / 2) + drift
        return middle + QPointF(math.cos(turn), math.sin(turn)) * (size + 12 * wobble)

    def _send(self, kind: QEvent.Type, place: QPointF) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        moving = kind is QEvent.Type.MouseMove
        held = none if kind is QEvent.Type.MouseButtonRelease else left
        where = self._canvas.mapToGlobal(place)
        event = QMouseEvent(kind, place, where, none if moving else left, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._canvas, event)


def summary(late_ms: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    ordered = sorted(late_ms)
    if not ordered:
        return {"p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0, "count": 0}
    return {
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)],
        "max_ms": ordered[-1],
        "count": len(ordered),
    }
