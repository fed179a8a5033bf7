"""The service's loop: requests from stdin, answers on the descriptor that stdout was.

Libraries print to stdout; its descriptor is therefore pointed at stderr before anything else happens, and answers go
to a private copy.  A thread reads stdin, so that a cancel or the window's end is heard while a detection runs.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from engine.errors import UserError
from engine.service.protocol import Reply, Request, request_from, to_line

log = logging.getLogger(__name__)

Handler = Callable[["Job"], dict[str, Any]]


class Cancelled(Exception):  # noqa: N818 (not an error)
    """The request was taken back; raised by :meth:`Job.check`."""


class Job:
    """One request while it is worked on."""

    def __init__(self, request: Request, send: Callable[[Reply], None]) -> None:
        self.request = request
        self.args = request.args
        self._send = send
        self._cancelled = threading.Event()

    def progress(self, **values: Any) -> None:
        """Tell how far it is."""
        self._send(Reply(id=self.request.id, kind="progress", values=values))

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        """Call between two pieces of work.

        Raises:
            Cancelled: when nobody wants the answer any more.
        """
        if self._cancelled.is_set():
            raise Cancelled


class ServiceLoop:
    """Takes requests one after the other; ``cancel`` and ``unload`` reach the running one at once."""

    def __init__(self, handlers: dict[str, Handler], incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._handlers = handlers
        self._incoming = incoming
        self._outgoing = outgoing
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._open: dict[int, Job] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Work until stdin ends."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        while (job := self._jobs.get()) is not None:
            self.send(self._answer(job))
            with self._lock:
                self._open.pop(job.request.id, None)

    def send(self, reply: Reply) -> None:
        """Write one answer; a window that is gone is no error."""
        try:
            with self._lock:
                self._outgoing.write(to_line(reply))
                self._outgoing.flush()
        except (BrokenPipeError, ValueError):
            log.info("nobody reads the answers any more")

    def _read(self) -> None:
        for line in self._incoming:
            request = request_from(line)
            if request is None:
                log.warning("not a request: %r", line[:200])
            elif request.name == "cancel":
                self._cancel(int(request.args.get("request", 0)))
                self.send(Reply(id=request.id, kind="result"))
            else:
                self._take(request)
        self._cancel_all()
        self._jobs.put(None)

    def _take(self, request: Request) -> None:
        if request.name == "unload":
            self._cancel_all()
        job = Job(request, self.send)
        with self._lock:
            self._open[request.id] = job
        self._jobs.put(job)

    def _cancel(self, request_id: int) -> None:
        with self._lock:
            job = self._open.get(request_id)
        if job is not None:
            job.cancel()

    def _cancel_all(self) -> None:
        with self._lock:
            jobs = list(self._open.values())
        for job in jobs:
            job.cancel()

    def _answer(self, job: Job) -> Reply:
        handler = self._handlers.get(job.request.name)
        if handler is None:
            return Reply(id=job.request.id, kind="error", text=f"The engine knows no request “{job.request.name}”.")
        try:
            job.check()
            return Reply(id=job.request.id, kind="result", values=handler(job))
        except Cancelled:
            return Reply(id=job.request.id, kind="result", values={"cancelled": True})
        except UserError as error:
            return Reply(id=job.request.id, kind="error", text=str(error))
        except Exception as error:  # a defect must not end the service
            log.exception("request %s failed", job.request.name)
            return Reply(id=job.request.id, kind="error", text=_sentence(error))


def private_stdout() -> IO[bytes]:
    """A copy of stdout for the answers; from now on what is printed goes to stderr."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return outgoing


def _sentence(error: Exception) -> str:
    text = str(error).strip().splitlines()
    first = text[0] if text else type(error).__name__
    if "out of memory" in first.lower() or isinstance(error, MemoryError):
        return "There was not enough memory for this. Detect with a smaller batch, or close other programs."
    return f"The engine could not do this: {first}"
