"""Verdicts on predictions: each takes what the network said into the annotations, or keeps it out, as one undo step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.domain.prediction import Prediction
from engine.errors import DataError
from engine.project.records import Verdict
from gui.session_base import told
from gui.session_shapes import SessionShapes

if TYPE_CHECKING:
    from engine.review.decisions import Outcome


class SessionReview(SessionShapes):
    """Verdicts on the open project's predictions.

    ``run`` and ``epoch`` say which checkpoint predicted; they stay with the instance for its life.
    """

    def accept(self, prediction: Prediction, *, run: str, epoch: int) -> str | None:
        """Take a prediction as it is; the id of its instance, None when it was refused."""
        label = f"Accept {self.document.category_name(prediction.category_id)}"
        return self._take([prediction], [], Verdict.ACCEPTED, label, run, epoch)

    def correct(self, prediction: Prediction, *, run: str, epoch: int) -> str | None:
        """Take a prediction in order to change it; it counts as corrected from now on."""
        label = f"Edit {self.document.category_name(prediction.category_id)}"
        return self._take([prediction], [], Verdict.CORRECTED, label, run, epoch)

    def reject(self, *predictions: Prediction, run: str, reason: str = "") -> bool:
        """Say that predictions (of one image) are wrong."""
        label = f"Reject {self.document.category_name(predictions[0].category_id)}"
        return bool(self._set_aside(predictions, Verdict.REJECTED, label, run, reason))

    def unsure(self, *predictions: Prediction, run: str) -> bool:
        """Put the question off."""
        return bool(self._set_aside(predictions, Verdict.UNSURE, "Unsure", run, ""))

    def keep_one(self, keeper: Prediction, others: Sequence[Prediction], *, run: str, epoch: int) -> str | None:
        """Of predictions on one object take one and reject the others."""
        label = f"Keep {self.document.category_name(keeper.category_id)}"
        return self._take([keeper], others, Verdict.ACCEPTED, label, run, epoch)

    def keep_all(self, predictions: Sequence[Prediction], *, run: str, epoch: int) -> str | None:
        """Several classes on one place are all right (one is part of the other)."""
        return self._take(predictions, [], Verdict.ACCEPTED, "Both are right", run, epoch)

    # --- how --------------------------------------------------------------------------------------------------

    @told
    def _take(
        self,
        kept: Sequence[Prediction],
        rejected: Sequence[Prediction],
        verdict: Verdict,
        label: str,
        run: str,
        epoch: int,
    ) -> str | None:
        from engine.review.decisions import Source, take

        store = self._writable()
        known = {c.id for c in store.categories()}
        if any(p.category_id not in known for p in kept):
            raise DataError(
                "The class of this prediction is no longer in the project.", hint="Add it again, or reject."
            )
        image_id = kept[0].image_id
        earlier = store.decisions(run=run, image_id=image_id)
        before = store.annotation(image_id)
        outcome = take(before, kept, rejected, Source(run, epoch), verdict=verdict, earlier=earlier)
        self._write(outcome, label)
        return outcome.first_instance

    @told
    def _set_aside(
        self, predictions: Sequence[Prediction], verdict: Verdict, label: str, run: str, reason: str
    ) -> bool:
        from engine.review.decisions import set_aside

        store = self._writable()
        image_id = predictions[0].image_id
        earlier = store.decisions(run=run, image_id=image_id)
        outcome = set_aside(store.annotation(image_id), predictions, run, verdict, reason=reason, earlier=earlier)
        self._write(outcome, label)
        return True

    def _write(self, outcome: Outcome, label: str) -> None:
        """Annotation and decisions as one undo step."""
        with self._writable().change(label) as changeset:
            changeset.put_annotation(outcome.annotation)
            for decision in outcome.decisions:
                changeset.decide(decision)
        self._announce(changeset.changed)
        self.saved.emit(True)
