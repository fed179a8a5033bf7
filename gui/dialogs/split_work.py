"""Finding the groups of a split and what it would come to, off the gui thread; only the newest question is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.errors import UserError
from gui.jobs import Job, JobCancelledError, Report
from gui.models.split_preview import Grouping, SplitPreview, SplitWish, names_of, preview

if TYPE_CHECKING:
    from engine.project.store import ProjectStore
    from gui.session import Session


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the groups, and the split of them."""

    grouping: Grouping
    wish: SplitWish


class PreviewWork(QObject):
    """Answers one question after the other; groups that were found are kept for the next one.

    Signals:
        told(str): how far the work is.
        done(object): the :class:`gui.models.split_preview.SplitPreview`.
        refused(str): why there are no such groups.
    """

    told = Signal(str)
    done = Signal(object)
    refused = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self._next: Asked | None = None
        self._wanted = False
        self._found: tuple[Grouping, dict[int, str]] | None = None

    def ask(self, asked: Asked) -> None:
        """Answer this instead of anything asked before."""
        store = self._session.store
        if store is None:
            return
        if self._job is not None:
            self._next, self._wanted = asked, False
            self._job.cancel()
            return
        self._wanted = True
        known = self._found[1] if self._found is not None and self._found[0] == asked.grouping else None
        self._job = Job("split preview", lambda report: _answer(store, asked, known, report), self)
        self._job.progress.connect(self._progress)
        self._job.done.connect(self._answered)
        self._job.failed.connect(self._failed)
        self._job.start()

    def cancel(self) -> None:
        """Nobody wants an answer any more."""
        self._next, self._wanted = None, False
        if self._job is not None:
            self._job.cancel()

    def _progress(self, part: float, text: str) -> None:
        if self._wanted:
            self.told.emit(f"{text}… {part:.0%}")

    def _answered(self, answer: Any) -> None:
        asked, names, found = answer
        self._found = (asked.grouping, names)
        wanted = self._wanted
        self._end()
        if wanted:
            self.done.emit(found)

    def _failed(self, error: object) -> None:
        wanted = self._wanted
        self._end()
        if isinstance(error, JobCancelledError) or not wanted:
            return
        if isinstance(error, UserError):
            self.refused.emit(error.message)  # its hint is for the command line
        else:
            self._session.defect.emit(error)

    def _end(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        asked, self._next = self._next, None
        if asked is not None:
            self.ask(asked)


def _answer(
    store: ProjectStore, asked: Asked, known: dict[int, str] | None, report: Report
) -> tuple[Asked, dict[int, str], SplitPreview]:
    names = names_of(store, asked.grouping, report) if known is None else known
    return asked, names, preview(store, names, asked.wish)
