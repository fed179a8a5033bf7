"""The SQLite connection of a project: how it is opened, one transaction at a time, errors in words."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import ProjectError, ReadOnlyError

# A checkpoint syncs the disk.  It is called from the background; this only bounds the WAL if nobody does.
_AUTOCHECKPOINT_PAGES = 8000
Values = Sequence[Any] | Mapping[str, Any]

_LOW_BYTE = 0xFF  # SQLite's extended error codes keep the primary one here


class Database:
    """One connection, shared by threads, used by one at a time.

    Attributes:
        path: the file.
        lock: held for the length of a transaction; take it to read several things of one moment.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection = connection
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def open_writer(cls, path: Path, *, shared_memory: bool = True) -> Database:
        """Open for reading and writing; call :meth:`settle` before the first change.

        Without `shared_memory` (network drives have none) the file is locked for this connection alone.
        """
        with translated(path):
            connection = _connect(str(path))
            if not shared_memory:
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # keeps a WAL's index in this process
        return cls(path, connection)

    def settle(self, *, write_ahead: bool = True) -> None:
        """Choose the journal: a write-ahead log, or a rollback journal where that does not work."""
        self.one(f"PRAGMA journal_mode = {'WAL' if write_ahead else 'DELETE'}")
        self.one("PRAGMA locking_mode = NORMAL")
        self.one("SELECT count(*) FROM sqlite_schema")  # lets go of an exclusive lock
        # NORMAL survives the process being killed; a checkpoint makes it survive a power cut
        self.execute(f"PRAGMA synchronous = {'NORMAL' if write_ahead else 'FULL'}")
        self.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT_PAGES}")

    @classmethod
    def open_reader(cls, path: Path, *, writable_folder: bool) -> Database:
        """Open for reading only; works in a folder that cannot be written, too."""
        if writable_folder:
            return cls(path, _connect_reader(path, "mode=ro"))
        wal = path.with_name(path.name + "-wal")
        if not (wal.exists() and wal.stat().st_size):
            return cls(path, _connect_reader(path, "immutable=1"))
        return cls._open_copy(path, wal)

    @classmethod
    def _open_copy(cls, path: Path, wal: Path) -> Database:
        # immutable=1 would not see what a killed writer left in the WAL, and replaying it needs a writable folder
        scratch = tempfile.TemporaryDirectory(prefix="maskwright-")
        try:
            copies = [Path(shutil.copy(source, scratch.name)) for source in (path, wal)]
            database = cls(path, _connect_reader(copies[0], "mode=rw"))
        except (OSError, ProjectError):
            scratch.cleanup()
            raise
        database._scratch = scratch
        database.execute("PRAGMA query_only = ON")
        return database

    @property
    def connection(self) -> sqlite3.Connection:
        return self._connection

    def close(self) -> None:
        """Close; the last connection writes the WAL back."""
        with self.lock:
            self._connection.close()
            if self._scratch is not None:
                self._scratch.cleanup()
                self._scratch = None

    # --- statements -------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.lock, translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """First row of a query, None when there is none."""
        with self.lock, translated(self.path):
            found: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return found

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with self.lock, translated(self.path):
            return self._connection.execute(sql, values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement per row."""
        with self.lock, translated(self.path):
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; other threads wait."""
        with self.lock:
            if self._connection.in_transaction:
                raise RuntimeError("a change is under way already; changes do not nest")
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite may have rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def checkpoint(self) -> None:
        """Write the WAL back and sync it, from any thread, without holding up the writer."""
        with translated(self.path):
            connection = _connect(str(self.path))
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                connection.close()


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(name, uri=uri, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path, query: str) -> sqlite3.Connection:
    posix = path.absolute().as_posix()
    address = "file://" + quote(posix if posix.startswith("/") else "/" + posix)
    with translated(path):
        connection = _connect(f"{address}?{query}", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what a person can act on (disk full, file damaged...) into a :class:`ProjectError`; the rest passes."""
    try:
        yield
    except sqlite3.Error as error:
        sentence = _SENTENCES.get(getattr(error, "sqlite_errorcode", -1) & _LOW_BYTE)
        if sentence is None:
            raise
        kind, message, hint = sentence
        raise kind(message, path=path, hint=hint) from error


_SENTENCES: dict[int, tuple[type[ProjectError], str, str]] = {
    sqlite3.SQLITE_FULL: (
        ProjectError,
        "The disk is full, so the last change was not saved; everything before it is safe.",
        "Free some space, then repeat it.",
    ),
    sqlite3.SQLITE_IOERR: (
        ProjectError,
        "The project file could not be read or written, so the last change was not saved.",
        "Check the drive (space, cable, network), then repeat it.",
    ),
    sqlite3.SQLITE_CORRUPT: (ProjectError, "The project file is damaged.", "Restore it from a backup."),
    sqlite3.SQLITE_NOTADB: (ProjectError, "This file is not a project, or it is damaged.", "Restore it from a backup."),
    sqlite3.SQLITE_CANTOPEN: (ProjectError, "The project file cannot be opened.", "Check that it is there."),
    sqlite3.SQLITE_PERM: (ProjectError, "The project file may not be opened.", "Check its permissions."),
    sqlite3.SQLITE_BUSY: (ProjectError, "The project file is in use by another program.", "Close it there first."),
    sqlite3.SQLITE_READONLY: (ReadOnlyError, "The project cannot be written.", "Copy it to a folder of your own."),
}
