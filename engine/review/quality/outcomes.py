"""What became of every prediction and every instance of an image, with the reason where it went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.domain.outcome import FalseReason, ImageOutcomes, InstanceOutcome, MissReason, PredictionOutcome
from engine.review.matching import Match, match
from engine.review.quality.compared import MIN_IOU, ComparedImage


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """The other side of a pair: its place, its IoU, and whether the classes agree."""

    place: int
    iou: float
    same_class: bool

    @property
    def rank(self) -> tuple[bool, bool, float, bool]:
        """The same object before a near one; on the same object, the own class first."""
        same_object = self.iou >= MIN_IOU
        return same_object, same_object and self.same_class, self.iou, self.same_class


def outcomes_of(image: ComparedImage) -> ImageOutcomes:
    """Match as COCO does at IoU 0.5 and say of the rest why.

    A prediction that found nothing is a *duplicate* when a better one has taken the instance of its class that it
    lies on, of the *wrong class* when it lies on an instance of another class (IoU 0.5 and above, both), a *poor
    mask* when it merely touches an instance (IoU 0.1 and above, or half of the smaller one inside the larger), and on
    *background* otherwise.  Instances that were not found are told apart likewise, by the prediction that came nearest.
    """
    matching = match(image.annotation, image.predictions, min_iou=MIN_IOU, overlaps=image.overlaps)
    finder = {m.instance_id: m for m in matching.matches}
    found = {m.position: m for m in matching.matches}
    of_predictions, of_instances = _neighbours(image)
    return ImageOutcomes(
        image.annotation.image_id,
        tuple(_of_prediction(image, k, found.get(k), of_predictions.get(k)) for k in range(len(image.predictions))),
        tuple(_of_instance(image, k, finder.get(i.id), of_instances.get(k)) for k, i in enumerate(image.annotation)),
    )


def rows_of(images: Iterable[ImageOutcomes]) -> list[PredictionOutcome]:
    """The predictions of all images, in order."""
    return [p for image in images for p in image.predictions]


def _neighbours(image: ComparedImage) -> tuple[dict[int, _Neighbour], dict[int, _Neighbour]]:
    """Of each prediction, and of each instance, the one of the other side that it is to be judged by."""
    of_predictions: dict[int, _Neighbour] = {}
    of_instances: dict[int, _Neighbour] = {}
    for (position, truth), shared in sorted(image.overlaps.items()):
        same = image.predictions[position].category_id == image.annotation.instances[truth].category_id
        for own, other, side in ((position, truth, of_predictions), (truth, position, of_instances)):
            neighbour = _Neighbour(other, shared.iou, same)
            if own not in side or neighbour.rank > side[own].rank:
                side[own] = neighbour
    return of_predictions, of_instances


def _of_prediction(
    image: ComparedImage, position: int, found: Match | None, near: _Neighbour | None
) -> PredictionOutcome:
    prediction = image.predictions[position]
    row = (image.keys[position], image.annotation.image_id, prediction.category_id, prediction.score)
    if found is not None:
        return PredictionOutcome(*row, found.instance_id, found.iou)
    if near is None:
        return PredictionOutcome(*row, reason=FalseReason.BACKGROUND)
    reason = FalseReason.POOR_MASK
    if near.iou >= MIN_IOU:
        reason = FalseReason.DUPLICATE if near.same_class else FalseReason.WRONG_CLASS
    return PredictionOutcome(*row, image.annotation.instances[near.place].id, near.iou, reason)


def _of_instance(image: ComparedImage, place: int, found: Match | None, near: _Neighbour | None) -> InstanceOutcome:
    instance = image.annotation.instances[place]
    row = (instance.id, image.annotation.image_id, instance.category_id)
    if found is not None:
        return InstanceOutcome(*row, image.keys[found.position], image.predictions[found.position].score, found.iou)
    if near is None:
        return InstanceOutcome(*row, reason=MissReason.NOTHING)
    reason = MissReason.POOR_MASK
    if near.iou >= MIN_IOU:  # of its own class: it went to a neighbour that it overlaps more
        reason = MissReason.TAKEN if near.same_class else MissReason.WRONG_CLASS
    return InstanceOutcome(*row, image.keys[near.place], image.predictions[near.place].score, near.iou, reason)
