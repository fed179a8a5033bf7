"""Verdicts on predictions: each takes what the network said into the annotations, or keeps it out, as one undo step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.domain import edits
from engine.domain.annotation import Annotation, Instance, Origin, Provenance, new_instance_id
from engine.domain.prediction import Prediction
from engine.errors import DataError
from engine.project.records import Decision, Verdict
from gui.session_base import told
from gui.session_edits import SessionEdits

if TYPE_CHECKING:
    from engine.project.changeset import Changeset


class SessionReview(SessionEdits):
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

    def reject(self, prediction: Prediction, *, run: str, reason: str = "") -> bool:
        """Say that a prediction is wrong."""
        label = f"Reject {self.document.category_name(prediction.category_id)}"
        return self._decide([prediction], Verdict.REJECTED, label, run, reason)

    def unsure(self, prediction: Prediction, *, run: str) -> bool:
        """Put the question off."""
        return self._decide([prediction], Verdict.UNSURE, "Unsure", run, "")

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
    ) -> str:
        store = self._writable()
        known = {c.id for c in store.categories()}
        if any(p.category_id not in known for p in kept):
            raise DataError(
                "The class of this prediction is no longer in the project.", hint="Add it again, or reject."
            )
        made = [instance_of(p, run=run, epoch=epoch, corrected=verdict is Verdict.CORRECTED) for p in kept]
        with store.change(label) as changeset:
            changeset.put_annotation(with_instances(store.annotation(kept[0].image_id), made))
            for prediction, instance in zip(kept, made, strict=True):
                decide(changeset, prediction, verdict, run, instance_id=instance.id)
            for prediction in rejected:
                decide(changeset, prediction, Verdict.REJECTED, run, reason="another class of this object was kept")
        self._announce(changeset.changed)
        self.saved.emit(True)
        return made[0].id

    def _decide(self, predictions: Iterable[Prediction], verdict: Verdict, label: str, run: str, reason: str) -> bool:
        def fill(changeset: Changeset) -> None:
            for prediction in predictions:
                decide(changeset, prediction, verdict, run, reason=reason)

        return self.change(label, fill)


def decide(
    changeset: Changeset,
    prediction: Prediction,
    verdict: Verdict,
    run: str,
    *,
    instance_id: str | None = None,
    reason: str = "",
) -> None:
    """Note a verdict in a changeset."""
    changeset.decide(Decision(run, prediction.id, prediction.image_id, verdict, instance_id, reason))


def instance_of(prediction: Prediction, *, run: str, epoch: int, corrected: bool = False) -> Instance:
    """The instance a prediction becomes; it remembers run, epoch and score."""
    origin = Origin.CORRECTED if corrected else Origin.MODEL
    provenance = Provenance(run, epoch, prediction.score)
    if prediction.mask is not None:
        return Instance.from_mask(prediction.mask, prediction.category_id, origin=origin, provenance=provenance)
    return Instance(
        new_instance_id(), prediction.category_id, prediction.box_xyxy, origin=origin, provenance=provenance
    )


def with_instances(annotation: Annotation, instances: Sequence[Instance]) -> Annotation:
    """`instances` on top; an image that shows something is not negative any more."""
    return edits.add(replace(annotation, negative=False), *instances)
