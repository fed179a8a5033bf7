"""The window's pair: starts, feeds, watches and restarts the engine processes, and turns what they say into signals.

No model and no torch in here.  The thread owns a worker with its own event loop; every signal below is emitted in the
thread that :class:`EngineThread` lives in (the gui's), whatever it is connected to.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from engine.errors import UserError
from engine.logs import log_folder
from engine.project.runs import RunFolder, engine_command, engine_environment, list_runs, train_command
from engine.service.protocol import Reply, Request
from gui.engine_run import Follower, RunHistory, RunStatus, launch_detached
from gui.engine_service import ServiceLaunch, ServiceProcess

POLL_MS = 150
UNLOAD_TIMEOUT_MS = 15_000

TrainerCommand = Callable[[RunFolder, bool], list[str]]
ServiceCommand = Callable[[Path], list[str]]


def trainer_command(run: RunFolder, resume: bool) -> list[str]:
    """Command line of a run's trainer."""
    return train_command(run, resume=resume)


def service_command(folder: Path) -> list[str]:
    """Command line of a project's service."""
    return engine_command("_service", str(folder))


class EngineThread(QThread):
    """Supervises one trainer and one service for the open project.

    Signals:
        history: :class:`RunHistory`, when a run begins to be followed.
        run_read: :class:`RunHistory`, after :meth:`read_run`.
        run_event: a run event of the followed run, in order, each once.
        run_state: :class:`RunStatus` of the followed run, on every change.
        progress: (request id, dict) while a request runs.
        reply: (request id, dict) when it is done; ``{"cancelled": True}`` when it was taken back.
        failed: (request id, sentence).  Id 0 is a trainer that could not be started.
        service_state: what the service does, in words.
    """

    history = Signal(object)
    run_read = Signal(object)
    run_event = Signal(object)
    run_state = Signal(object)
    progress = Signal(int, object)
    reply = Signal(int, object)
    failed = Signal(int, str)
    service_state = Signal(str)

    _do_project = Signal(object)
    _do_start = Signal(object, bool)
    _do_follow = Signal(object)
    _do_read = Signal(object)
    _do_stop = Signal()
    _do_request = Signal(object)
    _do_cancel = Signal(int)
    _do_close = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        trainer: TrainerCommand = trainer_command,
        service: ServiceCommand = service_command,
        poll_ms: int = POLL_MS,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("engine")
        self._ids = itertools.count(1)
        self._status: RunStatus | None = None
        self._worker = _Worker(trainer, service, poll_ms)
        self._worker.moveToThread(self)
        self._connect_worker()

    def _connect_worker(self) -> None:
        worker = self._worker
        self.started.connect(worker.begin)
        self._do_project.connect(worker.open_project)
        self._do_start.connect(worker.start_run)
        self._do_follow.connect(worker.follow)
        self._do_read.connect(worker.read_run)
        self._do_stop.connect(worker.stop_run)
        self._do_request.connect(worker.request)
        self._do_cancel.connect(worker.cancel)
        self._do_close.connect(worker.close)
        worker.history.connect(self.history)
        worker.run_read.connect(self.run_read)
        worker.run_event.connect(self.run_event)
        worker.run_state.connect(self._remember)
        worker.progress.connect(self.progress)
        worker.reply.connect(self.reply)
        worker.failed.connect(self.failed)
        worker.service_state.connect(self.service_state)

    # --- what the window asks for (from its own thread) -------------------------------------------------------

    @property
    def status(self) -> RunStatus | None:
        """How the followed run stands, as last told."""
        return self._status

    def open_project(self, folder: Path | None) -> None:
        """Serve another project (None: none).  A run of it that is alive is followed again, else the newest one."""
        self._status = None
        self._do_project.emit(folder)

    def start_run(self, run: RunFolder, resume: bool = False) -> None:
        """Start the detached trainer of `run` and follow it; the service gives its model's memory back first."""
        self._do_start.emit(run, resume)

    def follow(self, run: RunFolder) -> None:
        """Follow a run that somebody started."""
        self._do_follow.emit(run)

    def read_run(self, run: RunFolder) -> None:
        """Ask for a run's history without following it."""
        self._do_read.emit(run)

    def stop_run(self) -> None:
        """Ask the followed run to stop after its step and keep everything."""
        self._do_stop.emit()

    def request(self, name: str, **args: Any) -> int:
        """Ask the service; the id comes back in ``progress``, ``reply`` or ``failed``."""
        request = Request(id=next(self._ids), name=name, args=args)
        self._do_request.emit(request)
        return request.id

    def cancel(self, request_id: int) -> None:
        """Take a request back."""
        self._do_cancel.emit(request_id)

    def shutdown(self, timeout_ms: int = 20_000) -> bool:
        """End the service and this thread; a trainer lives on.  False when it did not end in time."""
        if not self.isRunning():
            return True
        self._do_close.emit()
        return self.wait(timeout_ms)

    def _remember(self, status: RunStatus) -> None:
        self._status = status
        self.run_state.emit(status)


