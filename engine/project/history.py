"""Undo and redo: which changeset is next, whether something builds on it, and playing it.

An image's history is every change that touched it and every project-wide one.  Undo takes the newest change of that
history; a project-wide change that something builds on is passed over, one of the image itself is refused.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from engine.errors import UndoError
from engine.project.database import Database
from engine.project.journal import MismatchError, entries, play
from engine.project.records import Changed, HistoryEntry

_COLUMNS = "c.id, c.label, c.project_wide, c.undone"

# Other changes that are on the wrong side of this one: of the same columns of the same row; of an image that one of
# the two brought or took; of a class or a name that one of the two brought or took.
_DEPENDENT = """
SELECT {pick}(s.id) FROM changesets s WHERE s.{side} AND s.id IN (
    SELECT theirs.changeset_id FROM journal mine
    JOIN journal theirs ON theirs.key = mine.key AND theirs.tbl = mine.tbl AND theirs.cols & mine.cols
        AND theirs.changeset_id {than} mine.changeset_id
    WHERE mine.changeset_id = :id
  UNION ALL
    SELECT theirs.changeset_id FROM journal mine
    JOIN changeset_images theirs ON theirs.image_id = CAST(mine.key AS INTEGER)
        AND theirs.changeset_id {than} mine.changeset_id
    WHERE mine.changeset_id = :id AND mine.tbl = 'images' AND mine.cols = -1
  UNION ALL
    SELECT theirs.changeset_id FROM changeset_images mine
    JOIN journal theirs ON theirs.key = CAST(mine.image_id AS TEXT) AND theirs.tbl = 'images' AND theirs.cols = -1
        AND theirs.changeset_id {than} mine.changeset_id
    WHERE mine.changeset_id = :id
  UNION ALL
    SELECT theirs.changeset_id FROM changeset_refs mine
    JOIN changeset_refs theirs ON theirs.ref = mine.ref AND (theirs.owns OR mine.owns)
        AND theirs.changeset_id {than} mine.changeset_id
    WHERE mine.changeset_id = :id
)
"""
_BUILDS_ON = _DEPENDENT.format(pick="max", side="undone = 0", than=">")
_BUILT_UPON = _DEPENDENT.format(pick="min", side="undone > 0", than="<")

_MARK_UNDONE = """
UPDATE changesets SET undone = 1 + coalesce((SELECT max(undone) FROM changesets WHERE undone > 0), 0) WHERE id = ?
"""


@dataclass(frozen=True, slots=True)
class _Change:
    id: int
    label: str
    project_wide: bool
    undone: int


class History:
    """The journal seen as what can be undone and redone."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- doing it ---------------------------------------------------------------------------------------------

    def undo(self, image_id: int | None) -> Changed | None:
        """Take back the newest change of an image's history (None: of the project's); None when there is none.

        Raises:
            UndoError: when a later change builds on it.
        """
        change = self._next_undo(image_id)
        if change is None:
            return None
        blocker = self._blocker(_BUILDS_ON, change)
        if blocker is not None:
            raise UndoError(
                f"“{change.label}” cannot be undone:"
                f" “{blocker.label}”{self._where(blocker)} came later and builds on it.",
                hint="Undo that first.",
            )
        with self._db.transaction():
            self._play(change, forward=False)
            self._db.execute(_MARK_UNDONE, (change.id,))
        return self._changed(change)

    def redo(self, image_id: int | None) -> Changed | None:
        """Do again what was undone last in an image's history (None: in the project's); None when there is none.

        Raises:
            UndoError: when it builds on a change that is undone, or that is gone.
        """
        change = self._next_redo(image_id)
        if change is None:
            return None
        blocker = self._blocker(_BUILT_UPON, change)
        if blocker is not None:
            raise self._not_before(change, blocker)
        try:
            with self._db.transaction():
                self._play(change, forward=True)
                self._db.execute("UPDATE changesets SET undone = 0 WHERE id = ?", (change.id,))
        except UndoError:
            # what it builds on was undone and then replaced by a new edit: it would stand in the way for ever
            self._db.execute("DELETE FROM changesets WHERE id = ?", (change.id,))
            raise
        return self._changed(change)

    def _play(self, change: _Change, *, forward: bool) -> None:
        done = entries(self._db, change.id)
        try:
            for entry in done if forward else reversed(done):
                play(self._db, entry, forward=forward)
        except (MismatchError, sqlite3.IntegrityError) as error:
            verb = "redone" if forward else "undone"
            raise UndoError(
                f"“{change.label}” cannot be {verb}: what it builds on has changed since.",
                hint="Nothing was changed.",
            ) from error

    def _not_before(self, change: _Change, blocker: _Change) -> UndoError:
        return UndoError(
            f"“{change.label}” cannot be redone before “{blocker.label}”{self._where(blocker)}, which it builds on.",
            hint="Redo that first.",
        )

    # --- what is next -----------------------------------------------------------------------------------------

    def undo_label(self, image_id: int | None) -> str | None:
        change = self._next_undo(image_id)
        return change.label if change else None

    def redo_label(self, image_id: int | None) -> str | None:
        change = self._next_redo(image_id)
        return change.label if change else None

    def _next_undo(self, image_id: int | None) -> _Change | None:
        if image_id is None:
            return self._first("SELECT {} FROM changesets c WHERE undone = 0 ORDER BY id DESC LIMIT 1")
        own = self._first(
            "SELECT {} FROM changeset_images l JOIN changesets c ON c.id = l.changeset_id"
            " WHERE l.image_id = ? AND c.undone = 0 ORDER BY l.changeset_id DESC LIMIT 1",
            image_id,
        )
        sql = "SELECT {} FROM changesets c WHERE project_wide = 1 AND undone = 0 AND id > ? ORDER BY id DESC"
        wide = self._all(sql, own.id if own else 0)
        return next((c for c in wide if self._blocker(_BUILDS_ON, c) is None), own)

    def _next_redo(self, image_id: int | None) -> _Change | None:
        if image_id is None:
            return self._first("SELECT {} FROM changesets c WHERE undone > 0 ORDER BY undone DESC LIMIT 1")
        own = self._first(
            "SELECT {} FROM changesets c JOIN changeset_images l ON l.changeset_id = c.id AND l.image_id = ?"
            " WHERE c.undone > 0 ORDER BY c.undone DESC LIMIT 1",
            image_id,
        )
        sql = "SELECT {} FROM changesets c WHERE undone > ? AND project_wide = 1 ORDER BY undone DESC"
        wide = self._all(sql, own.undone if own else 0)
        return next((c for c in wide if self._blocker(_BUILT_UPON, c) is None), own)

    def _blocker(self, sql: str, change: _Change) -> _Change | None:
        found = self._db.one(sql, {"id": change.id})
        if found is None or found[0] is None:
            return None
        return self._first("SELECT {} FROM changesets c WHERE id = ?", found[0])

    def _first(self, sql: str, *values: int) -> _Change | None:
        return next(iter(self._all(sql, *values)), None)

    def _all(self, sql: str, *values: int) -> list[_Change]:
        rows = self._db.rows(sql.format(_COLUMNS), values)
        return [_Change(id_, label, bool(wide), undone) for id_, label, wide, undone in rows]

    # --- telling ----------------------------------------------------------------------------------------------

    def list(self, image_id: int | None, limit: int) -> list[HistoryEntry]:
        """Changes of an image's history (None: of the project's), newest first."""
        sql = (
            "SELECT id, label, time, undone FROM changesets WHERE :image IS NULL OR project_wide = 1 OR id IN"
            " (SELECT changeset_id FROM changeset_images WHERE image_id = :image) ORDER BY id DESC LIMIT :limit"
        )
        rows = self._db.rows(sql, {"image": image_id, "limit": limit})
        return [HistoryEntry(id_, label, when, self._images(id_), undone > 0) for id_, label, when, undone in rows]

    def _images(self, changeset_id: int) -> frozenset[int]:
        sql = "SELECT image_id FROM changeset_images WHERE changeset_id = ?"
        return frozenset(row[0] for row in self._db.rows(sql, (changeset_id,)))

    def _changed(self, change: _Change) -> Changed:
        row = self._db.one("SELECT tables FROM changesets WHERE id = ?", (change.id,))
        return Changed(change.label, self._images(change.id), frozenset(row[0].split(",") if row else ()))

    def _where(self, change: _Change) -> str:
        sql = (
            "SELECT i.name FROM changeset_images l JOIN images i ON i.id = l.image_id WHERE l.changeset_id = ? LIMIT 2"
        )
        names = [row[0] for row in self._db.rows(sql, (change.id,))]
        return f" on {names[0]!r}" if len(names) == 1 else ""
