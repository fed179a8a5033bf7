"""Values the store hands out: rows without a database behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from engine.domain.annotation import ImageStatus, Split


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a project; the file itself is only referenced.

    Attributes:
        id: the store's id, from 1, never used twice.
        path: POSIX, relative to the project folder where possible, else absolute.
        width, height: pixels, after EXIF orientation.
        negative: a person said "nothing here".
        content_hash: of the file's bytes; "" when it was not computed.
    """

    id: int
    path: str
    width: int
    height: int
    status: ImageStatus = ImageStatus.TODO
    split: Split = Split.NONE
    negative: bool = False
    content_hash: str = ""

    @property
    def name(self) -> str:
        """The last part of the path; two images may share it."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change, an undo or a redo touched: views refresh from it.

    Attributes:
        label: the change's name as the person sees it.
        image_ids: images whose rows, instances or decisions changed.
        tables: subset of ``images``, ``categories``, ``instances``, ``decisions``, ``meta`` (settings).
    """

    label: str
    image_ids: frozenset[int]
    tables: frozenset[str]


class Verdict(StrEnum):
    """What a person decided about a prediction."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict on one prediction; there is one per ``(run, prediction_id)``, the latest wins.

    Attributes:
        instance_id: the instance that came of it, if any (it may have been deleted since).
        reason: free text, or why a rule decided.
    """

    run: str
    prediction_id: int
    image_id: int
    verdict: Verdict
    instance_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change in the journal.

    Attributes:
        time: seconds since the epoch.
        undone: it can be redone.
    """

    id: int
    label: str
    time: float
    image_ids: frozenset[int]
    undone: bool
