"""Detecting from the Review room: one request to the engine at a time, its progress, its end."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.engine_thread import EngineThread


class Detection(QObject):
    """Follows the room's own request among all that the engine answers.

    Attributes:
        request: id of the request that is under way, 0 without one.

    Signals:
        progress(object): how far it is (what the engine tells), None when there is none any more.
        found(int): it ended; the epoch that was looked with.
        stopped: a person cancelled it.
        said(str level, str sentence): to be told.
    """

    progress = Signal(object)
    found = Signal(int)
    stopped = Signal()
    said = Signal(str, str)

    def __init__(self, engine: EngineThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.request = 0
        self._engine = engine
        engine.progress.connect(self._on_progress)
        engine.reply.connect(self._on_reply)
        engine.failed.connect(self._on_failed)

    def follow(self, request: int) -> None:
        """A request was sent."""
        self.request = request
        self.progress.emit({"stage": "loading"})

    def cancel(self) -> None:
        """Stop it; what was found until then is kept."""
        if self.request:
            self._engine.cancel(self.request)

    def forget(self) -> None:
        """Another project is shown."""
        self.request = 0
        self.progress.emit(None)

    def _on_progress(self, request: int, values: dict[str, object]) -> None:
        if request == self.request:
            self.progress.emit(values)

    def _on_reply(self, request: int, values: dict[str, Any]) -> None:
        if request != self.request or not request:
            return
        self.forget()
        if values.get("cancelled"):
            self.said.emit("info", "Detection was stopped; what was found until then is kept.")
            self.stopped.emit()
            return
        unreadable = values.get("unreadable") or []
        words = f"{values['found']} predictions in {values['images']} images, by epoch {values['epoch']}."
        if unreadable:
            words += f" {len(unreadable)} could not be read: {unreadable[0]}"
        self.said.emit("warning" if unreadable else "info", words)
        self.found.emit(int(values["epoch"]))

    def _on_failed(self, request: int, sentence: str) -> None:
        if request == 0 or request == self.request:
            self.said.emit("error", sentence)
        if request and request == self.request:
            self.forget()


def detect_arguments(run_id: str, epoch_choice: str, where: str, image_id: int | None) -> dict[str, Any]:
    """What the engine is asked: the checkpoint, and the images ("all", "image" for the one on screen, or a split)."""
    args: dict[str, Any] = {"run": run_id, "epoch": int(epoch_choice) if epoch_choice.isdigit() else epoch_choice}
    if where == "image":
        args["images"] = [image_id]
    elif where != "all":
        args["split"] = where
    return args
