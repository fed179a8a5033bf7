"""What a person says about predictions: one method per verdict; the keys are in the table of actions."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog

from engine.domain.annotation import ImageStatus
from engine.domain.prediction import Prediction
from gui.dialogs.accept_above import AcceptAboveDialog
from gui.models.review_bulk import BulkChoice
from gui.workspaces.review_place import ReviewPlace

SURE = 0.9  # where the question begins; a person moves it


class ReviewVerdicts(ReviewPlace):
    """Verdicts on the item in question; each goes on to what is next."""

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
        predictions = self._asked()
        if predictions and self.data is not None:
            self.session.reject(*predictions, run=self.data.run.id)
            self._go_on()

    def unsure(self) -> None:
        """Put it off."""
        item, predictions = self.item, self._asked()
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
        predictions = self._asked()
        if not predictions or self._source is None:
            return
        instance_id = self.session.correct(predictions[0], **self._source)
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

    def accept_above(self) -> QDialog | None:
        """Ask from which score on everything is accepted, and of which class; None when nothing was detected."""
        if self.data is None or self.data.epoch is None:
            self.session.message.emit("info", "There are no predictions to accept yet: detect first.")
            return None
        dialog = AcceptAboveDialog(
            self.queue.all_facts(),
            self.queue.decisions(),
            self.session.document.categories,
            score=max(self.bar.threshold, SURE),
            category_id=self.queue.filter.category_id,
            parent=self,
        )
        dialog.chosen.connect(self._accept_chosen)
        dialog.open()
        return dialog

    def _accept_chosen(self, choice: BulkChoice) -> None:
        if self.data is not None and self.data.epoch is not None:
            self.session.accept_many(choice.by_image, run=self.data.run, epoch=self.data.epoch)

    def choose(self, choice: str) -> None:
        """What a row of the panel means: a verdict by its name, or another prediction to look at."""
        if choice.startswith("keep"):
            self.keep(int(choice.removeprefix("keep")))
        elif choice.startswith("look"):
            self._focus_on(int(choice.removeprefix("look")))
        else:
            getattr(self, choice)()

    def _asked(self) -> list[Prediction]:
        """What a verdict is about: the whole group, or the one prediction in question."""
        return self._group_members() or [p for p in (self._focused(),) if p is not None]
