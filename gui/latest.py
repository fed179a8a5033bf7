"""Work off the gui thread of which only the newest wish counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.jobs import Job


class Latest(QObject):
    """Does one thing at a time; of what is asked meanwhile only the newest is done, and stale answers are dropped.

    Signals:
        done(object): what the newest work returned.
        failed(object): the exception it raised.
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._job: Job | None = None
        self._next: Callable[[], Any] | None = None
        self._wanted = False

    def ask(self, work: Callable[[], Any]) -> None:
        """Do `work` as soon as what is being done has ended; what was asked before is not wanted any more."""
        self._next, self._wanted = work, True
        if self._job is None:
            self._start()

    def forget(self) -> None:
        """No answer is wanted any more."""
        self._next, self._wanted = None, False

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._wanted

    def _start(self) -> None:
        work, self._next = self._next, None
        assert work is not None
        self._job = Job(self._name, lambda _report: work(), self)
        self._job.done.connect(self._done)
        self._job.failed.connect(self._failed)
        self._job.start()

    def _done(self, result: object) -> None:
        if self._ended():
            self.done.emit(result)

    def _failed(self, error: object) -> None:
        if self._ended():
            self.failed.emit(error)

    def _ended(self) -> bool:
        """Forget the job, begin what was asked meanwhile; True when its answer is the one that is wanted."""
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        if self._next is not None:
            self._start()
            return False
        wanted, self._wanted = self._wanted, False
        return wanted
