"""Verdicts on predictions: each takes what the network said into the annotations, or keeps it out, as one undo step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.domain.prediction import Prediction
from engine.errors import DataError
from engine.project.predictions import PredictionStore
from engine.project.records import Verdict
from gui.jobs import Report
from gui.session_base import told
from gui.session_shapes import SessionShapes

if TYPE_CHECKING:
    from engine.project.changeset import Changeset
    from engine.project.records import Changed
    from engine.project.runs import RunFolder
    from engine.project.store import ProjectStore
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

    @told
    def accept_many(self, by_image: Mapping[int, Sequence[int]], *, run: RunFolder, epoch: int) -> bool:
        """Take predictions (their ids, by image) in the background, as one undo step."""
        store = self._writable()
        count = sum(len(ids) for ids in by_image.values())
        label = f"Accept {count:,} object{'' if count == 1 else 's'}"

        def work(report: Report) -> Changed | None:
            outcomes = []
            with PredictionStore(run.predictions_path) as predictions:
                for done, (image_id, ids) in enumerate(by_image.items()):
                    report(done / len(by_image), label)
                    found = predictions.detections(image_id, epoch).predictions
                    kept = [p for p in found if p.id in ids]
                    if kept:  # detected again in the meantime, what was shown is no longer there
                        outcomes.append(_taken(store, kept, run.id, epoch))
            with store.change(label) as changeset:  # it holds the store, so everything is worked out before
                _put(changeset, outcomes)
            return changeset.changed

        def finish(changed: Changed | None) -> None:
            self._announce(changed)
            self.saved.emit(True)
            where = f"{len(by_image):,} image{'' if len(by_image) == 1 else 's'}"
            self.message.emit("info", f"{label} in {where}: done. Undo on any of them takes all of it back.")

        self.run_job(label, work, finish)
        return True

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
            _put(changeset, [outcome])
        self._announce(changeset.changed)
        self.saved.emit(True)


def _taken(store: ProjectStore, kept: Sequence[Prediction], run: str, epoch: int) -> Outcome:
    """What accepting predictions of one image makes of it; an object is not labelled twice."""
    from engine.review.decisions import Source, take

    image_id = kept[0].image_id
    earlier = store.decisions(run=run, image_id=image_id)
    return take(store.annotation(image_id), kept, [], Source(run, epoch), earlier=earlier)


def _put(changeset: Changeset, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        changeset.put_annotation(outcome.annotation)
        for decision in outcome.decisions:
            changeset.decide(decision)
