"""The images of the project as a Qt model, and their thumbnails made off the gui thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from engine.domain.annotation import ImageStatus, Split

if TYPE_CHECKING:
    from engine.project.records import Changed, ImageRecord
    from gui.session import Session

Index = QModelIndex | QPersistentModelIndex
THUMB_WIDTH, THUMB_HEIGHT = 104, 78
KEPT_THUMBNAILS = 600
THREADS = 2
QUEUED_THUMBNAILS = 64


class ImageRole(IntEnum):
    """Data roles beyond the display text (the file name)."""

    ID = Qt.ItemDataRole.UserRole
    STATUS = Qt.ItemDataRole.UserRole + 1
    SPLIT = Qt.ItemDataRole.UserRole + 2
    NEGATIVE = Qt.ItemDataRole.UserRole + 3
    COUNT = Qt.ItemDataRole.UserRole + 4
    THUMBNAIL = Qt.ItemDataRole.UserRole + 5
    UNREADABLE = Qt.ItemDataRole.UserRole + 6


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image as the filmstrip shows it."""

    id: int
    name: str
    status: ImageStatus
    split: Split
    negative: bool
    count: int


class Thumbnails(QObject):
    """Makes thumbnails in up to two threads, newest request first, and keeps the last ones used.

    Signals:
        ready(object): image id whose thumbnail can be had now.
    """

    ready = Signal(object)
    _made = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._wanted: OrderedDict[int, tuple[Path, int]] = OrderedDict()
        self._in_work: set[tuple[int, int]] = set()
        self._threads: list[threading.Thread] = []
        self._kept: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._generation = 0
        self._made.connect(self._keep)

    def get(self, image_id: int, path: Path, pixels: int) -> QPixmap | None:
        """The thumbnail if it is there; else None, and ``ready`` tells when it is."""
        if image_id in self._kept:
            self._kept.move_to_end(image_id)
            return self._kept[image_id]
        with self._lock:
            if (self._generation, image_id) not in self._in_work:
                self._wanted[image_id] = (path, pixels)
                self._wanted.move_to_end(image_id)
                while len(self._wanted) > QUEUED_THUMBNAILS:  # scrolled past: asked again when it comes back
                    self._wanted.popitem(last=False)
                self._hire()
        return None

    def is_unreadable(self, image_id: int) -> bool:
        """Whether making the thumbnail failed."""
        return image_id in self._kept and self._kept[image_id] is None

    def clear(self) -> None:
        """Another project: forget everything."""
        with self._lock:
            self._wanted.clear()
            self._in_work.clear()
            self._generation += 1
        self._kept.clear()

    def stop(self) -> None:
        """Let the threads end."""
        self.clear()
        for thread in tuple(self._threads):
            thread.join(5)

    def _hire(self) -> None:
        if len(self._threads) < min(THREADS, len(self._wanted)):
            thread = threading.Thread(target=self._work, name="thumbnails", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:  # taking the last one and leaving are one step, so that no request is missed
                if not self._wanted:
                    self._threads.remove(threading.current_thread())
                    return
                image_id, (path, size) = self._wanted.popitem(last=True)
                key = (self._generation, image_id)
                self._in_work.add(key)
            image = _thumbnail(path, size)
            try:
                self._made.emit(key, image)
            except RuntimeError:  # closed meanwhile
                return

    def _keep(self, key: tuple[int, int], image: QImage | None) -> None:
        generation, image_id = key
        with self._lock:
            self._in_work.discard(key)
        if generation != self._generation:
            return
        self._kept[image_id] = QPixmap.fromImage(image) if image is not None else None
        while len(self._kept) > KEPT_THUMBNAILS:
            self._kept.popitem(last=False)
        self.ready.emit(image_id)


def _thumbnail(path: Path, size: int) -> QImage | None:
    from engine.project.images import thumbnail

    try:
        return to_qimage(thumbnail(path, size))
    except Exception:  # shown as unreadable; the sentence comes when the image is opened
        return None


def to_qimage(pixels: npt.NDArray[np.uint8]) -> QImage:
    """A copy of H x W x 3 uint8 RGB as an image."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class ImageList(QAbstractListModel):
    """Images in the store's order; reads the store again for exactly the images that changed."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows: list[ImageRow] = []
        self._row_of: dict[int, int] = {}
        self.thumbnails = Thumbnails(self)
        self.thumbnails.ready.connect(self._thumbnail_ready)
        self.pixel_ratio = 1.0
        session.project_opened.connect(self.reload)
        session.project_closed.connect(self.reload)
        session.changed.connect(self._changed)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def row_of(self, image_id: int | None) -> int:
        """Row of an image, -1 when it is not there."""
        return self._row_of.get(image_id, -1) if image_id is not None else -1

    def id_at(self, row: int) -> int | None:
        """Image id of a row."""
        return self._rows[row].id if 0 <= row < len(self._rows) else None

    def rows(self) -> tuple[ImageRow, ...]:
        """All rows."""
        return tuple(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return describe(row)
        if role == ImageRole.THUMBNAIL:
            return self._thumbnail(row.id)
        if role == ImageRole.UNREADABLE:
            return self.thumbnails.is_unreadable(row.id)
        values: dict[int, Any] = {
            ImageRole.ID: row.id, ImageRole.STATUS: row.status, ImageRole.SPLIT: row.split,
            ImageRole.NEGATIVE: row.negative, ImageRole.COUNT: row.count,
        }  # fmt: skip
        return values.get(role)

    def reload(self) -> None:
        """Read everything."""
        self.beginResetModel()
        self.thumbnails.clear()
        self._read_rows()
        self.endResetModel()

    def _read_rows(self) -> None:
        store = self._session.store
        counts = store.instance_counts() if store is not None else {}
        self._rows = [_row(r, counts.get(r.id, 0)) for r in store.images()] if store is not None else []
        self._row_of = {row.id: n for n, row in enumerate(self._rows)}

    def _changed(self, changed: Changed) -> None:
        store = self._session.store
        if store is None:
            return
        if self._session.image_ids != [r.id for r in self._rows]:
            self.beginResetModel()
            self._read_rows()
            self.endResetModel()
        elif len(changed.image_ids) > 8:
            self._read_rows()
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
        else:
            for image_id in changed.image_ids:
                self._update(image_id)

    def _update(self, image_id: int) -> None:
        store, row = self._session.store, self._row_of.get(image_id)
        if store is None or row is None:
            return
        here = self._session.annotation_on_screen(image_id)
        count = len(here) if here is not None else store.instance_counts().get(image_id, 0)
        self._rows[row] = _row(store.image(image_id), count)
        self.dataChanged.emit(self.index(row), self.index(row))

    def _thumbnail(self, image_id: int) -> QPixmap | None:
        store = self._session.store
        if store is None:
            return None
        size = round(THUMB_WIDTH * max(1.0, self.pixel_ratio) * 1.3)
        return self.thumbnails.get(image_id, store.image_path(image_id), size)

    def _thumbnail_ready(self, image_id: int) -> None:
        row = self.row_of(image_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row), [ImageRole.THUMBNAIL])


def _row(record: ImageRecord, count: int) -> ImageRow:
    return ImageRow(record.id, record.name, record.status, record.split, record.negative, count)


STATUS_WORDS = {
    ImageStatus.TODO: "to do",
    ImageStatus.IN_PROGRESS: "in progress",
    ImageStatus.DONE: "done",
    ImageStatus.NEEDS_REVIEW: "needs another look",
}
SPLIT_WORDS = {Split.TRAIN: "training", Split.VAL: "validation", Split.TEST: "test", Split.NONE: "in no split"}


def describe(row: ImageRow) -> str:
    """One line about an image, for tool tips and screen readers."""
    what = "nothing here" if row.negative else f"{row.count} object{'' if row.count == 1 else 's'}"
    return f"{row.name}: {what}, {STATUS_WORDS[row.status]}, {SPLIT_WORDS[row.split]}"
