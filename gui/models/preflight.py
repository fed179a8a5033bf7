"""What stands in the way of a training, and what the data is like, before a run is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.domain.annotation import Split
from engine.errors import DataError
from engine.project.dataset import freeze
from engine.project.trainable import check_trainable

if TYPE_CHECKING:
    from engine.project.store import ProjectStore

# Freezing decodes every mask header: about 20 microseconds each, so this many stay under a tenth of a second.
CHECKED_OBJECTS = 4000


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: ``stop`` prevents a training, ``note`` is worth a look, ``ok`` is fine."""

    kind: Literal["ok", "note", "stop"]
    text: str


def facts_about(store: ProjectStore) -> list[Fact]:
    """Facts on the project's data, what prevents a training first."""
    images = store.images()
    counts = store.instance_counts()
    objects = sum(counts.values())
    categories = store.categories()
    if not images:
        return [Fact("stop", "There are no images yet. Add a folder of them (File > Add images…).")]
    facts = []
    if objects <= CHECKED_OBJECTS:
        try:
            check_trainable(freeze(store))
        except DataError as error:
            facts.append(Fact("stop", str(error)))
    sizes = (_plural(objects, "object", "objects"), _plural(len(categories), "class", "classes"))
    facts.append(Fact("ok" if objects else "note", f"{', '.join(sizes)}, {_plural(len(images), 'image', 'images')}"))
    labelled = {r.id for r in images if counts.get(r.id) or r.negative}
    used = {split: sum(r.split is split and r.id in labelled for r in images) for split in Split}
    facts.append(
        Fact(
            "ok" if used[Split.TRAIN] and used[Split.VAL] else "note",
            f"{used[Split.TRAIN]} train, {used[Split.VAL]} validate"
            + (f", {used[Split.TEST]} kept for the test" if used[Split.TEST] else ""),
        )
    )
    facts += _notes(store, labelled)
    return facts


def _notes(store: ProjectStore, labelled: set[int]) -> list[Fact]:
    images = store.images()
    notes = []
    unlabelled = sum(r.split in (Split.TRAIN, Split.VAL) and r.id not in labelled for r in images)
    if unlabelled:
        words = _plural(unlabelled, "image is", "images are")
        notes.append(Fact("note", f"{words} not labelled yet and left out"))
    outside = sum(r.split is Split.NONE and r.id in labelled for r in images)
    if outside:
        notes.append(Fact("note", f"{_plural(outside, 'labelled image is', 'labelled images are')} in no split"))
    negatives = sum(r.negative for r in images)
    if negatives:
        notes.append(Fact("ok", f"{_plural(negatives, 'image shows', 'images show')} nothing, as negatives"))
    per_class = store.category_counts()
    few = [(c.name, per_class.get(c.id, 0)) for c in store.categories() if 0 < per_class.get(c.id, 0) < 10]
    for name, count in few[:3]:
        notes.append(Fact("note", f"{name}: only {_plural(count, 'object', 'objects')}"))
    return notes


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
