"""What measuring said of every single prediction and instance: found, missed, or wrong, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FalseReason(StrEnum):
    """Why a prediction is a false positive."""

    DUPLICATE = "duplicate"
    WRONG_CLASS = "wrong_class"
    POOR_MASK = "poor_mask"
    BACKGROUND = "background"


class MissReason(StrEnum):
    """What there was, if anything, on an instance that no prediction found."""

    WRONG_CLASS = "wrong_class"
    POOR_MASK = "poor_mask"
    TAKEN = "taken"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PredictionOutcome:
    """What became of one prediction; it holds whatever score is asked for, since only better scores go before it.

    Attributes:
        prediction_id: row in the run's predictions database, or the place among its image's predictions (from 0) when
            they are not stored.
        image_id: the store's image id.
        category_id: the predicted class.
        score: in [0, 1].
        instance_id: the instance it found; for a false positive the one it was judged by, None on background.
        iou: with that instance, 0.0 without one.
        reason: why it is a false positive, None for a true positive.
    """

    prediction_id: int
    image_id: int
    category_id: int
    score: float
    instance_id: str | None = None
    iou: float = 0.0
    reason: FalseReason | None = None

    @property
    def right(self) -> bool:
        """Whether it is a true positive."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class InstanceOutcome:
    """What became of one annotated instance.

    Attributes:
        instance_id: :attr:`Instance.id <engine.domain.annotation.Instance.id>`.
        image_id: the store's image id.
        category_id: the class a person gave it.
        prediction_id: the prediction that found it; for a miss the one that came nearest, None when there is none.
        score: that prediction's, 0.0 without one.
        iou: with that prediction, 0.0 without one.
        reason: why it counts as missed, None when it was found.
    """

    instance_id: str
    image_id: int
    category_id: int
    prediction_id: int | None = None
    score: float = 0.0
    iou: float = 0.0
    reason: MissReason | None = None

    def found_at(self, min_score: float) -> bool:
        """Whether it is still found when only predictions of `min_score` and above count."""
        return self.reason is None and self.score >= min_score


@dataclass(frozen=True, slots=True)
class ImageOutcomes:
    """All of one image: predictions in their order, instances in the annotation's."""

    image_id: int
    predictions: tuple[PredictionOutcome, ...] = ()
    instances: tuple[InstanceOutcome, ...] = ()
