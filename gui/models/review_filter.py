"""Which lines of the review queue a person wants to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.domain.annotation import Split
from gui.models.review_items import QueueItem

SPLIT_NAMES = {Split.TRAIN: "training", Split.VAL: "validation", Split.TEST: "test", Split.NONE: "no split"}


class ItemKind(StrEnum):
    """What an item is."""

    GROUP = "groups"
    IMAGE = "images"
    DISAGREEMENT = "disagreements"


class ItemState(StrEnum):
    """How far it is."""

    OPEN = "open"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """An item must meet all that is set; what is None (or "") asks for nothing.

    Attributes:
        category_id: something of this class was predicted or labelled there.
        text: part of the image's name, in capitals or not.
    """

    category_id: int | None = None
    split: Split | None = None
    kind: ItemKind | None = None
    state: ItemState | None = None
    text: str = ""

    @property
    def asks(self) -> bool:
        """Whether anything is asked for."""
        return self != QueueFilter()

    def matches(self, item: QueueItem) -> bool:
        """Whether `item` is to be shown."""
        return (
            (self.category_id is None or self.category_id in item.category_ids)
            and (self.split is None or self.split is item.split)
            and (self.kind is None or self.kind in _kinds(item))
            and (self.state is None or item.settled is (self.state is ItemState.SETTLED))
            and self.text.strip().casefold() in item.image.casefold()
        )

    def words(self, name: Callable[[int], str]) -> str:
        """What is asked for, in one line: "nut · validation · open · “img_00”"."""
        parts = [
            name(self.category_id) if self.category_id is not None else "",
            SPLIT_NAMES[self.split] if self.split is not None else "",
            self.kind or "",
            self.state or "",
            f"“{self.text.strip()}”" if self.text.strip() else "",
        ]
        return " · ".join(part for part in parts if part)


def _kinds(item: QueueItem) -> set[ItemKind]:
    if item.group is not None:
        return {ItemKind.GROUP}
    return {ItemKind.IMAGE, ItemKind.DISAGREEMENT} if item.disagrees else {ItemKind.IMAGE}
