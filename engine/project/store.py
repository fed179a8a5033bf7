"""The project on disk: one folder, one SQLite file, one writer, every change undoable for ever.

with ProjectStore.open(folder) as store, store.change("Add washers") as change:
    change.put_annotation(annotation)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.domain.annotation import Annotation, Category
from engine.errors import ProjectError, ReadOnlyError
from engine.project.changeset import Changeset, stored_path
from engine.project.contents import Contents
from engine.project.database import Database
from engine.project.filelock import FileLock
from engine.project.filesystem import can_write
from engine.project.history import History
from engine.project.opening import FILE_NAME, hold_project, make_file, open_reader, open_writer
from engine.project.records import Changed, Decision, HistoryEntry, ImageRecord


class ProjectStore:
    """Everything a project holds.  Any thread may use it; a change makes the others wait until it is saved.

    Attributes:
        folder: the project's folder, absolute.
        read_only: changes are refused (:class:`ReadOnlyError`).
        warnings: sentences to tell the person at opening.
    """

    def __init__(self, folder: Path, database: Database, lock: FileLock | None, warnings: tuple[str, ...]) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.folder = folder
        self.warnings = warnings
        self._db = database
        self._lock = lock
        self._history = History(database)
        self._contents_ = Contents(database)
        self._meta = dict(database.rows("SELECT key, value FROM meta"))
        self._seen_version = -1

    # --- opening and closing ----------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path | str, *, name: str = "", boxes_only: bool = False) -> ProjectStore:
        """Make a project in `folder`, which may exist and hold images.

        Raises:
            ProjectError: when there is a project already, or the folder cannot be used.
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links in the path stay as the person wrote them
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = hold_project(folder)
        except OSError as error:
            raise ProjectError(f"No project can be made here: {error.strerror}.", path=folder) from error
        try:
            if (folder / FILE_NAME).exists():
                raise ProjectError("There is a project in this folder already.", path=folder, hint="Open it instead.")
            make_file(folder, {"name": name or folder.name, "boxes_only": int(boxes_only)})
        finally:
            lock.release()
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path | str, *, read_only: bool = False) -> ProjectStore:
        """Open the project in `folder` (or the project file itself).

        A folder that cannot be written opens read-only, with a warning.

        Raises:
            ProjectError: no project there, made by a newer version, open elsewhere, or damaged.
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100
        folder = folder.parent if folder.name == FILE_NAME and folder.is_file() else folder
        file = folder / FILE_NAME
        if not file.is_file():
            hint = "Create one, or choose the folder that holds project.sqlite."
            raise ProjectError("There is no project in this folder.", path=folder, hint=hint)
        writable = can_write(folder, file)
        if read_only or not writable:
            warnings: tuple[str, ...] = (
                () if writable else ("The project's folder is read-only: nothing can be changed in it.",)
            )
            return cls(folder, open_reader(file, writable), None, warnings)
        lock = hold_project(folder)
        try:
            database, warnings = open_writer(file)
            return cls(folder, database, lock, warnings)
        except BaseException:
            lock.release()
            raise

    @property
    def read_only(self) -> bool:
        return self._lock is None

    def close(self) -> None:
        """Close the file and let others write; harmless when it is closed already."""
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> ProjectStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def checkpoint(self) -> None:
        """Make what was saved safe from a power cut; call it now and then from a background thread."""
        if not self.read_only:
            self._db.checkpoint()

    # --- reading ----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return str(self._meta["name"])

    @property
    def boxes_only(self) -> bool:
        """Instances have boxes and no masks."""
        return bool(self._meta["boxes_only"])

    @property
    def _contents(self) -> Contents:
        if self.read_only:  # another process may have written
            version = self._db.one("PRAGMA data_version")
            if version is not None and version[0] != self._seen_version:
                self._contents_.forget()
                self._seen_version = version[0]
        return self._contents_

    def categories(self) -> tuple[Category, ...]:
        """All categories by id."""
        return self._contents.categories()

    def category_named(self, name: str) -> Category | None:
        return next((c for c in self.categories() if c.name == name), None)

    def images(self) -> tuple[ImageRecord, ...]:
        """All images, in the order they were added."""
        return tuple(self._contents.images().values())

    def image(self, image_id: int) -> ImageRecord:
        """One image.

        Raises:
            ProjectError: when it is not in the project.
        """
        return self._contents.image(image_id)

    def image_path(self, image_id: int) -> Path:
        """Absolute path of an image's file, which may be missing."""
        return Path(os.path.abspath(self.folder / self.image(image_id).path))  # noqa: PTH100

    def image_named(self, name_or_path: str | Path) -> list[ImageRecord]:
        """Images with that path, else with that name or end of path; several when folders hold the same name."""
        text = Path(name_or_path).as_posix()
        exact = self._contents.images_where("path = ?", stored_path(self.folder, name_or_path))
        if exact:
            return exact
        named = self._contents.images_where("name = ?", Path(text).name)
        return [record for record in named if f"/{record.path}".endswith(f"/{text}")]

    def annotation(self, image_id: int) -> Annotation:
        """What is said about an image.

        Raises:
            ProjectError: when it is not in the project.
        """
        return self._contents.loaded(image_id).annotation

    def annotations(self) -> Iterator[Annotation]:
        """Every image's annotation, one after the other."""
        return self._contents.annotations()

    def instance_counts(self) -> dict[int, int]:
        """Image id -> number of instances, for images that have some."""
        return self._contents.counts("image_id")

    def category_counts(self) -> dict[int, int]:
        """Category id -> number of instances, for categories that have some."""
        return self._contents.counts("category_id")

    def categories_by_image(self) -> dict[int, frozenset[int]]:
        """Image id -> ids of the categories seen in it, for images that have instances; reads no mask."""
        return self._contents.categories_by_image()

    def decisions(self, run: str | None = None, image_id: int | None = None) -> tuple[Decision, ...]:
        """Verdicts on predictions, of one run or image when asked."""
        return self._contents.decisions(run, image_id)

    def settings(self, prefix: str) -> dict[str, str]:
        """What :meth:`Changeset.put_setting` remembered under keys that start with `prefix`."""
        return self._contents.settings(prefix)

    # --- changing ---------------------------------------------------------------------------------------------

    @contextmanager
    def change(self, label: str) -> Iterator[Changeset]:
        """One change: everything in the block is saved together and undone together; an exception undoes it all.

        Raises:
            ReadOnlyError: in a project that was opened read-only.
            ProjectError: when it cannot be saved (disk full...); the project is then as before.
        """
        self._require_writable()
        with self._db.lock:
            changeset = Changeset(self._db, self._contents_, self.folder, label)
            try:
                with self._db.transaction():
                    yield changeset
                    changed = changeset.finish()
            except BaseException:
                self._contents_.forget()
                raise
            changeset.changed = changed

    def commit_annotation(self, before: Annotation, after: Annotation, label: str) -> Changed | None:
        """Save an edit of one image; None when it changed nothing.

        Raises:
            ProjectError: when the store no longer says `before`, or the edit cannot be saved.
        """
        stored = self.annotation(before.image_id)
        if stored is not before and stored != before:
            raise ProjectError(
                f"“{label}” was not saved: the image's objects were changed elsewhere in the meantime.",
                hint="Open the image again, then repeat it.",
            )
        with self.change(label) as change:
            change.put_annotation(after)
        return change.changed

    # --- undo and redo ----------------------------------------------------------------------------------------

    def undo(self, image_id: int | None = None) -> Changed | None:
        """Take back the newest change of an image's history, or of the whole project; None when there is none.

        Raises:
            UndoError: when a later change of another image builds on it.
        """
        self._require_writable()
        with self._db.lock:
            return self._refreshed(self._history.undo(image_id))

    def redo(self, image_id: int | None = None) -> Changed | None:
        """Do again what was undone last; None when there is nothing.

        Raises:
            UndoError: when what it builds on is undone or gone.
        """
        self._require_writable()
        with self._db.lock:
            return self._refreshed(self._history.redo(image_id))

    def undo_label(self, image_id: int | None = None) -> str | None:
        """Name of the change that :meth:`undo` would take back."""
        with self._db.lock:
            return self._history.undo_label(image_id)

    def redo_label(self, image_id: int | None = None) -> str | None:
        """Name of the change that :meth:`redo` would do again."""
        with self._db.lock:
            return self._history.redo_label(image_id)

    def history(self, image_id: int | None = None, limit: int = 200) -> list[HistoryEntry]:
        """Changes of an image (or of the whole project), newest first."""
        with self._db.lock:
            return self._history.list(image_id, limit)

    def _refreshed(self, changed: Changed | None) -> Changed | None:
        if changed is not None:
            self._contents_.forget()
        return changed

    def _require_writable(self) -> None:
        if self.read_only:
            hint = "Open it for writing, or copy it to a folder of your own."
            raise ReadOnlyError("This project is open read-only.", path=self.folder, hint=hint)
