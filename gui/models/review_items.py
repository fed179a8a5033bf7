"""What the review queue is made of: values that the background reads and the window shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.domain.annotation import Split
from engine.project.records import Decision, Verdict
from engine.project.runs import RunFolder
from engine.review.overlaps import Group

DECIDED = (Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.REJECTED)


@dataclass(frozen=True, slots=True)
class Seen:
    """One prediction as the queue knows it.

    Attributes:
        labelled: id of the instance that lies on the same object, "" without one.
        agrees: that instance has the prediction's class.
    """

    id: int
    category_id: int
    score: float
    labelled: str = ""
    agrees: bool = False


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What was predicted in one image, and what is labelled there.

    Attributes:
        name: of the image's file, without its ending.
        file: the file's name as it is.
        done: a person said so; then nothing of it is open.
        complete: its labels are taken for the whole truth, as a training takes them: it is in a split, and a person
            labelled it or said that nothing is there.
        labels: id and class of every instance.
    """

    image_id: int
    name: str
    done: bool
    seen: tuple[Seen, ...]
    groups: tuple[Group, ...]
    file: str = ""
    split: Split = Split.NONE
    complete: bool = False
    labels: tuple[tuple[str, int], ...] = ()

    def missed(self, threshold: float) -> tuple[tuple[str, int], ...]:
        """The labels that no prediction from `threshold` on lies on, of whatever class."""
        covered = {s.labelled for s in self.seen if s.score >= threshold}
        return tuple(label for label in self.labels if label[0] not in covered)


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One line of the queue.

    Attributes:
        key: stable over reloads.
        group: the group to resolve; None for an image.
        open: predictions that still want a verdict, best first.
        predictions: all predictions of the item at the threshold, best first.
        missed: ids of labels that nothing was predicted on and that want a look.
        disagrees: it contradicts a label.
        image: name of the image's file.
        split: the image's.
        category_ids: classes of everything it is about.
        settled: nothing is open.
    """

    key: str
    image_id: int
    title: str
    detail: str
    chip: str
    chip_kind: str
    group: Group | None = None
    open: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()
    missed: tuple[str, ...] = ()
    disagrees: bool = False
    image: str = ""
    split: Split = Split.NONE
    category_ids: frozenset[int] = frozenset()

    @property
    def settled(self) -> bool:
        return not self.open and not self.missed


@dataclass(frozen=True)
class QueueData:
    """Everything the Review room shows of one run and epoch.

    Attributes:
        epoch: number of the epoch that was looked at, None when there is no prediction.
        detected: epochs that have predictions.
        kept: epochs whose weights are kept.
    """

    run: RunFolder
    choice: str
    epoch: int | None
    detected: tuple[int, ...]
    kept: tuple[int, ...]
    facts: tuple[ImageFacts, ...] = ()
    decisions: tuple[Decision, ...] = field(default=())
