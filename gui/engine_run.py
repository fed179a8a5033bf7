"""Trainer processes seen from the window: starting them detached, following what they write, telling how they stand."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RunError
from engine.events import AttemptEnded, AttemptStarted, RunEvent, from_line
from engine.project.runs import RunFolder, RunState, state_from, without_superseded

NICENESS = 10
_START_GRACE_S = 30.0


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands.

    Attributes:
        run: its folder.
        state: derived from the lock and the events.
        reason: a sentence for FAILED and LOST, else "".
        stopping: a stop was asked for and has not happened yet.
    """

    run: RunFolder
    state: RunState
    reason: str = ""
    stopping: bool = False

    @property
    def is_live(self) -> bool:
        return self.state in (RunState.STARTING, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class RunHistory:
    """A run's events so far, superseded ones dropped."""

    status: RunStatus
    events: tuple[RunEvent, ...]


class EventTail:
    """Reads the new whole lines of ``events.jsonl``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._partial = b""

    def read(self) -> list[RunEvent]:
        """Events since the last call; a torn last line waits for its end."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset, self._partial = 0, b""
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return []
        self._offset += len(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [event for line in lines if (event := from_line(line)) is not None]


class Follower:
    """One run under observation.  Call :meth:`poll` now and then."""

    def __init__(self, run: RunFolder, process: subprocess.Popen[bytes] | None = None) -> None:
        self.run = run
        self.events: list[RunEvent] = []
        self._tail = EventTail(run.events_path)
        self._process = process
        self._since = time.monotonic()
        self._ended_before = 0
        if process is not None:
            self._take()
            self._ended_before = self._terminal_events()

    def poll(self) -> tuple[list[RunEvent], RunStatus]:
        """New events and how the run stands; the lock is looked at first, so that no last word is missed."""
        live = self.run.is_live()
        exit_code = self._process.poll() if self._process is not None else None
        fresh = self._take()
        return fresh, self._status(live, exit_code)

    def detach(self) -> None:
        """Let go of the process: it lives on, and nobody here waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0
        self._process = None

    def _take(self) -> list[RunEvent]:
        fresh = self._tail.read()
        self.events.extend(fresh)
        if any(isinstance(e, AttemptStarted) for e in fresh):
            self.events = without_superseded(self.events)
        return fresh

    def _terminal_events(self) -> int:
        return sum(isinstance(e, AttemptEnded) for e in self.events)

    def _status(self, live: bool, exit_code: int | None) -> RunStatus:
        state = self._state(live, exit_code)
        reason = ""
        if state is RunState.FAILED:
            ends = [e for e in self.events if isinstance(e, AttemptEnded)]
            reason = ends[-1].reason if ends else ""
        elif state is RunState.LOST:
            reason = lost_reason(exit_code, output_tail(self.run.output_path))
        stopping = state is RunState.RUNNING and self.run.stop_requested()
        return RunStatus(self.run, state, reason, stopping)

    def _state(self, live: bool, exit_code: int | None) -> RunState:
        if self._process is None:
            return self._state_of_another(live)
        ended = self._terminal_events() > self._ended_before
        if exit_code is None:
            return RunState.RUNNING if live else (state_from(self.events, False) if ended else RunState.STARTING)
        return state_from(self.events, False) if ended else RunState.LOST

    def _state_of_another(self, live: bool) -> RunState:
        state = state_from(self.events, live)
        waited = time.monotonic() - self._since
        if state is RunState.STARTING and waited > _START_GRACE_S:
            return RunState.LOST
        return state


def lost_reason(exit_code: int | None, output: str) -> str:
    """A sentence on why a trainer vanished.  `exit_code` is negative for a signal, None when it was not our child."""
    keep = "Resume goes on from its last checkpoint."
    if exit_code == -9:
        return f"The trainer was killed (-9: probably out of memory). Lower the image size or the batch; {keep}"
    if exit_code is not None and exit_code < 0:
        return f"The trainer crashed (signal {-exit_code}). {keep}"
    said = f" It said: {output}" if output else ""
    return f"The trainer ended without a word.{said} {keep}"


def output_tail(path: Path, size: int = 4000) -> str:
    """The last line a trainer printed, "" when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:300] if lines else ""


def launch_detached(command: Sequence[str], environment: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one, at a lower priority, its output appended to a file.

    Raises:
        RunError: when it cannot be started.
    """
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        flags |= subprocess.BELOW_NORMAL_PRIORITY_CLASS
    else:
        flags = 0
    try:
        with output.open("ab") as out:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(environment),
                start_new_session=sys.platform != "win32",
                creationflags=flags,
            )
    except OSError as error:
        raise RunError(f"The trainer cannot be started: {error.strerror}.", path=output) from error
    lower_priority(process.pid)
    return process


def lower_priority(pid: int, niceness: int = NICENESS) -> None:
    """Let the window go first.  Best effort: where the system refuses, the process runs as it is.

    A process in a session of its own is an autogroup of its own under Linux, and `nice` then only counts inside it:
    the group's own niceness has to be set as well (man 7 sched).
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
