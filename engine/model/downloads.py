"""Published files into a cache folder: resumable, verified, and complete or absent."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import platformdirs

from engine.errors import UserError
from engine.project.filelock import FileLock

Progress = Callable[[int, int], None]  # bytes there, bytes in all (0 while unknown)
_CHUNK = 1 << 18
_TIMEOUT_S = 30.0
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


class DownloadError(UserError):
    """A file could not be had; what came of it is kept, and the next attempt goes on there."""


def cache_folder() -> Path:
    """Where downloaded weights are kept; ``MASKWRIGHT_CACHE`` moves it."""
    root = os.environ.get("MASKWRIGHT_CACHE") or platformdirs.user_cache_dir("maskwright", appauthor=False)
    return Path(root) / "weights"


def download(url: str, target: Path, *, sha256: str, title: str, progress: Progress | None = None) -> Path:
    """The file behind `url` at `target`, from the cache when it is there already.

    What an earlier attempt left is continued; a connection that breaks is taken up again as long as each one brings
    something new.  Whoever comes second waits for the first.

    Args:
        sha256: first hex digits of the file's SHA-256.
        title: name of the file for a person.
        progress: told after every chunk; what it raises ends the download, which can be continued later.

    Raises:
        DownloadError: without a connection, when the disk is full, or when what came is not the published file.
    """
    if target.exists():
        return target
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        told = progress or _quiet
        lock = FileLock(target.with_suffix(".lock"))
        while not lock.acquire():  # somebody else is at it; the system frees the lock of whoever dies
            told(_size(part), 0)
        with lock:
            if not target.exists():
                _fetch_all(url, part, title=title, progress=told)
                _verify(part, sha256, title)
                part.replace(target)
    except OSError as error:
        raise _not_written(error, target, title) from error
    return target


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch_all(url: str, part: Path, *, title: str, progress: Progress) -> None:
    """Connect until the whole file is in `part`, or until a connection brings nothing."""
    while True:
        before = _size(part)
        try:
            if _fetch(url, part, title=title, progress=progress):
                return
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            if error.code == _RANGE_NOT_SATISFIABLE and before:
                return  # nothing is missing: whole, or of another file, which the checksum tells
            raise DownloadError(
                f"The weights “{title}” could not be downloaded: the server answered {error.code} {error.reason}.",
                hint="Try again later, or choose other weights.",
            ) from error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = _reason(error)
        if _size(part) <= before:
            raise DownloadError(
                f"The weights “{title}” could not be downloaded: {reason}.",
                hint="Check the connection and try again (it goes on where it stopped), or choose “lite0”, "
                "which needs none.",
            )


def _fetch(url: str, part: Path, *, title: str, progress: Progress) -> bool:
    """One connection: append to `part`; whether the file is whole now."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        if answer.status != _PARTIAL_CONTENT:
            have = 0  # the server starts over
        coming = int(answer.headers.get("Content-Length") or 0)
        total = have + coming if coming else 0
        _check_space(part, coming, title)
        with part.open("ab" if have else "wb") as file:
            while chunk := _read(answer):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    return have >= total


def _reason(error: Exception) -> str:
    """What went wrong with a connection, in the system's words."""
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The next bytes; trouble of the connection is told apart from trouble of the disk."""
    try:
        return answer.read(_CHUNK)
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _verify(part: Path, sha256: str, title: str) -> None:
    if not sha256_of(part).startswith(sha256):
        part.unlink()
        raise DownloadError(
            f"What was downloaded as “{title}” is not the published file (its checksum differs); it was deleted.",
            hint="Try again; if it happens again, something between here and the server changes files.",
        )


def _check_space(part: Path, coming: int, title: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if coming > free:
        raise DownloadError(
            f"The disk is too full for the weights “{title}”: {_mib(coming)} are to come, {_mib(free)} are free.",
            path=part.parent,
            hint="Make room, or set MASKWRIGHT_CACHE to a folder on another disk.",
        )


def _not_written(error: OSError, target: Path, title: str) -> DownloadError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    reason = "the disk is full" if full else error.strerror or str(error)
    return DownloadError(
        f"The weights “{title}” could not be written: {reason}.",
        path=target.parent,
        hint="Make room, or set MASKWRIGHT_CACHE to another folder.",
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def _quiet(_have: int, _total: int) -> None:
    """Progress that nobody wants to see."""
