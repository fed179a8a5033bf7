"""The sides of a bench as processes that take turns: while one works, the others stand still."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.bench.settings import BATCH, Side
from engine.errors import RunError
from engine.project.runs import engine_command, engine_environment

_POSIX = os.name == "posix"
_PATIENCE_S = 10.0  # for a worker to end by itself


@dataclass
class Measured:
    """What a side showed in the turns that count.

    Attributes:
        ready: what it said before its first step.
        seconds, objects, losses: of each step.
        peak_memory_mib: largest so far, warm-up included.
    """

    ready: dict[str, Any]
    seconds: list[float] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    peak_memory_mib: float = 0.0

    def add(self, turn: dict[str, Any], *, counts: bool) -> None:
        """Take in a turn; of the warm-up only memory, objects and losses."""
        self.objects += turn["objects"]
        self.losses += turn["losses"]
        self.peak_memory_mib = max(self.peak_memory_mib, turn["peak_memory_mib"])
        if counts:
            self.seconds += turn["seconds"]

    @property
    def s_per_step(self) -> float:
        """Median over the steps that count."""
        return statistics.median(self.seconds)

    @property
    def images_per_s(self) -> float:
        return BATCH / self.s_per_step

    def to_json(self) -> dict[str, Any]:
        return {
            "s_per_step": self.s_per_step,
            "images_per_s": self.images_per_s,
            "peak_memory_mib": self.peak_memory_mib,
            **self.ready,
            "objects_per_step": self.objects,
            "losses": self.losses,
            "seconds": self.seconds,
        }


class Worker:
    """A side in a process of its own, with the processes that it starts.

    Outside its turns all of it is stopped (where the system can): what it loads ahead neither takes time from the
    other side nor is had for nothing.

    Attributes:
        side: which one.
        ready: what it said before its first step.
    """

    def __init__(self, folder: Path, side: Side, *, command: str = "_side") -> None:
        """Start ``bench COMMAND FOLDER SIDE`` and wait until it is ready."""
        self.side = side
        self._log = folder / f"{side}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                engine_command("bench", command, str(folder), str(side)),
                env=engine_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # A group of its own in the same session: should this process die, the system wakes and ends it.
                process_group=0 if _POSIX else None,
            )
        try:
            self.ready = self._answer()
        except BaseException:
            self.close()
            raise
        self._signal("SIGSTOP")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def turn(self, steps: int) -> dict[str, Any]:
        """Let it take `steps` steps.

        Raises:
            RunError: when it ends instead.
        """
        return self.ask(str(steps))

    def ask(self, what: str) -> dict[str, Any]:
        """Let it do what a line of text asks for.

        Raises:
            RunError: when it ends instead.
        """
        with self._awake():
            self._ask(what)
            return self._answer()

    def close(self) -> None:
        """End it: kindly, then by force."""
        self._signal("SIGCONT")
        pipes = (self._process.stdin, self._process.stdout)
        for pipe in pipes:
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._signal("SIGKILL")
            self._process.kill()
            self._process.wait()

    @contextlib.contextmanager
    def _awake(self) -> Iterator[None]:
        self._signal("SIGCONT")
        yield
        self._signal("SIGSTOP")

    def _ask(self, what: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its answer will say that it is gone
            self._process.stdin.write(f"{what}\n".encode())
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RunError(f"The bench's side “{self.side}” ended early. {self._last_words()}".strip())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """The last line it wrote, or the signal that ended it (the system's, when memory is short)."""
        code = self._process.wait()  # only then has it said everything
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((text.strip() for text in reversed(lines) if text.strip()), "")
        return said or f"Its exit code was {code}; −9 is usually the system, short of memory."

    def _signal(self, name: str) -> None:
        """Send a signal to all its processes; nothing where the system has none, or when it has ended."""
        if _POSIX and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, getattr(signal, name))


def take_turns(
    workers: Sequence[Worker], *, steps: int, rounds: int, warm_up: int, tell: Callable[[str], None]
) -> dict[Side, Measured]:
    """Warm every side up, then let one after the other work, `rounds` times over."""
    measured = {worker.side: Measured(worker.ready) for worker in workers}
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds} …" if number else "warm-up …")
        for worker in workers:
            turn = worker.turn(steps if number else warm_up)
            measured[worker.side].add(turn, counts=number > 0)
    return measured
