"""Work off the gui thread: a plain function in a thread, its progress and result back as signals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.errors import UserError

Report = Callable[[float, str], None]


class JobCancelledError(UserError):
    """A person took the work back; raised inside it, by its next report of progress."""

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class Job(QObject):
    """Runs ``work(report)`` once in a thread of its own.

    The object lives on the gui thread, so its signals arrive there.  `work` gets plain values and returns one.

    Signals:
        progress(float, str): part done in [0, 1] (below 0: unknown) and what is being done.
        done(object): what `work` returned.
        failed(object): the exception it raised.
    """

    progress = Signal(float, str)
    done = Signal(object)
    failed = Signal(object)

    def __init__(self, name: str, work: Callable[[Report], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Let the work end at its next report of progress; work that reports none goes on to its end."""
        self._cancelled.set()

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work (not for its signals); False when it still goes on."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            result = self._work(self._report)
        except Exception as error:
            self._emit(self.failed, error)
        else:
            self._emit(self.done, result)

    def _report(self, part: float, text: str) -> None:
        if self._cancelled.is_set():
            raise JobCancelledError
        self._emit(self.progress, part, text)

    @staticmethod
    def _emit(signal: Any, *values: object) -> None:
        try:
            signal.emit(*values)
        except RuntimeError:  # the window is gone, and the object with it: nobody listens any more
            return
