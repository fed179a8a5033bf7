"""Findings: one sentence each, with the images it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import DataError
from engine.project.dataset import FrozenImage

_NAMES_SHOWN = 3


class FindingKind(StrEnum):
    """What a finding is about."""

    NO_OBJECTS = "no-objects"
    EMPTY_TRAINING = "empty-training"
    EMPTY_VALIDATION = "empty-validation"
    CLASS_WITHOUT_INSTANCES = "class-without-instances"
    UNREADABLE_IMAGE = "unreadable-image"
    OTHER_SIZE = "other-size"
    DEGENERATE = "degenerate"
    TOO_SMALL = "too-small"
    SHAPE_LOST = "shape-lost"
    HOLE_LOST = "hole-lost"
    SPLIT_LEAK = "split-leak"
    UNSEEN_CLASS = "unseen-class"
    VALIDATION_SMALL = "validation-small"
    IMBALANCE = "imbalance"
    UNLABELLED = "unlabelled"
    NO_NEGATIVES_LEARNED = "no-negatives-learned"
    OUTSIDE_SPLITS = "outside-splits"


class FindingLevel(StrEnum):
    """How much a finding weighs: a training is refused, will probably disappoint, or just is so."""

    REFUSE = "refuse"
    WARN = "warn"
    NOTE = "note"


_ORDER = {level: place for place, level in enumerate(FindingLevel)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know before a training.

    Attributes:
        text: one sentence, and one on what to do where that is not plain.
        images: names of the image files concerned, in order.
        count: how many objects, images or classes it is about.
        image_ids: the store's ids of `images`, in the same order.
        instance_ids: ids of the objects concerned, if it is about objects.
    """

    kind: FindingKind
    level: FindingLevel
    text: str
    images: tuple[str, ...] = ()
    count: int = 1
    image_ids: tuple[int, ...] = ()
    instance_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "kind": str(self.kind),
            "level": str(self.level),
            "text": self.text,
            "count": self.count,
            "images": list(self.images),
            "image_ids": list(self.image_ids),
            "instance_ids": list(self.instance_ids),
        }


def finding(
    kind: FindingKind,
    level: FindingLevel,
    text: str,
    *,
    images: Iterable[FrozenImage] = (),
    count: int | None = None,
    instance_ids: Iterable[str] = (),
) -> Finding:
    """A finding about `images`, each named once; `count` is their number unless it is given."""
    once = {image.image_id: image for image in images}
    names = tuple(image.path.name for image in once.values())
    ids = tuple(once)
    return Finding(kind, level, text, names, len(ids) if count is None else count, ids, tuple(instance_ids))


def most_important_first(findings: Iterable[Finding]) -> list[Finding]:
    """Refusals, then warnings, then notes; otherwise in the order they came in."""
    return sorted(findings, key=lambda f: _ORDER[f.level])


def refuse_if_needed(findings: Iterable[Finding]) -> None:
    """Stop a training that cannot work.

    Raises:
        DataError: with the sentences of all refusals.
    """
    reasons = [f.text for f in findings if f.level is FindingLevel.REFUSE]
    if reasons:
        raise DataError(" ".join(reasons))


# --- words --------------------------------------------------------------------------------------------------------


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 object", "2,000 objects"; `many` where an s does not do."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b, c and 4 more"; each name once."""
    once = list(dict.fromkeys(names))
    more = len(once) - _NAMES_SHOWN
    if more > 0:
        return f"{', '.join(once[:_NAMES_SHOWN])} and {more:,} more"
    return once[0] if len(once) == 1 else f"{', '.join(once[:-1])} and {once[-1]}"
