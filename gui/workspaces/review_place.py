"""Where a person is in the Review room: which item, which prediction, and what that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.domain.prediction import Prediction
from engine.errors import UserError
from engine.project.predictions import PredictionStore
from gui.canvas.view import CanvasView
from gui.models.review_items import DECIDED, QueueData, QueueItem
from gui.models.review_queue import ReviewQueue
from gui.workspaces.review_bar import ReviewBar
from gui.workspaces.review_notice import ReviewNotice
from gui.workspaces.review_panels import ReviewColumn
from gui.workspaces.review_truth import TruthView
from gui.workspaces.review_words import HINT_GROUP, HINT_ONE, HINT_TRUTH, choices_for, explain, group_tag

if TYPE_CHECKING:
    from gui.session import Session


class ReviewPlace(QWidget):
    """Canvas, queue and bar, and the way through the queue.

    Attributes:
        canvas: shows the session's document with the predictions over it.
        queue: what is to be looked at.
        truth: predictions against annotations.
        data: run and epoch on screen, None before anything was read.

    Signals:
        hint_changed(str): one line for the status bar.
        go_wanted(str): a person wants to go on in another room.
        truth_changed(bool): annotations are shown against predictions, or no longer.
    """

    hint_changed = Signal(str)
    go_wanted = Signal(str)
    truth_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.queue = ReviewQueue(session.document.category_name, self)
        self.data: QueueData | None = None
        self._key = ""
        self._focus: int | None = None
        self._build()

    def _build(self) -> None:
        self.bar = ReviewBar()
        self.canvas = CanvasView(self.session.document)
        self.column = ReviewColumn(self.queue)
        self.truth = TruthView(self.session.document, self.canvas, self.column.truth, self)
        self.notice = ReviewNotice()
        self._notice, self._notice_button = self.notice.heading, self.notice.button
        self._pages = QStackedWidget()
        self._pages.addWidget(self.canvas)
        self._pages.addWidget(self.notice)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self._pages, 1)
        row.addWidget(self.column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addLayout(row, 1)
        self.setFocusProxy(self.canvas)
        self.truth.prediction_picked.connect(self._focus_on)
        self.queue.counted.connect(self._mark_current)
        self.column.filter.text.returnPressed.connect(self.canvas.setFocus)

    # --- the way through the queue ------------------------------------------------------------------------------

    @property
    def item(self) -> QueueItem | None:
        """The item in question."""
        return self.queue.item(self._key)

    def go_to(self, key: str) -> None:
        """Look at an item of the queue."""
        item = self.queue.item(key)
        if item is None:
            return
        self._key, self._focus = key, self._first_focus(item)
        if self.session.image_id != item.image_id:
            self.session.open_image(item.image_id)
        self.column.view.show_current(key)
        self._show_overlay()

    def _mark_current(self) -> None:
        """A list that was made anew has no current row."""
        self.column.view.show_current(self._key)

    def _first_focus(self, item: QueueItem | None) -> int | None:
        """What to judge first: an open prediction, else a decided one; what labels agree with needs no one."""
        if item is None:
            return None
        decided = (i for i in item.predictions if self.queue.decision(i) is not None)
        return item.open[0] if item.open else next(decided, None)

    def _go_on(self) -> None:
        """After a verdict: the next prediction of this image, or the next item."""
        item = self.item
        if item is not None and item.open:
            self._focus_on(item.open[0])
        else:
            self._go_to_next()

    def _go_to_next(self) -> None:
        following = self.queue.open_after(self._key)
        if following is not None:
            self.go_to(following.key)
            return
        self._show_overlay()
        if self.queue.total and all(i.settled for i in self.queue.items):
            where = "Everything that the filter shows" if self.queue.filter.asks else "Everything in the queue"
            self.session.message.emit("info", f"{where} is settled.")

    def _next_in_image(self, item: QueueItem) -> int | None:
        """The open prediction after the one in question that was not put off."""
        at = item.open.index(self._focus) + 1 if self._focus in item.open else 0
        return next((i for i in item.open[at:] if self.queue.decision(i) is None), None)

    def _focus_on(self, prediction_id: int) -> None:
        self._focus = prediction_id
        self._show_overlay()

    # --- what is there ------------------------------------------------------------------------------------------

    @property
    def _source(self) -> dict[str, Any] | None:
        if self.data is None or self.data.epoch is None:
            return None
        return {"run": self.data.run.id, "epoch": self.data.epoch}

    def _focused(self) -> Prediction | None:
        return next((p for p in self._predictions() if p.id == self._focus), None)

    def _group_members(self) -> list[Prediction]:
        """Predictions of the group in question, the suggested one first; empty when it is no group."""
        item = self.item
        if item is None or item.group is None:
            return []
        known = {p.id: p for p in self._predictions()}
        return [known[i] for i in item.predictions if i in known]

    def _predictions(self) -> tuple[Prediction, ...]:
        """All predictions of the image in question."""
        item = self.item
        image_id = item.image_id if item is not None else self.session.image_id
        return self._detections(image_id)

    def _detections(self, image_id: int | None) -> tuple[Prediction, ...]:
        if self.data is None or self.data.epoch is None or image_id is None:
            return ()
        try:
            with PredictionStore(self.data.run.predictions_path) as store:
                return store.detections(image_id, self.data.epoch).predictions
        except KeyError:
            return ()
        except UserError as error:
            self.session.message.emit("error", str(error))
            return ()

    # --- showing ----------------------------------------------------------------------------------------------

    def set_truth(self, on: bool) -> None:
        """Show annotations against predictions, or the predictions to be judged."""
        if on == self.truth.on:
            return
        self.truth.set_on(on)
        self.bar.show_truth(on)
        self.column.show_truth(on)
        self._show_overlay()
        self.truth_changed.emit(on)

    def search(self) -> None:
        """Let a person type what the queue is to list."""
        self.column.search()

    def _show_overlay(self, _what: object = None) -> None:
        document, item = self.session.document, self.item
        if not self.isVisible() or document.image_id is None:
            return
        here = item if item is not None and item.image_id == document.image_id else None
        asked = set(here.predictions if here is not None and here.group is not None else [self._focus])
        everything = self._detections(document.image_id)
        document.set_predictions([p for p in everything if p.id in asked or self._is_shown(p)])
        chosen = [p for p in everything if p.id in asked]
        names = document.category_name
        if here is not None:
            document.set_highlight([p.id for p in chosen], group_tag(here, chosen, names))
        self._show_choices(here, chosen)
        self.truth.show(everything, threshold=self.bar.threshold, focus=self._focus)

    def _is_shown(self, prediction: Prediction) -> bool:
        if prediction.score < self.bar.threshold:
            return False
        decision = self.queue.decision(prediction.id)
        if decision is not None and decision.verdict in DECIDED:
            return False
        seen = self.queue.seen(prediction.image_id, prediction.id)
        return self.bar.show_what.currentData() == "all" or seen is None or not seen.agrees

    def _show_choices(self, item: QueueItem | None, chosen: list[Prediction]) -> None:
        document = self.session.document
        self.column.choices.show_rows(choices_for(item, chosen, document.categories, self.queue))
        self.column.explain(*explain(item, chosen, document, self.queue))
        hint = HINT_GROUP if item is not None and item.group is not None else HINT_ONE
        self.hint_changed.emit(HINT_TRUTH if self.truth.on else hint)
