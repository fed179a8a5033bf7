"""What a person works on: the open project, the image on screen, the engine.  One method per intent.

Views never write: they call a method here, the store commits, ``changed`` says what is different, views read again.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from engine.domain import edits
from engine.domain.annotation import Annotation, Category, ImageStatus, Split, palette_color
from engine.errors import ImageReadError, ProjectError, UserError
from gui.image_cache import ImageCache
from gui.jobs import Job, Report
from gui.models.document import Document

if TYPE_CHECKING:
    from engine.project.store import Changeset, ProjectStore

    from engine.config import TrainConfig
    from engine.project.records import Changed, ImageRecord
    from engine.project.runs import RunFolder
    from gui.engine_thread import EngineThread

log = logging.getLogger("maskwright")
CHECKPOINT_MS = 2000
P = ParamSpec("P")
T = TypeVar("T")


def told(intent: Callable[P, T]) -> Callable[P, T | None]:
    """Show the sentence of a refused intent; the intent then gives None."""

    @functools.wraps(intent)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> T | None:
        session: Session = args[0]  # type: ignore[assignment]
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


class Session(QObject):
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
        """The engine thread, started when it is first asked for (it is not needed to show the window)."""
        if self._engine is None:
            from gui.engine_thread import EngineThread

            self._engine = EngineThread(self)
        if not self._engine.isRunning():
            self._engine.start()
        return self._engine

    @told
    def start_training(self, config: TrainConfig) -> RunFolder | None:
        """Freeze the data into a new run and start its trainer; a sentence when the data does not allow it."""
        from engine.project.runs import create_run

        run = create_run(self._writable(), config)
        self.engine.start_run(run)
        return run

    def resume_training(self, run: RunFolder) -> None:
        """Go on with a run that was stopped or lost."""
        self.engine.start_run(run, resume=True)

    def stop_training(self) -> None:
        """Ask the followed run to stop and keep everything."""
        self.engine.stop_run()

    def detect(self, **args: Any) -> int:
        """Ask the service for predictions; the id comes back in the engine's signals."""
        return self.engine.request("detect", **args)

    # --- the project ------------------------------------------------------------------------------------------

    @told
    def new_project(
        self, folder: Path, *, name: str = "", boxes_only: bool = False, images: Path | None = None
    ) -> bool:
        """Create a project and open it; with `images`, reads that folder into it."""
        from engine.project.store import ProjectStore

        store = ProjectStore.create(folder, name=name, boxes_only=boxes_only)
        self._show_project(store)
        if images is not None:
            self.add_images(images)
        return True

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
        if self._engine is not None:
            self._engine.shutdown()

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

    # --- changing annotations ---------------------------------------------------------------------------------

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

    @told
    def undo(self) -> None:
        """Take back the newest change of the image on screen."""
        self._announce_or_say(self._writable().undo(self.image_id), "There is nothing to undo here.")

    @told
    def redo(self) -> None:
        """Do again what was taken back last on the image on screen."""
        self._announce_or_say(self._writable().redo(self.image_id), "There is nothing to redo here.")

    def delete_instances(self, instance_ids: Iterable[str]) -> bool:
        """Delete objects of the image on screen as one step."""
        gone = [i for i in instance_ids if self.document.annotation is not None and self.document.annotation.find(i)]
        if self.document.annotation is None or not gone:
            return False
        label = f"Delete {self.name_of(gone[0])}" if len(gone) == 1 else f"Delete {len(gone)} objects"
        return self.document.edit(edits.remove(self.document.annotation, gone), label)

    def set_category(self, category_id: int) -> None:
        """New objects get this class; selected objects are relabelled."""
        document = self.document
        document.set_active_category(category_id)
        wrong = [i for i in document.selected if i.category_id != category_id]
        if document.annotation is not None and wrong:
            after = edits.set_category(document.annotation, [i.id for i in wrong], category_id)
            document.edit(after, f"Label as {document.category_name(category_id)}")

    def mark_negative(self, negative: bool) -> bool:
        """Say that the image on screen shows nothing, or take that back."""
        annotation = self.document.annotation
        if annotation is None:
            return False
        if negative and annotation.instances:
            self.message.emit(
                "warning",
                f"This image has {len(annotation)} objects, so it cannot be marked “nothing here”. Delete them first.",
            )
            return False
        label = "Nothing here" if negative else "No longer “nothing here”"
        return self.document.edit(edits.set_negative(annotation, negative), label)

    def name_of(self, instance_id: str) -> str:
        """An object of the image on screen as a person calls it: "gasket 2"."""
        assert self.document.annotation is not None
        instance = self.document.annotation.get(instance_id)
        number = self.document.annotation.instances.index(instance) + 1
        return f"{self.document.category_name(instance.category_id)} {number}"

    # --- changing images --------------------------------------------------------------------------------------

    def set_status(self, status: ImageStatus) -> bool:
        """Say how far the image on screen is."""
        image_id = self._at_image()
        return self.change(f"Status {status.value.replace('_', ' ')}", lambda c: c.set_status(image_id, status))

    def set_split(self, split: Split) -> bool:
        """Put the image on screen into a set."""
        image_id = self._at_image()
        return self.change(f"Split {split.value}", lambda c: c.set_split(image_id, split))

    @told
    def make_split(
        self, *, val: float | int, test: float | int = 0, seed: int = 0, only_unassigned: bool = False
    ) -> bool:
        """Draw new sets for the whole project as one step."""
        from engine.project.splits import make_split

        self._announce(make_split(self._writable(), val=val, test=test, seed=seed, only_unassigned=only_unassigned))
        return True

    def _at_image(self) -> int:
        if self.image_id is None:
            raise ProjectError("No image is open.")
        return self.image_id

    # --- classes ----------------------------------------------------------------------------------------------

    def add_category(self, name: str) -> Category | None:
        """Add a class and let new objects have it."""
        name = name.strip()
        if not name or self.store is None:
            return None
        color = palette_color(len(self.store.categories()))
        if not self.change(f"Add class {name}", lambda c: c.add_category(name, color)):
            return None
        category = self.store.category_named(name)
        if category is not None:
            self.document.set_active_category(category.id)
        return category

    def rename_category(self, category_id: int, name: str) -> bool:
        """Give a class another name."""
        return self.change(f"Rename class to {name.strip()}", lambda c: c.rename_category(category_id, name.strip()))

    def recolor_category(self, category_id: int, color: str) -> bool:
        """Give a class another colour (``#rrggbb``)."""
        return self.change("Recolour class", lambda c: c.recolor_category(category_id, color))

    def merge_category(self, source: int, target: int) -> bool:
        """Make all objects of one class objects of another, and drop the class."""
        names = self.document.category_name(source), self.document.category_name(target)
        return self.change(f"Merge class {names[0]} into {names[1]}", lambda c: c.merge_category(source, target))

    def remove_category(self, category_id: int) -> bool:
        """Remove a class with all its objects."""
        name = self.document.category_name(category_id)
        return self.change(f"Remove class {name}", lambda c: c.remove_category(category_id))

    @told
    def change(self, label: str, work: Callable[[Changeset], object]) -> bool:
        """One changeset named `label`; `work` fills it.  False or None when it was refused."""
        with self._writable().change(label) as changeset:
            work(changeset)
        self._announce(changeset.changed)
        self.saved.emit(True)
        return True

    # --- work that takes a while ------------------------------------------------------------------------------

    @told
    def add_images(self, source: Path | list[Path]) -> bool:
        """Add a folder's images (or these files) in the background."""
        store = self._writable()

        def work(report: Report) -> Any:
            from engine.project.images import add_images

            report(-1, "Reading image sizes")
            return add_images(store, source)

        self.run_job("Adding images", work, self._images_added)
        return True

    def _images_added(self, report: Any) -> None:
        self.reload()
        skipped = [f"{path.name}: {reason}" for path, reason in report.skipped]
        text = f"{report.added} image{'' if report.added == 1 else 's'} added."
        if skipped:
            text += f" {len(skipped)} left out: {skipped[0]}" + (" …" if len(skipped) > 1 else "")
        self.message.emit("warning" if skipped else "info", text)

    @told
    def import_file(self, path: Path, *, done: Callable[[Any], None], **options: Any) -> bool:
        """Import annotations in the background; `done` gets the ImportReport on this thread."""
        store = self._writable()
        dry_run = bool(options.get("dry_run"))

        def work(report: Report) -> Any:
            from engine.formats.importing import import_file

            report(-1, "Looking through the file" if dry_run else "Importing")
            return import_file(store, path, **options)

        def finish(result: Any) -> None:
            if not dry_run:
                self.reload()
            done(result)

        self.run_job("Looking" if dry_run else "Importing annotations", work, finish)
        return True

    @told
    def export_coco(self, out: Path) -> bool:
        """Write all annotations as COCO JSON in the background."""
        store = self._writable()

        def work(report: Report) -> Any:
            from engine.formats.coco import export_coco

            report(-1, "Writing")
            return export_coco(store, out)

        self.run_job("Exporting", work, lambda _report: self.message.emit("info", f"Exported to {out}"))
        return True

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

    @property
    def busy(self) -> bool:
        """Whether background work holds the project."""
        return self._job is not None

    def _wait_for_jobs(self) -> None:
        for job in (self._job, self._checkpoint_job):
            if job is not None:
                job.wait(30)

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
        if "categories" in changed.tables:
            self.document.categories = {c.id: c for c in self.store.categories()}
        self._refresh_document(changed)
        self.changed.emit(changed)
        self._checkpoint.start()
        if self.image_id is None and self._image_ids:
            self.open_image(self._image_ids[0])

    def _refresh_document(self, changed: Changed) -> None:
        """The document replaces its own annotation after its own commit; others' changes are read from the store."""
        here = self.document.image_id
        if self.store is None or here is None or self._pending is not None:
            return
        if here not in self._image_ids:  # an undone import takes its images along
            self.document.close()
            self.image_id = None
        elif here in changed.image_ids:
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
