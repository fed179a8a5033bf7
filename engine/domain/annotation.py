"""What a person says about an image: categories, instances, annotations.  Frozen values without a view or a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.domain.mask import Mask

BoxXYXY = tuple[float, float, float, float]


class Origin(StrEnum):
    """Where an instance came from; kept for its whole life."""

    HUMAN = "human"
    IMPORTED = "imported"
    MODEL = "model"
    CORRECTED = "corrected"


class Split(StrEnum):
    """The set an image belongs to."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    NONE = "none"


class ImageStatus(StrEnum):
    """How far a person is with an image."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    NEEDS_REVIEW = "needs_review"


def new_instance_id() -> str:
    """A fresh, globally unique instance id (32 hex digits)."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Category:
    """A class of objects.

    Attributes:
        id: the store's id, from 1; neither the network's label nor a COCO id.
        name: unique within a project, never empty.
        color: ``#rrggbb``.
    """

    id: int
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which prediction an instance was made from.

    Attributes:
        run: run id.
        epoch: epoch of the checkpoint (completed epochs).
        score: the network's score in [0, 1].
    """

    run: str
    epoch: int
    score: float


@dataclass(frozen=True, slots=True)
class Instance:
    """One object in one image.

    Attributes:
        id: unique across the project; refer to instances by it, never by object.
        category_id: :attr:`Category.id`.
        box_xyxy: float pixels, ``0 <= x0 <= x1 <= W``; equals the mask's tight box when there is a mask.
        mask: None in a boxes-only project.
        origin: who made it.
        provenance: the prediction behind it, if any.
    """

    id: str
    category_id: int
    box_xyxy: BoxXYXY
    mask: Mask | None = None
    origin: Origin = Origin.HUMAN
    provenance: Provenance | None = None

    @classmethod
    def from_mask(
        cls,
        mask: Mask,
        category_id: int,
        *,
        id: str | None = None,
        origin: Origin = Origin.HUMAN,
        provenance: Provenance | None = None,
    ) -> Instance:
        """An instance whose box is the tight box of `mask`."""
        return cls(id or new_instance_id(), category_id, box_of(mask), mask, origin, provenance)

    def with_mask(self, mask: Mask) -> Instance:
        """Same object, other pixels; a prediction that is changed counts as corrected."""
        origin = Origin.CORRECTED if self.origin is Origin.MODEL else self.origin
        return replace(self, mask=mask, box_xyxy=box_of(mask), origin=origin)

    @property
    def area(self) -> float:
        """Mask area in pixels, or the box's area where there is no mask."""
        if self.mask is not None:
            return float(self.mask.area)
        x0, y0, x1, y1 = self.box_xyxy
        return (x1 - x0) * (y1 - y0)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Everything said about one image.

    Attributes:
        image_id: the store's image id.
        height, width: pixels, after EXIF orientation.
        instances: in painting order, last on top.
        negative: a person said "nothing here"; an image without instances is otherwise just not labelled yet.
    """

    image_id: int
    height: int
    width: int
    instances: tuple[Instance, ...] = ()
    negative: bool = False

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)

    def __len__(self) -> int:
        return len(self.instances)

    def find(self, instance_id: str) -> Instance | None:
        """The instance with that id, if it is here."""
        return next((i for i in self.instances if i.id == instance_id), None)

    def get(self, instance_id: str) -> Instance:
        """The instance with that id.

        Raises:
            KeyError: when it is not here.
        """
        found = self.find(instance_id)
        if found is None:
            raise KeyError(instance_id)
        return found

    def at(self, x: int, y: int) -> Instance | None:
        """Topmost instance whose mask (or box, without a mask) covers pixel ``(x, y)``."""
        for instance in reversed(self.instances):
            x0, y0, x1, y1 = instance.box_xyxy
            if x0 <= x < x1 and y0 <= y < y1 and (instance.mask is None or instance.mask.contains_point(x, y)):
                return instance
        return None


def box_of(mask: Mask) -> BoxXYXY:
    """Tight half-open box of `mask` as floats."""
    x0, y0, x1, y1 = mask.box
    return (float(x0), float(y0), float(x1), float(y1))


# Okabe-Ito first (colour-blind safe, https://jfly.uni-koeln.de/color/), then variations of it.
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#999999",
    "#b8860b", "#88ccee", "#44aa99", "#aa4499",
)  # fmt: skip


def palette_color(position: int) -> str:
    """Colour for the category at `position` (from 0), repeating after the palette's end."""
    return PALETTE[position % len(PALETTE)]
