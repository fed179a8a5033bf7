"""The ground of a session: the open project, the image on screen, background work, and the notice of each change."""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain.annotation import Annotation
from engine.errors import ImageReadError, ProjectError, UserError
from gui.image_cache import ImageCache
from gui.jobs import Job, Report
from gui.models.document import Document

if TYPE_CHECKING:
    from engine.project.changeset import Changeset
    from engine.project.records import Changed, ImageRecord
    from engine.project.store import ProjectStore
    from gui.engine_thread import EngineThread

log = logging.getLogger("maskwright")
CHECKPOINT_MS = 2000
P = ParamSpec("P")
T = TypeVar("T")


def told(intent: Callable[P, T]) -> Callable[P, T | None]:
    """Show the sentence of a refused intent; the intent then gives None."""

    @functools.wraps(intent)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> T | None:
        session: SessionBase = args[0]  # type: ignore[assignment]
        try:
            return intent(*args, **kwargs)
        except UserError as error:
            session.message.emit("error", str(error))
        except (OSError, sqlite3.Error) as error:
            log.exception("storage failed")
            session.saved.emit(False)
            session.message.emit("error", f"The change could not be written: {error}. Nothing was changed.")
        return None

    return attempt


class SessionBase(QObject):
    """Owns store, document and engine.

    Attributes:
        store: the open project, None on the welcome page.
        document: the image on screen.
        image_id: the image a person is at; its pixels may be unreadable (then the document is closed).

    Signals:
        project_opened, project_closed: another project, or none.
        changed(Changed): what differs in the store after a commit, undo or redo.
        image_opened(int): a person is at another image.
        message(str level, str sentence): to be told; level is "info", "warning" or "error".
        saved(bool): a commit was written (or failed).
        job_started(object, str): a :class:`gui.jobs.Job` and its title; the project is locked until it ends.
        job_ended: it is over.
    """

    project_opened = Signal()
    project_closed = Signal()
    changed = Signal(object)
    image_opened = Signal(int)
    message = Signal(str, str)
    defect = Signal(object)
    saved = Signal(bool)
    job_started = Signal(object, str)
    job_ended = Signal()

    def __init__(self, parent: QObject | None = None, *, engine: EngineThread | None = None) -> None:
        super().__init__(parent)
        self.store: ProjectStore | None = None
        self.document = Document(self.commit, self)
        self.image_id: int | None = None
        self.images = ImageCache()
        self._image_ids: list[int] = []
        self._engine = engine
        self._ended = False
        self._pending: Annotation | None = None
        self._job: Job | None = None
        self._job_done: Callable[[Any], None] | None = None
        self._checkpoint = QTimer(self)
        self._checkpoint.setSingleShot(True)
        self._checkpoint.setInterval(CHECKPOINT_MS)
        self._checkpoint.timeout.connect(self._checkpoint_now)
        self._checkpoint_job: Job | None = None

    # --- the engine -------------------------------------------------------------------------------------------

    @property
    def engine(self) -> EngineThread:
        """The engine thread, started when it is first asked for (it is not needed to show the window).

        After :meth:`shutdown` it stays at rest: a late look at its status must not start it again, since a thread that
        runs when it is destroyed ends the process.
        """
        if self._engine is None:
            from gui.engine_thread import EngineThread

            self._engine = EngineThread(self)
        if not self._engine.isRunning() and not self._ended:
            self._engine.start()
        return self._engine

    # --- the project ------------------------------------------------------------------------------------------

    @told
    def open_project(self, folder: Path) -> bool:
        """Open the project in `folder`; the one that is open is closed only when that works."""
        from engine.project.store import ProjectStore

        if self.store is not None and self.store.folder.resolve() == Path(folder).resolve():
            return True
        self._show_project(ProjectStore.open(Path(folder)))
        return True

    def close_project(self) -> None:
        """Close the project; the engine stops serving it, a trainer goes on."""
        if self.store is None:
            return
        self._wait_for_jobs()
        self.document.close()
        self.images.clear()
        self.image_id, self._image_ids = None, []
        store, self.store = self.store, None
        if self._engine is not None and self._engine.isRunning():
            self._engine.open_project(None)
        self.project_closed.emit()
        store.close()

    def shutdown(self) -> None:
        """Close everything before the application ends."""
        self.close_project()
        self._ended = True
        if self._engine is not None and not self._engine.shutdown():
            log.error("the engine thread did not end in time")

    def _show_project(self, store: ProjectStore) -> None:
        self.close_project()
        self.store = store
        self._image_ids = [r.id for r in store.images()]
        self.document.boxes_only = store.boxes_only
        self.document.read_only = store.read_only
        self.document.categories = {c.id: c for c in store.categories()}
        self.engine.open_project(store.folder)
        self.project_opened.emit()
        for warning in store.warnings:
            self.message.emit("warning", warning)

    def _writable(self) -> ProjectStore:
        if self.store is None:
            raise ProjectError("No project is open.", hint="Open one first.")
        if self._job is not None:
            raise ProjectError("The project is busy.", hint="Wait until the import is through.")
        return self.store

    # --- images -----------------------------------------------------------------------------------------------

    @property
    def image_ids(self) -> list[int]:
        """All images in the order of the filmstrip."""
        return list(self._image_ids)

    def annotation_on_screen(self, image_id: int) -> Annotation | None:
        """What is said about an image if it is the one on screen; while a commit is told, what it wrote."""
        if self._pending is not None and self._pending.image_id == image_id:
            return self._pending
        return self.document.annotation if self.document.image_id == image_id else None

    def record(self) -> ImageRecord | None:
        """The record of the image a person is at."""
        return self.store.image(self.image_id) if self.store is not None and self.image_id is not None else None

    def open_image(self, image_id: int) -> bool:
        """Show an image.  One that cannot be read gives a sentence and leaves the canvas empty."""
        store = self.store
        if store is None:
            return False
        self.image_id = image_id
        shown = self._show_pixels(store, image_id)
        if not shown:
            self.document.close()
        self.image_opened.emit(image_id)
        self._prefetch(store, image_id)
        return shown

    def _show_pixels(self, store: ProjectStore, image_id: int) -> bool:
        try:
            pixels = self.images.get(store.image_path(image_id))
            annotation = store.annotation(image_id)
            if pixels.shape[:2] != (annotation.height, annotation.width):
                raise ImageReadError(
                    f"The image is {pixels.shape[1]}×{pixels.shape[0]} pixels now, but was "
                    f"{annotation.width}×{annotation.height} when it was added.",
                    path=store.image_path(image_id), hint="Put the former file back, or add it under another name.",
                )  # fmt: skip
        except UserError as error:
            self.message.emit("error", str(error))
            return False
        self.document.open(image_id, pixels, annotation)
        return True

    def _prefetch(self, store: ProjectStore, image_id: int) -> None:
        at = self._image_ids.index(image_id)
        near = [self._image_ids[i] for i in (at + 1, at - 1) if 0 <= i < len(self._image_ids)]
        self.images.prefetch([store.image_path(i) for i in near])

    def next_image(self) -> bool:
        """Go to the next image; False at the end."""
        return self._step(1)

    def previous_image(self) -> bool:
        """Go to the image before; False at the beginning."""
        return self._step(-1)

    def _step(self, by: int) -> bool:
        if self.image_id not in self._image_ids:
            return bool(self._image_ids) and self.open_image(self._image_ids[0])
        at = self._image_ids.index(self.image_id) + by
        return 0 <= at < len(self._image_ids) and self.open_image(self._image_ids[at])

    # --- background work ---------------------------------------------------------------------------------------

    def run_job(self, title: str, work: Callable[[Report], Any], done: Callable[[Any], None]) -> Job:
        """Run `work` in a thread; the project takes no other change until `done` was called with its result."""
        self._job, self._job_done = Job(title, work, self), done
        self.document.read_only = True
        self._job.done.connect(self._job_finished)
        self._job.failed.connect(self._job_failed)
        self.job_started.emit(self._job, title)
        self._job.start()
        return self._job

    def _job_finished(self, result: object) -> None:
        done = self._job_done
        self._end_job()
        if done is not None:
            done(result)

    def _job_failed(self, error: object) -> None:
        self._end_job()
        if isinstance(error, UserError):
            self.message.emit("error", str(error))
        else:
            self.defect.emit(error)

    def _end_job(self) -> None:
        if self._job is not None:
            self._job.deleteLater()
        self._job = self._job_done = None
        self.document.read_only = self.store is None or self.store.read_only
        self.job_ended.emit()

    def cancel_job(self) -> None:
        """Take background work back; the sentence of that comes when it has ended."""
        if self._job is not None:
            self._job.cancel()

    @property
    def busy(self) -> bool:
        """Whether background work holds the project."""
        return self._job is not None

    def _wait_for_jobs(self) -> None:
        for job in (self._job, self._checkpoint_job):
            if job is not None:
                job.wait(30)

    # --- changing things ---------------------------------------------------------------------------------------

    def commit(self, before: Annotation, after: Annotation, label: str) -> bool:
        """Write one edit of the document; False when it was refused (the sentence is told)."""
        self._pending = after
        try:
            return bool(self._commit(before, after, label))
        finally:
            self._pending = None

    @told
    def _commit(self, before: Annotation, after: Annotation, label: str) -> bool:
        self._announce(self._writable().commit_annotation(before, after, label))
        self.saved.emit(True)
        return True

    def change(self, label: str, work: Callable[[Changeset], object]) -> bool:
        """One changeset named `label`; `work` fills it.  False when it was refused (the sentence is told)."""
        return bool(self._change(label, work))

    @told
    def _change(self, label: str, work: Callable[[Changeset], object]) -> bool:
        with self._writable().change(label) as changeset:
            work(changeset)
        self._announce(changeset.changed)
        self.saved.emit(True)
        return True

    # --- what follows a change --------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read everything again, after work that changed much."""
        from engine.project.records import Changed

        assert self.store is not None
        ids = frozenset(r.id for r in self.store.images())
        self._announce(Changed("", ids, frozenset({"images", "categories", "instances", "decisions"})))

    def announce(self, changed: Changed | None) -> None:
        """Tell what a changeset made elsewhere has changed."""
        self._announce(changed)

    def _announce_or_say(self, changed: Changed | None, otherwise: str) -> None:
        if changed is None:
            self.message.emit("info", otherwise)
            return
        self._announce(changed)
        self.saved.emit(True)

    def _announce(self, changed: Changed | None) -> None:
        if changed is None or self.store is None:
            return
        if "images" in changed.tables:
            self._image_ids = [r.id for r in self.store.images()]
            self._leave_missing_image()
        if "categories" in changed.tables:
            self.document.categories = {c.id: c for c in self.store.categories()}
        self._refresh_document(changed)
        self.changed.emit(changed)
        self._checkpoint.start()
        if self.image_id is None and self._image_ids:
            self.open_image(self._image_ids[0])

    def _leave_missing_image(self) -> None:
        """An undone import takes its images along, the one on screen as well; nobody may ask for it any more."""
        if self.image_id is not None and self.image_id not in self._image_ids:
            self.image_id = None
            self.document.close()

    def _refresh_document(self, changed: Changed) -> None:
        """The document replaces its own annotation after its own commit; others' changes are read from the store."""
        here = self.document.image_id
        if self.store is None or here is None or self._pending is not None:
            return
        if here in changed.image_ids:
            self.document.refresh(self.store.annotation(here))

    def _checkpoint_now(self) -> None:
        """Make what was committed safe from a power cut, off this thread."""
        store = self.store
        if store is None or store.read_only:
            return
        if self._checkpoint_job is not None and self._checkpoint_job.running:
            self._checkpoint.start()
            return
        self._checkpoint_job = Job("checkpoint", lambda _report: store.checkpoint(), self)
        self._checkpoint_job.failed.connect(self._checkpoint_failed)
        self._checkpoint_job.start()

    def _checkpoint_failed(self, error: object) -> None:
        log.warning("checkpoint failed: %s", error)
