"""The trainer process: takes the run's lock, trains, and leaves exactly one terminal event per attempt."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from engine.errors import UserError
from engine.events import AttemptEnded, AttemptStarted, RunEvent
from engine.project.runs import RunFolder
from engine.training.event_log import EventLog
from engine.training.world import own_rank

log = logging.getLogger(__name__)


def run_trainer(
    run: RunFolder, *, resume: bool = False, on_event: Callable[[RunEvent], None] | None = None
) -> AttemptEnded:
    """Train `run` in this process, alone or as one of torchrun's.

    SIGTERM and SIGINT ask for a stop: the step under way is finished and everything is saved.  `on_event` is told
    what is written to ``events.jsonl``.  Of several ranks only the first holds the lock, writes and tells.

    Raises:
        RunError: when another trainer holds the run, or it cannot be read.
    """
    if own_rank() > 0:
        return _attempt(run, _say_nothing, 0, resume=resume)
    with run.hold():
        run.clear_stop()
        attempt = 1 + sum(isinstance(e, AttemptStarted) for e in run.events())
        events = EventLog(run.events_path)

        def tell(event: RunEvent) -> None:
            events.write(event)
            if on_event is not None:
                on_event(event)

        try:
            ended = _attempt(run, tell, attempt, resume=resume)
            tell(ended)
        finally:
            events.close()
        return ended


def _say_nothing(_event: RunEvent) -> None:
    pass


def _attempt(run: RunFolder, tell: Callable[[RunEvent], None], attempt: int, *, resume: bool) -> AttemptEnded:
    stop = threading.Event()
    _stop_on_signals(stop)
    try:
        from engine.training.loop import Trainer  # torch is imported here, inside the guard

        trainer = Trainer(run, tell, should_stop=lambda: stop.is_set() or run.stop_requested(), resume=resume)
    except Exception as error:
        return _failed(error, epoch=0, step=0)
    try:
        return trainer.run(attempt=attempt, resume=resume)
    except Exception as error:
        progress = trainer.state.progress
        return _failed(error, epoch=progress.epoch, step=progress.step)


def _failed(error: Exception, *, epoch: int, step: int) -> AttemptEnded:
    log.exception("training failed")
    if isinstance(error, UserError):
        reason = str(error)
    elif isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        reason = "The memory was not enough. Lower the image size or the batch size, then resume."
    else:
        reason = f"{type(error).__name__}: {error}"
    return AttemptEnded(outcome="failed", epoch=epoch, step=step, reason=reason)


def _stop_on_signals(stop: threading.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
