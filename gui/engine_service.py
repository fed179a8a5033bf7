"""The window's end of the service: starts it when it is needed, matches answers to requests, outlives its crashes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from engine.service.protocol import Reply, Request, reply_from, to_line

_NOTHING_TEXT = "The engine did not answer."


@dataclass
class _Pending:
    name: str
    then: Callable[[Reply], None] | None = None


@dataclass
class ServiceLaunch:
    """How the service is started: command line, environment, and the file its own output goes to."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None


class ServiceProcess(QObject):
    """One service process at a time, in the thread this object lives in.

    Signals:
        progressed: (id, values) of a running request.
        answered: (id, values) when it is done.
        failed: (id, sentence).
        stated: what the service does, in words.
    """

    progressed = Signal(int, object)
    answered = Signal(int, object)
    failed = Signal(int, str)
    stated = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.launch: ServiceLaunch | None = None
        self._process: QProcess | None = None
        self._pending: dict[int, _Pending] = {}
        self._buffer = b""
        self._internal = itertools.count(-1, -1)
        self._loaded = False

    @property
    def may_hold_model(self) -> bool:
        """Whether a network may be in the service's memory."""
        return self._process is not None and self._loaded

    def send(self, request: Request, then: Callable[[Reply], None] | None = None) -> None:
        """Ask; starts the process when there is none.  `then` takes the answer instead of the signals."""
        if self.launch is None:
            self._fail(request.id, "Open a project first.", then)
            return
        if self._process is None:
            self._start()
        self._pending[request.id] = _Pending(request.name, then)
        self._loaded = self._loaded or request.name == "detect"
        if self._process is not None:
            self._process.write(to_line(request))

    def ask(self, name: str, then: Callable[[Reply], None], **args: Any) -> None:
        """A request of this side's own, outside the window's ids."""
        self.send(Request(id=next(self._internal), name=name, args=args), then)

    def cancel(self, request_id: int) -> None:
        """Take a request back; its answer says so, or it was faster."""
        if request_id in self._pending and self._process is not None:
            self._process.write(to_line(Request(id=next(self._internal), name="cancel", args={"request": request_id})))

    def forget_model(self) -> None:
        self._loaded = False

    def stop(self, wait_ms: int = 1500) -> None:
        """End the process: its stdin closes; one that does not listen is killed.  Open requests are dropped."""
        process, self._process = self._process, None
        self._pending.clear()
        self._loaded = False
        if process is None:
            return
        process.blockSignals(True)
        process.closeWriteChannel()
        if not process.waitForFinished(wait_ms):
            process.kill()
            process.waitForFinished(1000)
        process.deleteLater()

    # --- the process ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        assert self.launch is not None
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name, value in self.launch.environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        if self.launch.output is not None:
            process.setStandardErrorFile(str(self.launch.output))
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._error)
        self._process, self._buffer, self._loaded = process, b"", False
        self.stated.emit("starting")
        process.start(self.launch.command[0], self.launch.command[1:])

    def _read(self) -> None:
        if self._process is None:
            return
        self._buffer += bytes(self._process.readAllStandardOutput().data())
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            reply = reply_from(line)
            if reply is not None:
                self._take(reply)

    def _take(self, reply: Reply) -> None:
        pending = self._pending.get(reply.id)
        if pending is None:  # stale: nobody waits for it any more
            return
        if reply.kind == "progress":
            if pending.then is None:
                self.progressed.emit(reply.id, reply.values)
            return
        del self._pending[reply.id]
        if pending.then is not None:
            pending.then(reply)
        elif reply.kind == "result":
            self.answered.emit(reply.id, reply.values)
        else:
            self.failed.emit(reply.id, reply.text)
        if not self._pending:
            self.stated.emit("idle")

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._gone(_why(code, status))

    def _error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._gone(f"The engine could not be started: {self._process.errorString()}.")

    def _gone(self, sentence: str) -> None:
        process, self._process = self._process, None
        self._loaded = False
        if process is not None:
            process.deleteLater()
        waiting, self._pending = self._pending, {}
        for request_id, pending in waiting.items():
            self._fail(request_id, sentence, pending.then)
        self.stated.emit(sentence if waiting else "stopped")

    def _fail(self, request_id: int, sentence: str, then: Callable[[Reply], None] | None) -> None:
        if then is not None:
            then(Reply(id=request_id, kind="error", text=sentence))
        else:
            self.failed.emit(request_id, sentence or _NOTHING_TEXT)


def _why(code: int, status: QProcess.ExitStatus) -> str:
    if status is QProcess.ExitStatus.CrashExit:
        because = " (killed: probably out of memory)" if code == 9 else f" (signal {code})"
        return f"The engine crashed{because}. It starts again with the next request; nothing was lost."
    return f"The engine ended by itself (code {code}). It starts again with the next request."
