"""Which images belong together, so that a split does not tear them apart: one folder, one name, one picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from engine.errors import DataError
from engine.project.records import ImageRecord

if TYPE_CHECKING:
    from engine.project.near_duplicates import Progress
    from engine.project.store import ProjectStore


class GroupBy(StrEnum):
    """What makes images belong together."""

    FOLDER = "folder"
    NAME = "name"
    SIMILAR = "similar"


def group_names(
    store: ProjectStore, by: GroupBy, *, pattern: str = "", progress: Progress | None = None
) -> dict[int, str]:
    """Name of the group of every image, by image id; an image that is like no other is a group of its own.

    Args:
        by: FOLDER: the folder that holds the file.  NAME: what `pattern` finds in the file's name.  SIMILAR: the
            same picture (:mod:`engine.project.near_duplicates`); named after the first image.
        pattern: a regular expression, searched for in the file's name; its first group is the name of the group.
        progress: called with (images looked at, images in all) while pictures are compared.

    Raises:
        DataError: when `pattern` is missing, is no regular expression, has no group, or fits no name.
    """
    if pattern and by is not GroupBy.NAME:
        raise DataError(f"A pattern does not go with groups by {by}.", hint="Group by name, or leave the pattern out.")
    records = store.images()
    if by is GroupBy.FOLDER:
        return {r.id: str(PurePosixPath(r.path).parent) for r in records}
    if by is GroupBy.NAME:
        return _by_name(records, _compiled(pattern))
    return _by_picture(store, records, progress)


def _by_picture(store: ProjectStore, records: Sequence[ImageRecord], progress: Progress | None) -> dict[int, str]:
    from engine.project.near_duplicates import joined, signatures, similar_pairs

    found = signatures([store.image_path(r.id) for r in records], progress=progress)
    groups = joined(len(records), similar_pairs(found))
    return {records[i].id: records[group[0]].path for group in groups for i in group}


def _by_name(records: Sequence[ImageRecord], pattern: re.Pattern[str]) -> dict[int, str]:
    found = {r.id: pattern.search(r.name) for r in records}
    if records and not any(found.values()):
        example = records[0].name
        raise DataError(f"The pattern “{pattern.pattern}” fits no file name, for example not “{example}”.")
    return {r.id: _name(r, found[r.id]) for r in records}


def _name(record: ImageRecord, found: re.Match[str] | None) -> str:
    """The group's name; what the pattern does not fit is alone, under its path, which no part of a file name equals."""
    return (found[1] if found else "") or f"/{record.path}"


def _compiled(pattern: str) -> re.Pattern[str]:
    example = "for example --pattern '^(.+)_[0-9]+' puts part3_01.jpg and part3_02.jpg together."
    if not pattern:
        raise DataError("Groups by name need a pattern.", hint=f"Give one, {example}")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise DataError(f"The pattern “{pattern}” cannot be read: {error.msg}{place}.") from error
    if not compiled.groups:
        hint = f"Put brackets around the part that is the group's name, {example}"
        raise DataError(f"The pattern “{pattern}” has no group.", hint=hint)
    return compiled
