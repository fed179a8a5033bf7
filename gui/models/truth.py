"""Predictions against annotations of one image, in words: what was found, what is wrong, what was missed, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.outcome import FalseReason, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.prediction import Detections, Prediction
from engine.review.quality.at_score import from_score
from engine.review.quality.compared import ComparedImage, compare_images
from engine.review.quality.outcomes import outcomes_of

Name = Callable[[int], str]


class Standing(StrEnum):
    """What became of a prediction or an annotated object."""

    FOUND = "found"
    WRONG = "wrong"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Judged:
    """A prediction with the object it found, a wrong prediction, or an object that was missed.

    Attributes:
        title: its class, and the score of a prediction.
        why: why it is wrong or was missed; of a found one how well.
        prediction: what was predicted; for a missed object the one that came nearest, None without one.
        instance: the annotated object; for a wrong prediction the one it was judged by, None on background.
    """

    standing: Standing
    title: str
    why: str
    prediction: Prediction | None
    instance: Instance | None

    @property
    def key(self) -> str:
        """Names it among all of its image."""
        if self.standing is Standing.MISSED:
            assert self.instance is not None
            return f"m{self.instance.id}"
        assert self.prediction is not None
        return f"p{self.prediction.id}"

    @property
    def sentence(self) -> str:
        """Its standing and why: "wrong: duplicate", "wrong class, labelled nut", "missed: nothing there"."""
        return self.why if self.why.startswith(self.standing) else f"{self.standing}: {self.why}"

    @property
    def masks(self) -> tuple[Mask, Mask] | None:
        """The annotated and the predicted mask, None when one of them is not there."""
        if self.prediction is None or self.instance is None:
            return None
        a, b = self.instance.mask, self.prediction.mask
        return None if a is None or b is None else (a, b)


def compare(
    annotation: Annotation, predictions: Sequence[Prediction], categories: Sequence[Category], *, boxes_only: bool
) -> ComparedImage:
    """Measure what lies on what; the slow part, independent of the threshold."""
    found = Detections(annotation.image_id, annotation.height, annotation.width, tuple(predictions))
    return next(compare_images([annotation], [found], categories, boxes_only=boxes_only))


def judge(image: ComparedImage, threshold: float, name: Name) -> tuple[Judged, ...]:
    """Everything on the image when predictions from `threshold` on count: predictions in order, then what was missed.

    Matching is that of the evaluation: as COCO does, at IoU 0.5.
    """
    now, ever = outcomes_of(from_score(image, threshold)), outcomes_of(image)
    predictions = dict(zip(image.keys, image.predictions, strict=True))
    instances = {i.id: i for i in image.annotation}
    judged = [_of_prediction(o, predictions, instances, name) for o in now.predictions]
    for outcome, best in zip(now.instances, ever.instances, strict=True):
        if outcome.reason is not None:
            judged.append(_of_missed(outcome, best, predictions, instances, name))
    return tuple(judged)


def _of_prediction(
    outcome: PredictionOutcome, predictions: Mapping[int, Prediction], instances: Mapping[str, Instance], name: Name
) -> Judged:
    instance = instances.get(outcome.instance_id) if outcome.instance_id is not None else None
    standing = Standing.FOUND if outcome.right else Standing.WRONG
    title = f"{name(outcome.category_id)} {outcome.score:.2f}"
    return Judged(standing, title, _why_wrong(outcome, instance, name), predictions[outcome.prediction_id], instance)


def _why_wrong(outcome: PredictionOutcome, instance: Instance | None, name: Name) -> str:
    match outcome.reason:
        case FalseReason.DUPLICATE:
            return "duplicate"
        case FalseReason.WRONG_CLASS if instance is not None:
            return f"wrong class, labelled {name(instance.category_id)}"
        case FalseReason.POOR_MASK:
            return f"poor mask, IoU {outcome.iou:.2f}"
        case None:
            return f"IoU {outcome.iou:.2f}"
    return "background"


def _of_missed(
    outcome: InstanceOutcome,
    best: InstanceOutcome,
    predictions: Mapping[int, Prediction],
    instances: Mapping[str, Instance],
    name: Name,
) -> Judged:
    """`best` is what becomes of the object when every prediction counts."""
    low = best.reason is None
    nearest = best if low else outcome
    prediction = predictions.get(nearest.prediction_id) if nearest.prediction_id is not None else None
    why = f"low score {best.score:.2f}" if low else _why_missed(outcome, prediction, name)
    return Judged(Standing.MISSED, name(outcome.category_id), why, prediction, instances[outcome.instance_id])


def _why_missed(outcome: InstanceOutcome, prediction: Prediction | None, name: Name) -> str:
    match outcome.reason:
        case MissReason.WRONG_CLASS if prediction is not None:
            return f"wrong class, taken for {name(prediction.category_id)}"
        case MissReason.POOR_MASK:
            return f"poor mask, IoU {outcome.iou:.2f}"
        case MissReason.TAKEN:
            return "its prediction counts for a neighbour"
    return "nothing there"
