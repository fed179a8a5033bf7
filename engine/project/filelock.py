"""A lock that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO

from engine.errors import ProjectError

# Windows locks byte ranges: one far behind the text, so that others can still read who holds the lock.
_LOCK_BYTE = 1 << 30
_ATTEMPTS = 20
_PAUSE_S = 0.05


class FileLock:
    """Exclusive advisory lock on a file, held until :meth:`release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self) -> bool:
        """Take the lock; False when another holder keeps it.

        Somebody who only looks (:func:`is_locked`) holds it for an instant, hence a few tries.

        Raises:
            OSError: when the file cannot be opened for writing.
            ProjectError: when the drive knows no locks.
        """
        file = self.path.open("a+b")
        try:
            for attempt in range(_ATTEMPTS):
                if _try_lock(file):
                    self._file = file
                    return True
                if attempt + 1 < _ATTEMPTS:
                    time.sleep(_PAUSE_S)
        except OSError as error:
            raise ProjectError(
                f"This drive cannot lock files ({error.strerror}), so nothing keeps two programs from writing.",
                path=self.path,
                hint="Move the project to another drive.",
            ) from error
        finally:
            if self._file is None:
                file.close()
        return False

    def write(self, text: str) -> None:
        """Replace the file's text (who holds it; for display only)."""
        if self._file is None:
            raise ValueError("the lock is not held")
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text.encode("utf-8"))
        self._file.flush()

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            _unlock(self._file)
            self._file.close()
            self._file = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock on `path`; False when there is no such file, or nobody could hold it."""
    try:
        file = Path(path).open("r+b")  # noqa: SIM115
    except (FileNotFoundError, PermissionError):
        return False
    with file:
        try:
            if not _try_lock(file):
                return True
        except OSError:  # a drive without locks
            return False
        _unlock(file)
        return False


def holder_text(path: Path) -> str:
    """What the holder wrote about itself, "" when nothing can be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(_LOCK_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_LOCK_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.set_inheritable(file.fileno(), False)
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
