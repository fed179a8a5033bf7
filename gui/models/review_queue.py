"""What is to be looked at, what matters first: groups on one object, then images with something new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.domain.annotation import Annotation, ImageStatus
from engine.domain.prediction import Prediction
from engine.project.predictions import PredictionStore
from engine.project.records import Decision, ImageRecord, Verdict
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore
from engine.review.decisions import labelled_as
from engine.review.overlaps import Group, OverlapRule, find_groups
from gui.models.instance_list import ListRow, RowModel

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
    """What was predicted in one image."""

    image_id: int
    name: str
    done: bool
    seen: tuple[Seen, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One line of the queue.

    Attributes:
        key: stable over reloads.
        group: the group to resolve; None for an image.
        open: predictions that still want a verdict, best first.
        predictions: all predictions of the item at the threshold, best first.
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

    @property
    def settled(self) -> bool:
        return not self.open


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


# --- gathering (off the gui thread) -----------------------------------------------------------------------------------


def facts_of_image(
    record: ImageRecord,
    annotation: Annotation,
    predictions: Sequence[Prediction],
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
) -> ImageFacts:
    """Groups, and which predictions have a label on them already."""
    seen = []
    for prediction in predictions:
        there = labelled_as(annotation, prediction)
        agrees = there is not None and there.category_id == prediction.category_id
        label = there.id if there is not None else ""
        seen.append(Seen(prediction.id, prediction.category_id, prediction.score, label, agrees))
    done = record.status is ImageStatus.DONE
    return ImageFacts(record.id, Path(record.name).stem, done, tuple(seen), find_groups(predictions, categories, rule))


def resolve_epoch(run: RunFolder, choice: str, detected: Sequence[int]) -> int | None:
    """Number of the epoch that ``best``, ``last`` or a number means; None when that is not known yet."""
    if choice.isdigit():
        return int(choice)
    if choice == "best":
        return run.summary().best_epoch
    kept = run.checkpoint_epochs()
    return kept[-1] if kept else (detected[0] if detected else None)


def gather(folder: Path, run: RunFolder, choice: str, epoch: int | None = None) -> QueueData:
    """Read everything about one run and epoch.  Runs in a thread of its own, with connections of its own."""
    with PredictionStore(run.predictions_path) as predictions:
        detected = predictions.epochs()
        epoch = epoch if epoch is not None else resolve_epoch(run, choice, detected)
        kept = tuple(run.checkpoint_epochs())
        if epoch not in detected:
            return QueueData(run, choice, None, tuple(detected), kept)
        facts = []
        with ProjectStore.open(folder, read_only=True) as store:
            names = {c.id: c.name for c in store.categories()}
            records = {r.id: r for r in store.images()}
            for image_id in predictions.image_ids(epoch):
                if image_id in records:
                    found = predictions.detections(image_id, epoch).predictions
                    facts.append(facts_of_image(records[image_id], store.annotation(image_id), found, names))
            decisions = store.decisions(run=run.id)
    return QueueData(run, choice, epoch, tuple(detected), kept, tuple(facts), decisions)


# --- the queue --------------------------------------------------------------------------------------------------------


class ReviewQueue(RowModel):
    """The queue as a list; items keep their order while verdicts are given.

    Signals:
        counted: progress or number of groups differs.
    """

    counted = Signal()

    def __init__(self, names: Callable[[int], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = names
        self._facts: dict[int, ImageFacts] = {}
        self._order: list[str] = []
        self._decisions: dict[int, Decision] = {}
        self._items: dict[str, QueueItem] = {}
        self.threshold = 0.5

    # --- what it knows ----------------------------------------------------------------------------------------

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """In the order of the list."""
        return tuple(self._items[key] for key in self._order)

    @property
    def open_groups(self) -> int:
        """Groups that want a verdict."""
        return sum(i.group is not None and not i.settled for i in self._items.values())

    @property
    def progress(self) -> float:
        """Part of the items that are settled, in [0, 1]."""
        return sum(i.settled for i in self._items.values()) / len(self._items) if self._items else 0.0

    def item(self, key: str) -> QueueItem | None:
        """The item of that key, if it is there."""
        return self._items.get(key)

    def decision(self, prediction_id: int) -> Decision | None:
        """What was decided about a prediction."""
        return self._decisions.get(prediction_id)

    def decisions(self) -> tuple[Decision, ...]:
        return tuple(self._decisions.values())

    def facts(self, image_id: int) -> ImageFacts | None:
        """What is known of an image, None when it was not looked at."""
        return self._facts.get(image_id)

    def seen(self, image_id: int, prediction_id: int) -> Seen | None:
        """One prediction of an image."""
        facts = self._facts.get(image_id)
        return next((s for s in facts.seen if s.id == prediction_id), None) if facts else None

    def open_after(self, key: str) -> QueueItem | None:
        """The next item that wants a verdict, from the beginning again after the end."""
        at = self._order.index(key) + 1 if key in self._order else 0
        for candidate in (*self._order[at:], *self._order[:at]):
            if not self._items[candidate].settled and candidate != key:
                return self._items[candidate]
        return None

    def item_of_image(self, image_id: int) -> QueueItem | None:
        """The first open item of an image, or any."""
        mine = [i for i in self.items if i.image_id == image_id]
        return next((i for i in mine if not i.settled), mine[0] if mine else None)

    def kept_before(self, group: Group) -> tuple[str, int, int]:
        """Of decided groups with the same two classes: which class was kept most, how often, of how many."""
        pair = frozenset(m.category_id for m in (group.keeper, *group.others))
        kept: dict[int, int] = {}
        for facts in self._facts.values():
            for other in facts.groups:
                members = (other.keeper, *other.others)
                if other is group or frozenset(m.category_id for m in members) != pair:
                    continue
                taken = [m for m in members if self._verdict(m.key) in (Verdict.ACCEPTED, Verdict.CORRECTED)]
                if len(taken) == 1:
                    kept[taken[0].category_id] = kept.get(taken[0].category_id, 0) + 1
        if not kept:
            return "", 0, 0
        category, count = max(kept.items(), key=lambda kv: kv[1])
        return self._name(category), count, sum(kept.values())

    # --- changing it ------------------------------------------------------------------------------------------

    def load(self, facts: Iterable[ImageFacts], decisions: Iterable[Decision]) -> None:
        """Show other predictions; the order is made anew."""
        self._facts = {f.image_id: f for f in facts}
        self._decisions = {d.prediction_id: d for d in decisions}
        self._order = []
        self._rebuild()

    def update_images(self, facts: Iterable[ImageFacts], decisions: Iterable[Decision]) -> None:
        """Take in what changed in some images; everything keeps its place."""
        self._facts |= {f.image_id: f for f in facts}
        self._decisions = {d.prediction_id: d for d in decisions}
        self._rebuild()

    def set_threshold(self, threshold: float) -> None:
        """Only predictions at or above `threshold` count."""
        if threshold != self.threshold:
            self.threshold = threshold
            self._rebuild()

    def _rebuild(self) -> None:
        items = [item for facts in self._facts.values() for item in self._items_of(facts)]
        self._items = {item.key: item for item in items}
        placed = {key: at for at, key in enumerate(self._order)}
        fresh = sorted((i for i in items if i.key not in placed), key=self._importance)
        if not self._order:
            self._order = [i.key for i in fresh]
        else:
            self._order = [k for k in self._order if k in self._items] + [i.key for i in fresh]
        self.set_rows([_row(self._items[key]) for key in self._order])
        self.counted.emit()

    def _importance(self, item: QueueItem) -> tuple[object, ...]:
        """Open before settled, groups before images, close calls first, then images with most to decide."""
        if item.group is not None:
            close = item.group.keeper.score - max(m.score for m in item.group.others)
            return (item.settled, 0, item.group.kind != "same-object", round(close, 3), item.title)
        return (item.settled, 1, False, -len(item.open), item.title)

    def _items_of(self, facts: ImageFacts) -> list[QueueItem]:
        shown = [g for g in facts.groups if g.keeper.score >= self.threshold]
        grouped = {m.key for g in shown for m in (g.keeper, *g.others)}
        items = [self._group_item(facts, group) for group in shown]
        alone = [s for s in facts.seen if s.score >= self.threshold and s.id not in grouped]
        if alone or not shown:
            items.append(self._image_item(facts, alone))
        return items

    def _group_item(self, facts: ImageFacts, group: Group) -> QueueItem:
        members = (group.keeper, *group.others)
        ids = tuple(int(m.key) for m in members)
        names = " ↔ ".join(dict.fromkeys(self._name(m.category_id) for m in members))
        scores = "/".join(f"{m.score:.2f}" for m in members)
        detail = f"mask IoU {max(m.iou for m in group.others):.2f}, scores {scores}"
        if group.kind == "part-of":
            detail = f"one inside the other, scores {scores}"
        chip, kind = self._chip_of_group(facts, group)
        item = QueueItem(
            f"g{ids[0]}-{ids[1]}", facts.image_id, f"{facts.name} · {names}", detail, chip, kind, group, ids, ids
        )
        return item if chip in ("group", "part of", "unsure", "labelled") else replace(item, open=())

    def _chip_of_group(self, facts: ImageFacts, group: Group) -> tuple[str, str]:
        members = (group.keeper, *group.others)
        verdicts = [self._verdict(m.key) for m in members]
        if all(v in DECIDED for v in verdicts):
            taken = [m for m, v in zip(members, verdicts, strict=True) if v is not Verdict.REJECTED]
            if not taken:
                return "rejected", "ok"
            return ("both kept" if len(taken) > 1 else f"kept {self._name(taken[0].category_id)}"), "ok"
        if Verdict.UNSURE in verdicts:
            return "unsure", ""
        if any((s := self.seen(facts.image_id, int(m.key))) and s.labelled for m in members):
            return "labelled", ""
        return ("group", "warn") if group.kind == "same-object" else ("part of", "warn")

    def _image_item(self, facts: ImageFacts, alone: Sequence[Seen]) -> QueueItem:
        undecided = [s for s in alone if self._verdict(s.id) not in DECIDED]
        news = [s for s in undecided if not s.agrees]
        opens = () if facts.done else tuple(s.id for s in news)
        conflicts = sum(bool(s.labelled) for s in news)
        unsure = sum(self._verdict(s.id) is Verdict.UNSURE for s in news)
        if opens:
            title = f"{facts.name} · {_plural(len(news), 'object')}"
            chip, kind = ("class differs", "bad") if conflicts else ("new", "accent")
            chip, kind = ("unsure", "") if unsure == len(news) else (chip, kind)
            detail = self._summary(news)
        else:
            title = facts.name
            detail, chip, kind = self._settled_words(facts, alone)
        return QueueItem(
            f"i{facts.image_id}", facts.image_id, title, detail, chip, kind, None, opens, tuple(s.id for s in alone)
        )

    def _settled_words(self, facts: ImageFacts, alone: Sequence[Seen]) -> tuple[str, str, str]:
        if not alone:
            return f"nothing at {self.threshold:.2f} or above", "empty", ""
        if any(self._verdict(s.id) in DECIDED for s in alone):
            return self._summary(alone), "done", "ok"
        return self._summary(alone), "done" if facts.done else "agrees", "ok"

    def _summary(self, seen: Sequence[Seen]) -> str:
        words = [f"{self._name(s.category_id)} {s.score:.2f}" for s in seen[:3]]
        return ", ".join(words) + (" …" if len(seen) > 3 else "")

    def _verdict(self, prediction_id: int | str) -> Verdict | None:
        decision = self._decisions.get(int(prediction_id))
        return decision.verdict if decision is not None else None


def _row(item: QueueItem) -> ListRow:
    return ListRow(item.key, item.title, detail=item.detail, chip=item.chip, chip_kind=item.chip_kind)


def _plural(count: int, one: str) -> str:
    return f"{count} {one}" + ("" if count == 1 else "s")
