"""The project's file and its lock: made whole or not at all, opened for one writer, refused with a reason."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from pathlib import Path

from engine.errors import ProjectError
from engine.project import schema
from engine.project.database import Database, translated
from engine.project.filelock import FileLock, holder_text
from engine.project.filesystem import is_network_drive

FILE_NAME = "project.sqlite"
LOCK_NAME = "project.lock"


def hold_project(folder: Path) -> FileLock:
    """Become the project's one writer, until the lock is released or the process ends.

    Raises:
        ProjectError: when there is another.
    """
    lock = FileLock(folder / LOCK_NAME)
    if not lock.acquire():
        raise ProjectError(
            f"This project is open elsewhere{_holder(lock.path)}.", path=folder, hint="Close it there first."
        )
    lock.write(json.dumps({"pid": os.getpid(), "host": platform.node()}))
    return lock


def _holder(path: Path) -> str:
    try:
        facts = json.loads(holder_text(path))
        return f" (process {facts['pid']} on {facts['host']})"
    except (ValueError, KeyError, TypeError):
        return ""


def make_file(folder: Path, meta: dict[str, str | int]) -> None:
    """Write an empty project, under another name first: a project file is whole or not there."""
    draft = folder / f"{FILE_NAME}.new"
    try:
        draft.unlink(missing_ok=True)
        with translated(draft):
            connection = sqlite3.connect(draft, isolation_level=None)
            try:
                schema.migrate(connection)
                connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta.items())
            finally:
                connection.close()
        draft.replace(folder / FILE_NAME)
    except OSError as error:
        raise ProjectError(f"No project can be made here: {error.strerror}.", path=folder) from error
    finally:
        draft.unlink(missing_ok=True)


def open_writer(file: Path) -> tuple[Database, tuple[str, ...]]:
    """Open for writing, brought to the newest version; with the sentences to tell the person."""
    remote = is_network_drive(file.parent)
    database = Database.open_writer(file, shared_memory=not remote)
    try:
        _check_version(database)
        database.settle(write_ahead=not remote)
        if schema.version_of(database.connection) < schema.VERSION:
            with translated(file):
                schema.migrate(database.connection)
    except BaseException:
        database.close()
        raise
    warning = "The project lies on a network drive: saving is slower, and others must not open it at the same time."
    return database, (warning,) if remote else ()


def open_reader(file: Path, writable: bool) -> Database:
    """Open for reading only."""
    database = Database.open_reader(file, writable_folder=writable)
    try:
        _check_version(database)
        if schema.version_of(database.connection) < schema.VERSION:
            hint = "Open it once from a folder that can be written."
            raise ProjectError("This project was made by an older version and must be upgraded.", path=file, hint=hint)
    except BaseException:
        database.close()
        raise
    return database


def _check_version(database: Database) -> None:
    with translated(database.path):
        if not schema.is_project(database.connection):
            raise ProjectError("This file is not a project of Maskwright.", path=database.path)
        version = schema.version_of(database.connection)
    if version > schema.VERSION:
        raise ProjectError(
            f"This project was made by a newer Maskwright (format {version}, this one reads up to {schema.VERSION}).",
            path=database.path,
            hint="Update Maskwright to open it.",
        )
