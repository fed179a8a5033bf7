"""A lock is held by one, and a drive without locks is told apart from a lock that somebody holds."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from engine.errors import ProjectError
from engine.project.filelock import FileLock, is_locked


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with FileLock(path) as first:
        assert first.acquire()
        assert is_locked(path)
        assert not FileLock(path).acquire()
    assert not is_locked(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX call")
def test_a_drive_without_locks_is_no_lock_that_somebody_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("engine.project.filelock.fcntl.flock", no_locks)
    path = tmp_path / "lock"
    path.touch()
    assert not is_locked(path)
    with pytest.raises(ProjectError, match="cannot lock files"):
        FileLock(path).acquire()
