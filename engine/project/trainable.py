"""Data that cannot be learned from: each obstacle once, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.domain.annotation import Split
from engine.errors import DataError
from engine.project.dataset import FrozenDataset

_MAKE_SPLIT = "(Image > Make split…)"


class ObstacleKind(StrEnum):
    """Why a training is refused."""

    NO_OBJECTS = "no-objects"
    EMPTY_TRAINING = "empty-training"
    EMPTY_VALIDATION = "empty-validation"
    CLASS_WITHOUT_INSTANCES = "class-without-instances"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason to refuse a training.

    Attributes:
        message, hint: what is so, and what to do, a sentence each.
        categories: ids of the classes concerned.
    """

    kind: ObstacleKind
    message: str
    hint: str
    categories: tuple[int, ...] = ()

    def error(self) -> DataError:
        """The obstacle as what is raised."""
        return DataError(self.message, hint=self.hint)


def obstacles(dataset: FrozenDataset) -> list[Obstacle]:
    """All that stands in the way of training on `dataset`, the most basic first."""
    if not any(image.annotation.instances for image in dataset.images):
        message = "There is no object in this project yet."
        return [Obstacle(ObstacleKind.NO_OBJECTS, message, "Draw or import some, then train.")]
    seen = {i.category_id for image in dataset.annotated(Split.TRAIN) for i in image.annotation.instances}
    found = []
    if not seen:
        hint = f"Put annotated images into it {_MAKE_SPLIT}."
        found.append(Obstacle(ObstacleKind.EMPTY_TRAINING, "The training split has no object.", hint))
    if not any(image.annotation.instances for image in dataset.annotated(Split.VAL)):
        message = "The validation split has no object, so nothing could be measured."
        hint = f"Make a split with validation images {_MAKE_SPLIT}."
        found.append(Obstacle(ObstacleKind.EMPTY_VALIDATION, message, hint))
    missing = [c for c in dataset.categories if c.id not in seen]
    if seen and missing:
        names = ", ".join(f"“{c.name}”" for c in missing)
        message = f"The training split has no object of class {names}."
        hint = "Annotate some, or remove the class."
        ids = tuple(c.id for c in missing)
        found.append(Obstacle(ObstacleKind.CLASS_WITHOUT_INSTANCES, message, hint, ids))
    return found


def check_trainable(dataset: FrozenDataset) -> None:
    """Refuse data that cannot be learned from.

    Raises:
        DataError: no object at all, a class without instances, an empty training or validation split.
    """
    for obstacle in obstacles(dataset):
        raise obstacle.error()
