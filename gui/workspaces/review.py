"""The Review room: what the network predicts, over the image; what matters first; one key per verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from engine.domain.annotation import ImageStatus
from engine.domain.prediction import Prediction
from engine.errors import UserError
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder, list_runs
from gui.canvas.view import CanvasView
from gui.jobs import Job
from gui.models.review_queue import DECIDED, QueueData, QueueItem, ReviewQueue, facts_of_image, gather
from gui.widgets.basics import Heading, Muted
from gui.workspaces.review_bar import ReviewBar
from gui.workspaces.review_panels import ReviewColumn
from gui.workspaces.review_words import choices_for, explain, group_tag

if TYPE_CHECKING:
    from engine.project.records import Changed
    from gui.session import Session

FEW_IMAGES = 20  # changes of more images than this are read again in the background
HINT_GROUP = "1–9 keep · B both are right · R none · U unsure · Ctrl+Enter next"
HINT_ONE = "Y accept · R reject · E edit · U unsure · Ctrl+Enter done, next"


class ReviewRoom(QWidget):
    """The room on the window's switch; its keys are in the table of actions.

    Attributes:
        canvas: shows the session's document with the predictions over it.
        queue: what is to be looked at.
        data: run and epoch on screen, None before anything was read.

    Signals:
        hint_changed(str): one line for the status bar.
        go_wanted(str): a person wants to go on in another room.
        loaded: another run, epoch or detection is shown.
    """

    hint_changed = Signal(str)
    go_wanted = Signal(str)
    loaded = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.queue = ReviewQueue(session.document.category_name, self)
        self.data: QueueData | None = None
        self._key = ""
        self._focus: int | None = None
        self._job: Job | None = None
        self._wanted: tuple[RunFolder, str, int | None] | None = None
        self._request = 0
        self._build()
        self._connect()

    # --- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.bar = ReviewBar()
        self.canvas = CanvasView(self.session.document)
        self.column = ReviewColumn(self.queue)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.canvas)
        self._pages.addWidget(self._build_notice())
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

    def _build_notice(self) -> QWidget:
        page = QWidget()
        self._notice, self._notice_more = Heading(), Muted(wrap=True)
        self._notice_more.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice_more.setFixedWidth(460)
        self._notice_more.setMinimumHeight(40)  # two lines: aligned widgets get no height for width
        self._notice_button = QPushButton()
        self._notice_button.setProperty("role", "primary")
        self._notice_button.clicked.connect(self._notice_pressed)
        column = QVBoxLayout(page)
        column.setSpacing(12)
        column.addStretch(1)
        for widget in (self._notice, self._notice_more, self._notice_button):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return page

    def _connect(self) -> None:
        session, engine = self.session, self.session.engine
        session.project_opened.connect(self._on_project)
        session.project_closed.connect(self._on_project)
        session.changed.connect(self._on_changed)
        session.image_opened.connect(self._on_image_opened)
        engine.progress.connect(self._on_progress)
        engine.reply.connect(self._on_reply)
        engine.failed.connect(self._on_failed)
        self.bar.run_chosen.connect(self._on_run_chosen)
        self.bar.epoch_chosen.connect(self._on_epoch_chosen)
        self.bar.threshold_changed.connect(self._on_threshold)
        self.bar.show_changed.connect(self._show_overlay)
        self.bar.cancel_asked.connect(self._cancel)
        self.column.view.picked.connect(self.go_to)
        self.column.choices.chosen.connect(self._on_choice)

    # --- what a person says -----------------------------------------------------------------------------------

    def accept(self) -> None:
        """The prediction is right; of a group, the suggested one."""
        item = self.item
        if item is not None and item.group is not None:
            self.keep(1)
            return
        prediction = self._focused()
        if prediction is not None and self._source is not None:
            self.session.accept(prediction, **self._source)
            self._go_on()

    def reject(self) -> None:
        """The prediction is wrong; of a group, all of them."""
        predictions = self._group_members() or [p for p in (self._focused(),) if p is not None]
        if predictions and self.data is not None:
            self.session.reject(*predictions, run=self.data.run.id)
            self._go_on()

    def unsure(self) -> None:
        """Put it off."""
        item = self.item
        predictions = self._group_members() or [p for p in (self._focused(),) if p is not None]
        if not predictions or item is None or self.data is None:
            return
        self.session.unsure(*predictions, run=self.data.run.id)
        following = self._next_in_image(item) if item.group is None else None
        if following is not None:
            self._focus_on(following)
        else:
            self._go_to_next()

    def edit(self) -> None:
        """Take the prediction and go on with it in Annotate, selected."""
        members = self._group_members()
        prediction = members[0] if members else self._focused()
        if prediction is None or self._source is None:
            return
        instance_id = self.session.correct(prediction, **self._source)
        if instance_id is not None:
            self.go_wanted.emit("annotate")
            self.session.document.select({instance_id})

    def keep(self, number: int) -> None:
        """Of a group, keep candidate `number` (from 1) and reject the others."""
        members = self._group_members()
        if not 1 <= number <= len(members) or self._source is None or self.data is None:
            return
        keeper = members[number - 1]
        others = [m for m in members if m.id != keeper.id]
        self.session.keep_one(keeper, others, **self._source)
        self._go_on()

    def both(self) -> None:
        """All candidates of a group are right."""
        members = self._group_members()
        if members and self._source is not None:
            self.session.keep_all(members, **self._source)
            self._go_on()

    def done_next(self) -> None:
        """Done with this image (or group), next."""
        item = self.item
        record = self.session.record()
        here = item is not None and item.group is None and record is not None and record.id == item.image_id
        if here and record is not None and record.status is not ImageStatus.DONE:
            self.session.set_status(ImageStatus.DONE)
        self._go_to_next()

    def detect(self) -> None:
        """Detect with the chosen checkpoint in the chosen images."""
        run = self._chosen_run()
        if run is None:
            self.session.message.emit("info", "There is no network yet: train first, then detect.")
            return
        if self._request:
            return
        where = str(self.bar.where.currentData())
        args: dict[str, Any] = {"run": run.id, "epoch": _epoch_argument(self.bar.epoch_choice)}
        if where == "image":
            args["images"] = [self.session.image_id]
        elif where != "all":
            args["split"] = where
        self._request = self.session.detect(**args)
        self.bar.show_progress({"stage": "loading"})

    # --- where we are -----------------------------------------------------------------------------------------

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

    def _first_focus(self, item: QueueItem | None) -> int | None:
        """What to judge first: an open prediction, else a decided one; what labels agree with needs no one."""
        if item is None:
            return None
        decided = (i for i in item.predictions if self.queue.decision(i) is not None)
        return item.open[0] if item.open else next(decided, None)

    def _go_on(self) -> None:
        """After a verdict: the next prediction of this image, or the next item."""
        item = self.item
        if item is not None and not item.settled:
            self._focus_on(item.open[0])
        else:
            self._go_to_next()

    def _go_to_next(self) -> None:
        following = self.queue.open_after(self._key)
        if following is not None:
            self.go_to(following.key)
            return
        self._show_overlay()
        if self.queue.items and all(i.settled for i in self.queue.items):
            self.session.message.emit("info", "Everything in the queue is settled.")

    def _next_in_image(self, item: QueueItem) -> int | None:
        """The open prediction after the one in question that was not put off."""
        at = item.open.index(self._focus) + 1 if self._focus in item.open else 0
        return next((i for i in item.open[at:] if self.queue.decision(i) is None), None)

    def _focus_on(self, prediction_id: int) -> None:
        self._focus = prediction_id
        self._show_overlay()

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
        self.hint_changed.emit(HINT_GROUP if item is not None and item.group is not None else HINT_ONE)

    def _on_choice(self, choice: str) -> None:
        if choice.startswith("keep"):
            self.keep(int(choice.removeprefix("keep")))
        elif choice.startswith("look"):
            self._focus_on(int(choice.removeprefix("look")))
        else:
            getattr(self, choice)()

    def _show_notice(self) -> None:
        """Say what to do while there is nothing to review."""
        data = self.data
        if data is not None and data.epoch is not None:
            self._pages.setCurrentIndex(0)
            return
        if self._chosen_run() is None:
            words = ("No network yet", "Train one on what is drawn so far; then it can be looked at what it predicts.")
            self._notice_button.setText("Go to Train")
        else:
            words = (
                "No predictions of this epoch yet",
                "Detect looks at the images and keeps what it finds apart from your labels, until you accept it.",
            )
            self._notice_button.setText("Detect")
        self._notice.setText(words[0])
        self._notice_more.setText(words[1])
        self._pages.setCurrentIndex(1)

    def _notice_pressed(self) -> None:
        if self._chosen_run() is None:
            self.go_wanted.emit("train")
        else:
            self.detect()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.reload_runs()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.session.document.set_predictions(())

    # --- reading runs and predictions -------------------------------------------------------------------------

    def reload_runs(self) -> None:
        """Offer the project's runs; the chosen one stays, else the newest that has predictions."""
        store = self.session.store
        runs = list_runs(store.folder) if store is not None else []
        chosen = self.data.run.id if self.data is not None else ""
        if chosen not in {r.id for r in runs}:
            chosen = next((r.id for r in runs if r.predictions_path.exists()), runs[0].id if runs else "")
        self.bar.show_runs(runs, chosen)
        run = self._chosen_run()
        if run is None:
            self.data = None
            self.queue.load((), ())
            self._show_notice()
        elif self.data is not None and self.data.run.id == run.id:
            self._read(run, self.data.choice, self.data.epoch)
        else:
            self._read(run, "best")

    def _chosen_run(self) -> RunFolder | None:
        store, run_id = self.session.store, self.bar.runs.currentData()
        return RunFolder(store.folder / "runs" / run_id) if store is not None and run_id else None

    def _on_run_chosen(self, run_id: str) -> None:
        run = self._chosen_run()
        if run is not None:
            self._read(run, "best")

    def _on_epoch_chosen(self, choice: str) -> None:
        run = self._chosen_run()
        if run is not None:
            self._read(run, choice)

    def _read(self, run: RunFolder, choice: str, epoch: int | None = None) -> None:
        """Read predictions, labels and decisions in the background; the newest wish wins."""
        self._wanted = (run, choice, epoch)
        store = self.session.store
        if self._job is not None or store is None:
            return
        folder, wanted = store.folder, self._wanted
        self._job = Job("review", lambda _report: gather(folder, *wanted), self)
        self._job.done.connect(self._read_done)
        self._job.failed.connect(self._read_failed)
        self._job.start()

    def _read_done(self, data: QueueData) -> None:
        stale = self._end_job(data.run, data.choice)
        store = self.session.store
        if stale or store is None or data.run.path.parent.parent != store.folder:
            return
        same = self.data is not None and (self.data.run.path, self.data.epoch) == (data.run.path, data.epoch)
        self.data = data
        self.bar.show_epochs(data)
        self.queue.threshold = self.bar.threshold
        if same and self.queue.items:
            self.queue.update_images(data.facts, data.decisions)
        else:
            self.queue.load(data.facts, data.decisions)
        self._show_notice()
        self._enter_queue()
        self.loaded.emit()

    def _read_failed(self, error: object) -> None:
        self._end_job(None, "")
        self.session.message.emit("error", str(error))

    def _end_job(self, run: RunFolder | None, choice: str) -> bool:
        """Forget the job; True when meanwhile something else was asked for (it is read now)."""
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        wanted = self._wanted
        if run is None or wanted is None or (wanted[0].path, wanted[1]) == (run.path, choice):
            return False
        self._read(*wanted)
        return True

    def _enter_queue(self) -> None:
        """Stay where we are, or begin with what matters most."""
        if self.item is None:
            first = next((i for i in self.queue.items if not i.settled), None)
            here = self.queue.item_of_image(self.session.image_id) if self.session.image_id is not None else None
            chosen = first or here
            if chosen is None:
                self._key, self._focus = "", None
                self._show_overlay()
                return
            self._key = chosen.key
        self.go_to(self._key)

    # --- what others tell -------------------------------------------------------------------------------------

    def _on_project(self) -> None:
        self.data, self._key, self._focus, self._request = None, "", None, 0
        self.bar.show_progress(None)
        self.queue.load((), ())
        if self.isVisible():
            self.reload_runs()

    def _on_changed(self, changed: Changed) -> None:
        store, data = self.session.store, self.data
        if store is None or data is None or data.epoch is None:
            return
        touched = [i for i in changed.image_ids if self.queue.facts(i) is not None]
        if "categories" in changed.tables or len(touched) > FEW_IMAGES:
            self._read(data.run, data.choice, data.epoch)
            return
        names = {c.id: c.name for c in store.categories()}
        facts = [facts_of_image(store.image(i), self._annotation(i), self._detections(i), names) for i in touched]
        self.queue.update_images(facts, store.decisions(run=data.run.id))
        self.column.view.show_current(self._key)
        self._show_overlay()

    def _annotation(self, image_id: int) -> Any:
        store = self.session.store
        assert store is not None
        return store.annotation(image_id)

    def _on_image_opened(self, image_id: int) -> None:
        if not self.isVisible():
            return
        item = self.item
        if item is None or item.image_id != image_id:
            found = self.queue.item_of_image(image_id)
            self._key = found.key if found is not None else ""
            self._focus = self._first_focus(found)
            self.column.view.show_current(self._key)
        self._show_overlay()

    def _on_threshold(self, threshold: float) -> None:
        self.queue.set_threshold(threshold)
        item = self.item
        if item is not None and item.group is None and self._focus not in item.predictions:
            self._focus = self._first_focus(item)
        self.column.view.show_current(self._key)
        self._show_overlay()

    def _on_progress(self, request: int, values: dict[str, object]) -> None:
        if request == self._request:
            self.bar.show_progress(values)

    def _on_reply(self, request: int, values: dict[str, Any]) -> None:
        if request != self._request or not request:
            return
        self._request = 0
        self.bar.show_progress(None)
        if values.get("cancelled"):
            self.session.message.emit("info", "Detection was stopped; what was found until then is kept.")
            self.reload_runs()
            return
        unreadable = values.get("unreadable") or []
        words = f"{values['found']} predictions in {values['images']} images, by epoch {values['epoch']}."
        if unreadable:
            words += f" {len(unreadable)} could not be read: {unreadable[0]}"
        self.session.message.emit("warning" if unreadable else "info", words)
        run = self._chosen_run()
        if run is not None:
            self._read(run, self.bar.epoch_choice, int(values["epoch"]))

    def _on_failed(self, request: int, sentence: str) -> None:
        if request == 0 or request == self._request:
            self.session.message.emit("error", sentence)
        if request and request == self._request:
            self._request = 0
            self.bar.show_progress(None)

    def _cancel(self) -> None:
        if self._request:
            self.session.engine.cancel(self._request)


def _epoch_argument(choice: str) -> str | int:
    return int(choice) if choice.isdigit() else choice