class _Worker(QObject):
    """What happens in the thread."""

    history = Signal(object)
    run_read = Signal(object)
    run_event = Signal(object)
    run_state = Signal(object)
    progress = Signal(int, object)
    reply = Signal(int, object)
    failed = Signal(int, str)
    service_state = Signal(str)

    def __init__(self, trainer: TrainerCommand, service: ServiceCommand, poll_ms: int) -> None:
        super().__init__()
        self._trainer, self._service_command, self._poll_ms = trainer, service, poll_ms
        self._follower: Follower | None = None
        self._status: RunStatus | None = None
        self._timer: QTimer | None = None
        self._service: ServiceProcess | None = None
        self._waiting: tuple[RunFolder, bool] | None = None

    def begin(self) -> None:
        """Timers and the process belong to this thread: they are made here."""
        self._timer = QTimer(self, interval=self._poll_ms)
        self._timer.timeout.connect(self._poll)
        self._service = ServiceProcess(self)
        self._service.progressed.connect(self.progress)
        self._service.answered.connect(self.reply)
        self._service.failed.connect(self.failed)
        self._service.stated.connect(self.service_state)

    def close(self) -> None:
        """Leave nothing behind but the trainer."""
        self._let_go()
        if self._service is not None:
            self._service.stop()
            self._service.deleteLater()
            self._service = None
        if self._timer is not None:
            self._timer.deleteLater()
            self._timer = None
        QThread.currentThread().quit()

    def open_project(self, folder: Path | None) -> None:
        self._let_go()
        assert self._service is not None
        self._service.stop()
        self._service.launch = None
        if folder is None:
            return
        log = log_folder() / "service.log"
        self._service.launch = ServiceLaunch(
            self._service_command(folder), engine_environment(), log if _writable(log) else None
        )
        runs = list_runs(folder)
        chosen = next((r for r in runs if r.is_live()), runs[0] if runs else None)
        if chosen is not None:
            self.follow(chosen)

    # --- the trainer ------------------------------------------------------------------------------------------

    def start_run(self, run: RunFolder, resume: bool) -> None:
        assert self._service is not None
        if not self._service.may_hold_model:
            self._launch(run, resume)
            return
        self._waiting = (run, resume)
        self.service_state.emit("The detection model gives its memory back before the training.")
        self._service.ask("unload", self._unloaded)
        QTimer.singleShot(UNLOAD_TIMEOUT_MS, self, self._unload_overdue)

    def _unloaded(self, reply: Reply) -> None:
        assert self._service is not None
        self._service.forget_model()
        if reply.kind == "error" or str(reply.values.get("device", "")).startswith("cuda"):
            self._service.stop()  # a CUDA context only goes with its process
        self._launch_waiting()

    def _unload_overdue(self) -> None:
        if self._waiting is not None and self._service is not None:
            self._service.stop()
            self._launch_waiting()

    def _launch_waiting(self) -> None:
        if self._waiting is not None:
            (run, resume), self._waiting = self._waiting, None
            self._launch(run, resume)

    def _launch(self, run: RunFolder, resume: bool) -> None:
        try:
            run.clear_stop()
            process = launch_detached(self._trainer(run, resume), engine_environment(), run.output_path)
        except (UserError, OSError) as error:
            self.failed.emit(0, str(error))
            return
        self._observe(run, process)

    def follow(self, run: RunFolder) -> None:
        if self._follower is None or self._follower.run.path != run.path:
            self._observe(run, None)

    def _observe(self, run: RunFolder, process: subprocess.Popen[bytes] | None) -> None:
        self._let_go()
        self._follower = Follower(run, process)
        self._status = None
        _, status = self._follower.poll()
        self.history.emit(RunHistory(status, tuple(self._follower.events)))
        self._tell(status)
        if self._timer is not None:
            self._timer.start()

    def read_run(self, run: RunFolder) -> None:
        if self._follower is not None and self._follower.run.path == run.path:
            self._poll()
            assert self._status is not None
            self.run_read.emit(RunHistory(self._status, tuple(self._follower.events)))
            return
        other = Follower(run)
        _, status = other.poll()
        self.run_read.emit(RunHistory(status, tuple(other.events)))

    def stop_run(self) -> None:
        if self._follower is not None:
            try:
                self._follower.run.request_stop()
            except OSError as error:
                self.failed.emit(0, f"The stop request cannot be written: {error.strerror}.")
            self._poll()

    def _poll(self) -> None:
        if self._follower is None:
            return
        fresh, status = self._follower.poll()
        for event in fresh:
            self.run_event.emit(event)
        self._tell(status)

    def _tell(self, status: RunStatus) -> None:
        if status != self._status:
            self._status = status
            self.run_state.emit(status)

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self._follower is not None:
            self._follower.detach()
            self._follower = None

    # --- the service ------------------------------------------------------------------------------------------

    def request(self, request: Request) -> None:
        assert self._service is not None
        self._service.send(request)

    def cancel(self, request_id: int) -> None:
        assert self._service is not None
        self._service.cancel(request_id)


def _writable(path: Path) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return False
    return True
