"""Keeps the chip beside Train up to date with the followed run: ``run 7 · epoch 12/40 · 14 min left``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from gui.session import Session
    from gui.widgets.top_bar import TopBar

WORDS = {
    "finished": ("finished", "ok"),
    "stopped": ("stopped", ""),
    "failed": ("failed", "bad"),
    "lost": ("lost", "bad"),
}


class RunChip(QObject):
    """Listens to the engine from the first opened project on."""

    def __init__(self, session: Session, bar: TopBar) -> None:
        super().__init__(bar)
        self._session, self._bar = session, bar
        self._connected = False
        self._epochs, self._step = 0, ""
        session.project_opened.connect(self._project_opened)

    def _project_opened(self) -> None:
        self._epochs, self._step = 0, ""
        self._bar.show_run("")
        if not self._connected:
            engine = self._session.engine
            engine.history.connect(self._history)
            engine.run_event.connect(self._event)
            engine.run_state.connect(self._state)
            self._connected = True

    def _history(self, history: Any) -> None:
        self._epochs, self._step = 0, ""
        for event in history.events:
            self._take(event)
        self._show()

    def _event(self, event: Any) -> None:
        self._take(event)
        if event.type == "step_done":
            self._show()

    def _take(self, event: Any) -> None:
        # told apart by their tag: importing the event types imports pydantic, and the window starts without a run
        if event.type == "attempt_started":
            self._epochs, self._step = event.epochs, ""
        elif event.type == "step_done":
            of = f"/{self._epochs}" if self._epochs else ""
            self._step = f" · epoch {event.epoch}{of} · {time_left(event.seconds_left)}"

    def _state(self, _status: object) -> None:
        self._show()

    def _show(self) -> None:
        status = self._session.engine.status
        if status is None:
            self._bar.show_run("")
        elif status.is_live:
            words = " · stopping" if status.stopping else self._step or " · starting"
            self._bar.show_run(f"run {short_id(status.run.id)}{words}", "ok")
        else:
            word, kind = WORDS.get(status.state.value, (status.state.value, ""))
            self._bar.show_run(f"run {short_id(status.run.id)} · {word}", kind)
        self._bar.run_chip.setToolTip(status.reason if status is not None else "")


def short_id(run_id: str) -> str:
    """A run id without leading zeros: "0007" is 7."""
    return run_id.lstrip("0") or run_id


def time_left(seconds: float) -> str:
    """Rounded words for a rest of time."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s left"
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 90 else f"{minutes / 60:.1f} h left"
