"""The Review room: what the network predicts, over the image; what matters first; one key per verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from engine.project.pair_policies import pair_policies
from engine.project.runs import RunFolder, list_runs
from gui.latest import Latest
from gui.models.review_gather import facts_of_image, gather
from gui.models.review_items import QueueData
from gui.workspaces.review_detection import Detection, detect_arguments
from gui.workspaces.review_notice import NO_PREDICTIONS, NO_RUN
from gui.workspaces.review_verdicts import ReviewVerdicts

if TYPE_CHECKING:
    from engine.project.records import Changed
    from gui.session import Session

FEW_IMAGES = 20  # changes of more images than this are read again in the background


class ReviewRoom(ReviewVerdicts):
    """The room on the window's switch: chooses what is read, and follows what others change.

    Signals:
        loaded: another run, epoch or detection is shown.
    """

    loaded = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._reader = Latest("review", self)
        self._detection = Detection(session.engine, self)
        self._connect()

    def _connect(self) -> None:
        session, detection = self.session, self._detection
        session.project_opened.connect(self._on_project)
        session.project_closed.connect(self._on_project)
        session.changed.connect(self._on_changed)
        session.image_opened.connect(self._on_image_opened)
        self._reader.done.connect(self._read_done)
        self._reader.failed.connect(self._read_failed)
        detection.progress.connect(self.bar.show_progress)
        detection.said.connect(session.message)
        detection.stopped.connect(self.reload_runs)
        detection.found.connect(self._on_found)
        self.bar.run_chosen.connect(self._on_run_chosen)
        self.bar.epoch_chosen.connect(self._on_epoch_chosen)
        self.bar.threshold_changed.connect(self._on_threshold)
        self.bar.show_changed.connect(self._show_overlay)
        self.bar.truth_changed.connect(self.set_truth)
        self.bar.cancel_asked.connect(detection.cancel)
        self.column.view.picked.connect(self.go_to)
        self.column.choices.chosen.connect(self.choose)
        self._notice_button.clicked.connect(self._notice_pressed)
        session.document.appearance_changed.connect(self._show_classes)
        self._show_classes()

    def _show_classes(self) -> None:
        self.column.filter.show_categories(self.session.document.categories)

    # --- detecting --------------------------------------------------------------------------------------------

    @property
    def _request(self) -> int:
        """The detection under way, 0 without one."""
        return self._detection.request

    def detect(self) -> None:
        """Detect with the chosen checkpoint in the chosen images."""
        run = self._chosen_run()
        if run is None:
            self.session.message.emit("info", "There is no network yet: train first, then detect.")
            return
        if not self._request:
            where = str(self.bar.where.currentData())
            args = detect_arguments(run.id, self.bar.epoch_choice, where, self.session.image_id)
            self._detection.follow(self.session.detect(**args))

    def _on_found(self, epoch: int) -> None:
        run = self._chosen_run()
        if run is not None:
            self._read(run, self.bar.epoch_choice, epoch)

    # --- choosing what is read --------------------------------------------------------------------------------

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
        self._on_epoch_chosen("best")

    def _on_epoch_chosen(self, choice: str) -> None:
        run = self._chosen_run()
        if run is not None:
            self._read(run, choice)

    def _read(self, run: RunFolder, choice: str, epoch: int | None = None) -> None:
        """Read predictions, labels and decisions in the background; the newest wish wins."""
        store = self.session.store
        if store is not None:
            folder = store.folder
            self._reader.ask(lambda: gather(folder, run, choice, epoch))

    def _read_done(self, data: QueueData) -> None:
        store = self.session.store
        if store is None or data.run.path.parent.parent != store.folder:
            return
        same = self.data is not None and (self.data.run.path, self.data.epoch) == (data.run.path, data.epoch)
        self.data = data
        self.bar.show_epochs(data)
        self.queue.threshold = self.bar.threshold
        if same and self.queue.total:
            self.queue.update_images(data.facts, data.decisions)
        else:
            self.queue.load(data.facts, data.decisions)
        self._show_notice()
        self._enter_queue()
        self.loaded.emit()

    def _read_failed(self, error: object) -> None:
        self.session.message.emit("error", str(error))

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

    # --- nothing to review ------------------------------------------------------------------------------------

    def _show_notice(self) -> None:
        """Say what to do while there is nothing to review."""
        there = self.data is not None and self.data.epoch is not None
        if not there:
            self.notice.show_words(*(NO_RUN if self._chosen_run() is None else NO_PREDICTIONS))
        self._pages.setCurrentIndex(0 if there else 1)

    def _notice_pressed(self) -> None:
        if self._chosen_run() is None:
            self.go_wanted.emit("train")
        else:
            self.detect()

    # --- what others tell -------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.reload_runs()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.session.document.set_predictions(())

    def _on_project(self) -> None:
        self.data, self._key, self._focus = None, "", None
        self._detection.forget()
        self.column.filter.clear_all()
        self.queue.load((), ())
        if self.isVisible():
            self.reload_runs()

    def _on_changed(self, changed: Changed) -> None:
        store, data = self.session.store, self.data
        if store is None or data is None or data.epoch is None:
            return
        touched = [i for i in changed.image_ids if self.queue.facts(i) is not None]
        if changed.tables & {"categories", "meta"} or len(touched) > FEW_IMAGES:
            self._read(data.run, data.choice, data.epoch)
            return
        names, policies = {c.id: c.name for c in store.categories()}, pair_policies(store)
        facts = [
            facts_of_image(store.image(i), self._annotation(i), self._detections(i), names, policies=policies)
            for i in touched
        ]
        self.queue.update_images(facts, store.decisions(run=data.run.id))
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
        self._show_overlay()
