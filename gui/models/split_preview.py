"""What a split that keeps groups of images together would come to, before it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from engine.domain.annotation import Split
from engine.errors import DataError
from engine.project.groups import GroupBy, group_names
from engine.project.split_groups import free_groups
from engine.project.splits import planned_split
from gui.jobs import Report

if TYPE_CHECKING:
    from engine.project.records import ImageRecord
    from engine.project.store import ProjectStore


@dataclass(frozen=True, slots=True)
class SplitWish:
    """What a person asks for, as :func:`engine.project.splits.make_split` takes it."""

    val: float | int
    test: float | int
    seed: int
    only_unassigned: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """What makes images belong together; `pattern` goes with NAME."""

    by: GroupBy
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Images that stay together.

    Attributes:
        name: for a person.
        images: their paths, at least one.
        splits: the set they would be in; several for a group that other images' sets tear apart already.
    """

    name: str
    images: tuple[str, ...]
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class SplitPreview:
    """The groups, and what would be made of them.

    Attributes:
        groups: the largest first.
        chosen: the set of each image that would be put into one, by image id.
        counts: images in each set after it.
        refusal: why it cannot be made, "" when it can; the counts are those of now then.
    """

    groups: tuple[GroupRow, ...]
    chosen: Mapping[int, Split]
    counts: Mapping[Split, int]
    refusal: str = ""

    @property
    def largest(self) -> int:
        """Images in the largest group, 0 without any."""
        return len(self.groups[0].images) if self.groups else 0


def names_of(store: ProjectStore, grouping: Grouping, report: Report) -> dict[int, str]:
    """Name of the group of every image, by image id; comparing pictures takes a while.

    Raises:
        DataError: when the pattern cannot be used.
    """
    if grouping.by is not GroupBy.SIMILAR:
        return group_names(store, grouping.by, pattern=grouping.pattern)

    def tell(done: int, total: int) -> None:
        report(done / max(1, total), "Comparing pictures")

    return group_names(store, grouping.by, progress=tell)


def preview(store: ProjectStore, names: Mapping[int, str], wish: SplitWish) -> SplitPreview:
    """What the split `wish` would come to with the groups `names`; nothing is changed."""
    refusal = ""
    try:
        chosen = planned_split(
            store,
            val=wish.val,
            test=wish.test,
            seed=wish.seed,
            only_unassigned=wish.only_unassigned,
            groups=names,
        )
    except DataError as error:
        chosen, refusal = {}, str(error)
    images = store.images()
    after = {r.id: r.split for r in images} | chosen
    counts = Counter(after.values())
    groups = [_row(group.images, names, after) for group in free_groups(store, images, names)[0]]
    groups.sort(key=lambda row: (-len(row.images), row.name))
    return SplitPreview(tuple(groups), chosen, {split: counts[split] for split in Split}, refusal)


def _row(images: Iterable[ImageRecord], names: Mapping[int, str], after: Mapping[int, Split]) -> GroupRow:
    members = list(images)
    splits = dict.fromkeys(after[m.id] for m in members)
    return GroupRow(_title(names[members[0].id]), tuple(m.path for m in members), tuple(splits))


def _title(name: str) -> str:
    """A group's name for a person: the folder of the images themselves has a dot, a lone image's path a slash."""
    return "(no folder)" if name == "." else PurePosixPath(name.removeprefix("/")).as_posix()
