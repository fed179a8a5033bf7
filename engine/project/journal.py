"""Writing rows together with what takes them back, and playing that backwards and forwards.

A change of a row is ``(table, key, before, after)``; masks are XOR deltas, so one entry serves both directions.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from engine.errors import UndoError
from engine.project.database import Database
from engine.project.records import Changed
from engine.project.rows import ALL_COLUMNS, TABLES, Row, Table, mask_across, mask_sum

_FLUSH_ROWS = 1000

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_INSERT_ENTRY = (
    "INSERT INTO journal (changeset_id, seq, tbl, key, cols, before, after, delta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)

# What shares an image with the new change, or belongs to every image, cannot be redone any more.
_DROP_REDO = """
DELETE FROM changesets WHERE undone > 0 AND (project_wide = 1 OR id IN (
    SELECT theirs.changeset_id FROM changeset_images mine
    JOIN changeset_images theirs ON theirs.image_id = mine.image_id WHERE mine.changeset_id = ?))
"""


class Recorder:
    """Changes rows inside a transaction and journals them as one changeset.

    Attributes:
        image_ids: images touched so far.
        tables: tables touched so far.
    """

    def __init__(self, database: Database, label: str) -> None:
        self._db = database
        self._label = label
        self._pending: list[tuple[Any, ...]] = []
        self._id = 0
        self._count = 0
        self._wide = False
        self._refs: dict[str, bool] = {}
        self.image_ids: set[int] = set()
        self.tables: set[str] = set()

    def insert(self, table: Table, row: Row) -> None:
        """Put in a new row of all columns."""
        self._db.execute(table.insert, [row[c] for c in table.columns])
        self._record(table, _key_of(table, row), ALL_COLUMNS, None, row, row.get("mask"))
        self._touch(table, row, in_or_out=True)
        self._refer(table, row)

    def put(self, table: Table, row: Row) -> None:
        """Put in a row without a mask, in place of the one of its key when there is one."""
        known = self._db.one(f"{table.select} WHERE {table.where_key}", _key_of(table, row))
        if known is None:
            self.insert(table, row)
        else:
            self.update(table, dict(zip(table.columns, known, strict=True)), row)

    def delete(self, table: Table, row: Row) -> None:
        """Take out a row; `row` is all of it."""
        key = _key_of(table, row)
        self._db.execute(f"DELETE FROM {table.name} WHERE {table.where_key}", key)
        self._record(table, key, ALL_COLUMNS, row, None, row.get("mask"))
        self._touch(table, row, in_or_out=True)
        self._refer(table, row)

    def update(self, table: Table, old: Row, new: Row, delta: bytes | None = None) -> None:
        """Change a row; columns that are equal in `old` and `new` are left alone.

        Args:
            old, new: the key, ``image_id`` where the table has one, and the columns that may differ.
            delta: XOR of the masks, when they differ.
        """
        after = {c: v for c, v in new.items() if v != old[c]}
        if not after:
            return
        key = _key_of(table, old)
        self._db.execute(table.update(after), (*after.values(), *key))
        self._record(table, key, table.bits(after), {c: old[c] for c in after}, after, delta)
        self._touch(table, old, in_or_out=False)
        if "category_id" in after:
            self._refs.setdefault(f"category {old['category_id']}", False)
            self._refs.setdefault(f"category {after['category_id']}", False)
        if table.name == "categories" and "name" in after:
            self._refs |= {f"name {old['name']}": True, f"name {after['name']}": True}

    def finish(self) -> Changed | None:
        """Write the changeset down; None when nothing changed."""
        if not self._count:
            return None
        self._flush()
        tables = ",".join(sorted(self.tables))
        wide = self._wide or not self.image_ids
        self._db.execute("UPDATE changesets SET tables = ?, project_wide = ? WHERE id = ?", (tables, wide, self._id))
        links = [(image_id, self._id) for image_id in self.image_ids]
        self._db.many("INSERT INTO changeset_images (image_id, changeset_id) VALUES (?, ?)", links)
        refs = [(ref, self._id, owns) for ref, owns in self._refs.items()]
        self._db.many("INSERT INTO changeset_refs (ref, changeset_id, owns) VALUES (?, ?, ?)", refs)
        if self._db.one("SELECT 1 FROM changesets WHERE undone > 0"):
            self._drop_redo(wide)
        return Changed(self._label, frozenset(self.image_ids), frozenset(self.tables))

    def _drop_redo(self, wide: bool) -> None:
        if wide:
            self._db.execute("DELETE FROM changesets WHERE undone > 0")
        else:
            self._db.execute(_DROP_REDO, (self._id,))

    def _touch(self, table: Table, row: Row, *, in_or_out: bool) -> None:
        self.tables.add(table.name)
        image_id = row["id"] if table.name == "images" else row.get("image_id")
        if image_id is not None:
            self.image_ids.add(image_id)
        # A class that changes its name or goes, and images that come or go, are seen from every image.  A class
        # that comes along with a drawing is not: undoing it elsewhere would take the drawing away unseen.
        self._wide = self._wide or (table.name == "categories" and not in_or_out)
        self._wide = self._wide or (table.name == "images" and in_or_out)

    def _refer(self, table: Table, row: Row) -> None:
        """Note what a row that comes or goes needs of other rows, and what others may need of it."""
        if table.name == "instances":
            self._refs.setdefault(f"category {row['category_id']}", False)
        elif table.name == "categories":
            self._refs |= {f"category {row['id']}": True, f"name {row['name']}": True}
        elif table.name == "images":
            self._refs[f"path {row['path']}"] = True

    def _record(
        self, table: Table, key: tuple[Any, ...], cols: int, before: Row | None, after: Row | None, delta: bytes | None
    ) -> None:
        if not self._id:
            self._begin()
        values = (self._id, self._count, table.name, table.key_text(key), cols, _packed(before), _packed(after), delta)
        self._pending.append(values)
        self._count += 1
        if table.name == "categories" and after is None:
            self._wide = True
        if len(self._pending) >= _FLUSH_ROWS:
            self._flush()

    def _begin(self) -> None:
        sql = "INSERT INTO changesets (label, time, tables, project_wide) VALUES (?, ?, '', 0)"
        row_id = self._db.execute(sql, (self._label, time.time())).lastrowid
        assert row_id is not None
        self._id = row_id

    def _flush(self) -> None:
        self._db.many(_INSERT_ENTRY, self._pending)
        self._pending.clear()


# --- playing entries ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One journalled change of a row."""

    table: Table
    key: tuple[Any, ...]
    before: Row | None
    after: Row | None
    delta: bytes | None


