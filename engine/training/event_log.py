"""``events.jsonl``: appended line by line, each line whole, flushed at once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from engine.events import RunEvent, to_line


class EventLog:
    """Writer of a run's events; only the trainer that holds the run's lock has one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _end_torn_line(path)
        self._file = path.open("ab", buffering=0)

    def write(self, event: RunEvent) -> None:
        """Append one event.  A full disk must not end a training, so a line that cannot be written is dropped."""
        with contextlib.suppress(OSError):
            self._file.write(to_line(event).encode("utf-8"))

    def close(self) -> None:
        self._file.close()


def _end_torn_line(path: Path) -> None:
    """A killed trainer may leave half a line: end it, so that the next event starts a line of its own."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
