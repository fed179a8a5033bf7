"""Making a folder whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RunError


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, whose content is in `out` only when the block ends without an exception.

    `out` does not exist, or is an empty folder.  What is filled lies on the drive of `out`, under a hidden name that no
    list of runs looks into, and is gone after a failure.

    Raises:
        RunError: when the disk is full or cannot be read or written.
    """
    try:
        drive = out if out.is_dir() else out.parent
        drive.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=drive))
        try:
            folder = hidden / out.name
            folder.mkdir()
            yield folder
            _put(folder, out)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        where = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        raise RunError(
            f"{out.name} could not be written: {error.strerror or error}{where}.",
            path=out,
            hint="Nothing of it was kept; make room or choose another place.",
        ) from error


def _put(folder: Path, out: Path) -> None:
    if not out.is_dir():
        folder.rename(out)
        return
    for child in folder.iterdir():  # a shell may stand in the empty folder: it must stay the same folder
        child.rename(out / child.name)


def is_free(out: Path) -> bool:
    """Whether `out` may be filled: it does not exist, or is an empty folder."""
    if out.is_dir():
        return next(out.iterdir(), None) is None
    return not out.exists() and not out.is_symlink()


def check_space(files: Sequence[Path], folder: Path, *, link: bool = False) -> None:
    """Refuse a copy that cannot fit, before it fills the drive.

    Args:
        files: what will be copied.
        folder: where to.
        link: files on the drive of `folder` will be linked, which takes no room.

    Raises:
        RunError: saying how much is needed and how much is left.
        OSError: when a file cannot be looked at.
    """
    drive = folder.stat().st_dev
    facts = [file.stat() for file in files]
    needed = sum(f.st_size for f in facts if not (link and f.st_dev == drive))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RunError(
            f"This needs {_megabytes(needed)}, and the drive has {_megabytes(free)} left.",
            path=folder.parent.parent,
            hint="Make room or choose another drive.",
        )


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"