class MismatchError(UndoError):
    """The rows are not as the journal left them."""


def entries(database: Database, changeset_id: int) -> list[Entry]:
    """What a changeset did, in order."""
    sql = "SELECT tbl, key, before, after, delta FROM journal WHERE changeset_id = ? ORDER BY seq"
    return [
        Entry(TABLES[name], TABLES[name].key_from(key), _unpacked(before), _unpacked(after), delta)
        for name, key, before, after, delta in database.rows(sql, (changeset_id,))
    ]


def play(database: Database, entry: Entry, *, forward: bool) -> None:
    """Do an entry again, or take it back.

    Raises:
        MismatchError: when the row is not as this entry expects it.
    """
    old, new = (entry.before, entry.after) if forward else (entry.after, entry.before)
    table = entry.table
    if old is None:
        assert new is not None
        row = {**new, "mask": entry.delta}
        database.execute(table.insert, [row[c] for c in table.columns])
        return
    current = _current(database, entry, old)
    if new is None:
        database.execute(f"DELETE FROM {table.name} WHERE {table.where_key}", entry.key)
        return
    values = {**new}
    if "mask" in new:
        values["mask"] = _mask_after(database, entry, current["mask"], new["mask"])
    database.execute(table.update(values), (*values.values(), *entry.key))


def _current(database: Database, entry: Entry, expected: Row) -> Row:
    columns = ", ".join(expected)
    found = database.one(f"SELECT {columns} FROM {entry.table.name} WHERE {entry.table.where_key}", entry.key)
    row = dict(zip(expected, found or (), strict=False))
    if found is None or _summed(row) != expected:
        raise MismatchError("What was changed is no longer as the journal left it.")
    return row


def _mask_after(database: Database, entry: Entry, mask: bytes | None, expected: int | None) -> bytes | None:
    if expected is None or entry.delta is None:
        return None
    sql = "SELECT height, width FROM images WHERE id = (SELECT image_id FROM instances WHERE id = ?)"
    size = database.one(sql, entry.key)
    assert size is not None
    result = mask_across(mask, entry.delta, *size)
    if mask_sum(result) != expected:
        raise MismatchError("A mask is no longer as the journal left it.")
    return result


def _key_of(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[c] for c in table.columns[: len(table.key_types)])


def _summed(row: Row) -> Row:
    return {**row, "mask": mask_sum(row["mask"])} if "mask" in row else row


def _packed(row: Row | None) -> str | None:
    return None if row is None else _encode(_summed(row))


def _unpacked(text: str | None) -> Row | None:
    return None if text is None else json.loads(text)
