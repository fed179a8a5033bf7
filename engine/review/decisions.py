"""What a verdict on predictions makes of an image: a pure step from annotation to annotation, with its decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.domain import edits
from engine.domain.annotation import Annotation, Instance, Origin, Provenance, new_instance_id
from engine.domain.prediction import Prediction
from engine.project.records import Decision, Verdict
from engine.review.candidates import as_candidates, overlap

SAME_OBJECT_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """The checkpoint that predicted; it stays with an instance for its life."""

    run: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written as one change."""

    annotation: Annotation
    decisions: tuple[Decision, ...]

    @property
    def first_instance(self) -> str | None:
        """The instance that came of the first prediction that was taken."""
        return next((d.instance_id for d in self.decisions if d.instance_id is not None), None)


def take(
    annotation: Annotation,
    kept: Sequence[Prediction],
    rejected: Sequence[Prediction],
    source: Source,
    *,
    verdict: Verdict = Verdict.ACCEPTED,
    earlier: Iterable[Decision] = (),
) -> Outcome:
    """Take `kept` into the annotation and keep `rejected` out.

    An object that carries a label already is not labelled twice: a label of the same class is confirmed as it is, a
    label of another class is given the new class and keeps its pixels.  Instances of earlier decisions on the same
    predictions go, unless a person has changed them since.

    Args:
        earlier: decisions on any of these predictions; others are ignored.
    """
    annotation = without_earlier(annotation, [*kept, *rejected], earlier)
    decisions: list[Decision] = []
    taken: set[str] = set()
    for prediction in kept:
        annotation, instance_id = _taken(annotation, prediction, source, verdict, taken, several=len(kept) > 1)
        taken.add(instance_id)
        decisions.append(Decision(source.run, prediction.id, prediction.image_id, verdict, instance_id))
    reason = "another class of this object was kept" if kept else ""
    for prediction in rejected:
        decisions.append(Decision(source.run, prediction.id, prediction.image_id, Verdict.REJECTED, None, reason))
    return Outcome(annotation, tuple(decisions))


def set_aside(
    annotation: Annotation,
    predictions: Sequence[Prediction],
    run: str,
    verdict: Verdict,
    *,
    reason: str = "",
    earlier: Iterable[Decision] = (),
) -> Outcome:
    """Reject predictions, or put them off: what an earlier verdict took from them goes again."""
    annotation = without_earlier(annotation, predictions, earlier)
    decisions = tuple(Decision(run, p.id, p.image_id, verdict, None, reason) for p in predictions)
    return Outcome(annotation, decisions)


def without_earlier(
    annotation: Annotation, predictions: Sequence[Prediction], earlier: Iterable[Decision]
) -> Annotation:
    """`annotation` without the untouched instances that earlier verdicts on `predictions` made."""
    ids = {p.id for p in predictions}
    made = {d.instance_id for d in earlier if d.prediction_id in ids and d.instance_id is not None}
    gone = [i.id for i in annotation.instances if i.id in made and i.origin is Origin.MODEL]
    return edits.remove(annotation, gone)


def labelled_as(annotation: Annotation, prediction: Prediction) -> Instance | None:
    """The instance that lies on the predicted object (mask IoU at least 0.5, boxes without masks), if any.

    One of the prediction's own class is preferred, then the one it overlaps most.
    """
    best: tuple[bool, float] = (False, 0.0)
    found = None
    for instance, candidate in zip(annotation.instances, as_candidates(annotation), strict=True):
        iou = overlap(prediction, candidate).iou
        rank = (instance.category_id == prediction.category_id, iou)
        if iou >= SAME_OBJECT_IOU and rank > best:
            best, found = rank, instance
    return found


def instance_of(prediction: Prediction, source: Source, *, corrected: bool = False) -> Instance:
    """The instance a prediction becomes; it remembers run, epoch and score."""
    origin = Origin.CORRECTED if corrected else Origin.MODEL
    provenance = Provenance(source.run, source.epoch, prediction.score)
    if prediction.mask is not None:
        return Instance.from_mask(prediction.mask, prediction.category_id, origin=origin, provenance=provenance)
    return Instance(
        new_instance_id(), prediction.category_id, prediction.box_xyxy, origin=origin, provenance=provenance
    )


def _taken(
    annotation: Annotation,
    prediction: Prediction,
    source: Source,
    verdict: Verdict,
    taken: set[str],
    *,
    several: bool,
) -> tuple[Annotation, str]:
    there = labelled_as(annotation, prediction)
    if there is not None and there.category_id == prediction.category_id:
        return annotation, there.id
    if there is not None and not several and there.id not in taken:
        return edits.replaced(annotation, replace(there, category_id=prediction.category_id)), there.id
    made = instance_of(prediction, source, corrected=verdict is Verdict.CORRECTED)
    return edits.add(annotation, made), made.id
