"""The objects of the image on screen, and the classes of the project, as Qt models that refer by id."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from engine.domain.annotation import Instance, Origin
from gui.models.document import Document

if TYPE_CHECKING:
    from engine.project.records import Changed
    from gui.session import Session

Index = QModelIndex | QPersistentModelIndex


class RowRole(IntEnum):
    """Data roles of both models, beyond the display text."""

    ID = Qt.ItemDataRole.UserRole
    COLOR = Qt.ItemDataRole.UserRole + 1
    DETAIL = Qt.ItemDataRole.UserRole + 2
    CHIP = Qt.ItemDataRole.UserRole + 3
    CHIP_KIND = Qt.ItemDataRole.UserRole + 4
    KEY = Qt.ItemDataRole.UserRole + 5
    ACTIVE = Qt.ItemDataRole.UserRole + 6


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line: a coloured square, words, a muted detail, a chip, a key."""

    id: str | int
    text: str
    color: str = ""
    detail: str = ""
    chip: str = ""
    chip_kind: str = ""
    key: str = ""
    active: bool = False


class RowModel(QAbstractListModel):
    """A list of :class:`ListRow`; when only the contents of rows differ, selection and scrolling stay.

    Attributes:
        has_keys: some rows have a key, so the others leave its place free.
    """

    has_keys = False

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ListRow] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def rows(self) -> tuple[ListRow, ...]:
        """All rows."""
        return tuple(self._rows)

    def row_of(self, row_id: str | int) -> int:
        """Row with that id, -1 when it is not there."""
        return next((n for n, row in enumerate(self._rows) if row.id == row_id), -1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.text
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return ", ".join(part for part in (row.text, row.detail, row.chip) if part)
        values: dict[int, Any] = {
            RowRole.ID: row.id, RowRole.COLOR: row.color, RowRole.DETAIL: row.detail, RowRole.CHIP: row.chip,
            RowRole.CHIP_KIND: row.chip_kind, RowRole.KEY: row.key, RowRole.ACTIVE: row.active,
        }  # fmt: skip
        return values.get(role)

    def set_rows(self, rows: list[ListRow]) -> None:
        """Show other rows, changing as little as needed."""
        old, new = [r.id for r in self._rows], [r.id for r in rows]
        if old == new:
            pairs = zip(self._rows, rows, strict=True)
            differing = [n for n, (a, b) in enumerate(pairs) if a is not b and a != b]
            self._rows = rows
            for n in differing:
                self.dataChanged.emit(self.index(n), self.index(n))
        elif new[: len(old)] == old:  # drawn on top: the most frequent change
            self.beginInsertRows(QModelIndex(), len(old), len(new) - 1)
            self._rows = rows
            self.endInsertRows()
            if old:
                self.dataChanged.emit(self.index(0), self.index(len(old) - 1))
        else:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()


class InstanceList(RowModel):
    """The document's objects in painting order, first drawn first.

    Instances are immutable, so the row of one that is the very same object as before is kept.
    """

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._known: dict[str, tuple[Instance, int, ListRow]] = {}
        document.opened.connect(self.reload)
        document.changed.connect(self._changed)
        document.appearance_changed.connect(self.reload)
        self.reload()

    def reload(self) -> None:
        """Read everything: another image, or classes have other names or colours."""
        self._known.clear()
        self._changed()

    def _changed(self, _ids: object = None) -> None:
        annotation = self._document.annotation
        known = {i.id: self._entry(n, i) for n, i in enumerate(annotation or (), start=1)}
        self._known = known
        self.set_rows([row for _, _, row in known.values()])

    def _entry(self, number: int, instance: Instance) -> tuple[Instance, int, ListRow]:
        known = self._known.get(instance.id)
        if known is not None and known[0] is instance and known[1] == number:
            return known
        return instance, number, self._row(number, instance)

    def _row(self, number: int, instance: Instance) -> ListRow:
        category = self._document.categories.get(instance.category_id)
        chip, kind = origin_chip(instance)
        return ListRow(
            instance.id, f"{self._document.category_name(instance.category_id)} {number}",
            category.color if category else "#888888", hole_words(instance), chip, kind,
        )  # fmt: skip


def hole_words(instance: Instance) -> str:
    """ "2 holes", or "" without a hole."""
    count = len(instance.mask.holes) if instance.mask is not None else 0
    return "" if count == 0 else f"{count} hole{'' if count == 1 else 's'}"


def origin_chip(instance: Instance) -> tuple[str, str]:
    """Words and kind of the chip that tells where an instance came from."""
    score = f" {instance.provenance.score:.2f}" if instance.provenance else ""
    return {
        Origin.HUMAN: ("human", ""),
        Origin.IMPORTED: ("imported", ""),
        Origin.MODEL: (f"model{score}", ""),
        Origin.CORRECTED: ("model · corrected", "ok"),
    }[instance.origin]


class CategoryList(RowModel):
    """The project's classes with their number of objects; the first nine have a key."""

    has_keys = True

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        session.project_opened.connect(self.reload)
        session.project_closed.connect(self.reload)
        session.changed.connect(self._changed)
        session.document.active_category_changed.connect(self.reload)
        self._counts: dict[int, int] | None = None

    def reload(self) -> None:
        """Read the store."""
        store = self._session.store
        if store is None:
            self._counts = None
            self.set_rows([])
            return
        if self._counts is None:
            self._counts = store.category_counts()
        active = self._session.document.active_category_id
        self.set_rows(
            [
                ListRow(
                    c.id, c.name, c.color, f"{self._counts.get(c.id, 0):,}", key=str(n) if n < 10 else "",
                    active=c.id == active,
                )
                for n, c in enumerate(store.categories(), start=1)
            ]
        )  # fmt: skip

    def _changed(self, changed: Changed) -> None:
        if changed.tables & {"instances", "categories"}:
            self._counts = None
            self.reload()
