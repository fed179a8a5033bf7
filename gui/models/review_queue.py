"""What is to be looked at, what matters first: one object in two classes, what contradicts a label, what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal

from engine.project.records import Decision, Verdict
from engine.review.overlaps import Group
from gui.models.instance_list import RowModel
from gui.models.review_filter import QueueFilter
from gui.models.review_items import ImageFacts, QueueItem, Seen
from gui.models.review_rows import Light, importance, items_of, members_of, row_of


class ReviewQueue(RowModel):
    """The queue as a list; items keep their order while verdicts are given.

    Attributes:
        threshold: only predictions at or above it count.
        filter: which items are listed; it stays until it is taken away.

    Signals:
        counted: progress, number of groups or of listed items differs.
    """

    counted = Signal()

    def __init__(self, names: Callable[[int], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = names
        self._facts: dict[int, ImageFacts] = {}
        self._order: list[str] = []
        self._decisions: dict[int, Decision] = {}
        self._items: dict[str, QueueItem] = {}
        self._shown: tuple[QueueItem, ...] = ()
        self.threshold = 0.5
        self.filter = QueueFilter()

    # --- what it knows ----------------------------------------------------------------------------------------

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """What is listed, in the order of the list."""
        return self._shown

    @property
    def total(self) -> int:
        """Number of items, listed or filtered away."""
        return len(self._items)

    @property
    def open_groups(self) -> int:
        """Groups that want a verdict, listed or not."""
        return sum(i.group is not None and not i.settled for i in self._items.values())

    @property
    def progress(self) -> float:
        """Part of all items that is settled, in [0, 1]."""
        return sum(i.settled for i in self._items.values()) / len(self._items) if self._items else 0.0

    def item(self, key: str) -> QueueItem | None:
        """The item of that key, if it is there, listed or not."""
        return self._items.get(key)

    def decision(self, prediction_id: int) -> Decision | None:
        """What was decided about a prediction."""
        return self._decisions.get(prediction_id)

    def decisions(self) -> tuple[Decision, ...]:
        return tuple(self._decisions.values())

    def facts(self, image_id: int) -> ImageFacts | None:
        """What is known of an image, None when it was not looked at."""
        return self._facts.get(image_id)

    def all_facts(self) -> tuple[ImageFacts, ...]:
        """What is known of every image that was looked at."""
        return tuple(self._facts.values())

    def seen(self, image_id: int, prediction_id: int) -> Seen | None:
        """One prediction of an image."""
        facts = self._facts.get(image_id)
        return next((s for s in facts.seen if s.id == prediction_id), None) if facts else None

    def open_after(self, key: str) -> QueueItem | None:
        """The next listed item that wants a verdict, from the beginning again after the end."""
        at = self._order.index(key) + 1 if key in self._order else 0
        listed = {i.key for i in self._shown}
        for candidate in (*self._order[at:], *self._order[:at]):
            if candidate in listed and not self._items[candidate].settled and candidate != key:
                return self._items[candidate]
        return None

    def item_of_image(self, image_id: int) -> QueueItem | None:
        """The first open item of an image, or any; what is listed before what is not."""
        mine = [i for i in (*self._shown, *self._items.values()) if i.image_id == image_id]
        return next((i for i in mine if not i.settled), mine[0] if mine else None)

    def kept_before(self, group: Group) -> tuple[str, int, int]:
        """Of decided groups with the same two classes: which class was kept most, how often, of how many."""
        pair = frozenset(m.category_id for m in members_of(group))
        kept: dict[int, int] = {}
        light = self._light()
        for facts in self._facts.values():
            for other in facts.groups:
                members = members_of(other)
                if other is group or frozenset(m.category_id for m in members) != pair:
                    continue
                taken = [m for m in members if light.verdict(m.key) in (Verdict.ACCEPTED, Verdict.CORRECTED)]
                if len(taken) == 1:
                    kept[taken[0].category_id] = kept.get(taken[0].category_id, 0) + 1
        if not kept:
            return "", 0, 0
        category, count = max(kept.items(), key=lambda kv: kv[1])
        return self._name(category), count, sum(kept.values())

    # --- changing it ------------------------------------------------------------------------------------------

    def load(self, facts: Iterable[ImageFacts], decisions: Iterable[Decision]) -> None:
        """Show other predictions; the order is made anew, the filter stays."""
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

    def set_filter(self, wanted: QueueFilter) -> None:
        """List only what `wanted` asks for."""
        if wanted != self.filter:
            self.filter = wanted
            self._list()

    def _rebuild(self) -> None:
        light = self._light()
        items = [item for facts in self._facts.values() for item in items_of(facts, light)]
        self._items = {item.key: item for item in items}
        placed = {key: at for at, key in enumerate(self._order)}
        fresh = sorted((i for i in items if i.key not in placed), key=importance)
        self._order = [k for k in self._order if k in self._items] + [i.key for i in fresh]
        self._list()

    def _list(self) -> None:
        self._shown = tuple(self._items[k] for k in self._order if self.filter.matches(self._items[k]))
        self.set_rows([row_of(item) for item in self._shown])
        self.counted.emit()

    def _light(self) -> Light:
        return Light(self._name, self.threshold, self._decisions)
