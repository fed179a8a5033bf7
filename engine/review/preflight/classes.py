"""Findings on classes and sets: what cannot be trained, what is rare, what cannot be measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.domain.annotation import Category, Split
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.trainable import obstacles
from engine.review.preflight.findings import Finding, FindingKind, FindingLevel, counted, finding, listed

# Below these a validation figure moves by several points when one more object is found.
FEWEST_IMAGES = 5
FEWEST_OBJECTS = 10
# One class with ten times the objects of another; LVIS calls classes rare that have a tenth of the common ones.
IMBALANCE = 10


def obstacle_findings(dataset: FrozenDataset) -> list[Finding]:
    """What a training is refused for (:mod:`engine.project.trainable`)."""
    return [
        finding(FindingKind(o.kind.value), FindingLevel.REFUSE, str(o.error()), count=max(1, len(o.categories)))
        for o in obstacles(dataset)
    ]


def class_findings(dataset: FrozenDataset) -> list[Finding]:
    """Classes that training never sees, that are rare, or that validation can hardly measure."""
    train, val = dataset.annotated(Split.TRAIN), dataset.annotated(Split.VAL)
    return [
        *_unseen(dataset, train),
        *_validation_small(dataset.categories, val),
        *_imbalance(dataset.categories, train),
    ]


def object_counts(images: Sequence[FrozenImage]) -> Counter[int]:
    """Objects by category id."""
    return Counter(i.category_id for image in images for i in image.annotation.instances)


def _unseen(dataset: FrozenDataset, train: Sequence[FrozenImage]) -> list[Finding]:
    seen = object_counts(train)
    others = (*dataset.annotated(Split.VAL), *dataset.annotated(Split.TEST))
    found = []
    for category in dataset.categories if seen else ():
        images = [i for i in others if any(o.category_id == category.id for o in i.annotation.instances)]
        if not seen[category.id] and images:
            text = (
                f"“{category.name}” is in {counted(len(images), 'image')} for validation or test "
                f"({listed([i.path.name for i in images])}), but training never sees it: move some of them."
            )
            found.append(finding(FindingKind.UNSEEN_CLASS, FindingLevel.WARN, text, images=images))
    return found


def _validation_small(categories: Sequence[Category], val: Sequence[FrozenImage]) -> list[Finding]:
    counts = object_counts(val)
    if not counts:
        return []  # refused already
    found = []
    if len(val) < FEWEST_IMAGES:
        text = (
            f"Validation has only {counted(len(val), 'image')}: its figures will be luck. Put at least {FEWEST_IMAGES} "
            "into it, better a fifth of all."
        )
        found.append(finding(FindingKind.VALIDATION_SMALL, FindingLevel.WARN, text, images=val))
    few = [c for c in categories if counts[c.id] < FEWEST_OBJECTS]
    if few:
        words = listed([f"“{c.name}” ({counts[c.id]})" for c in few])
        text = (
            f"Validation has fewer than {FEWEST_OBJECTS} objects of {words}: the figure of "
            f"{'this class' if len(few) == 1 else 'these classes'} will jump from epoch to epoch."
        )
        ids = {c.id for c in few}
        shown = [i for i in val if any(o.category_id in ids for o in i.annotation.instances)]
        found.append(finding(FindingKind.VALIDATION_SMALL, FindingLevel.WARN, text, images=shown, count=len(few)))
    return found


def _imbalance(categories: Sequence[Category], train: Sequence[FrozenImage]) -> list[Finding]:
    counts = object_counts(train)
    present = [c for c in categories if counts[c.id]]
    if len(present) < 2:
        return []
    most = max(present, key=lambda c: counts[c.id])
    rare = sorted((c for c in present if counts[c.id] * IMBALANCE <= counts[most.id]), key=lambda c: counts[c.id])
    if not rare:
        return []
    ratio = counts[most.id] / counts[rare[0].id]
    text = (
        f"The classes are out of balance by {ratio:.0f} to 1: “{most.name}” has {counts[most.id]:,} objects for "
        f"training, {listed([f'“{c.name}” {counts[c.id]:,}' for c in rare])}. Rare classes "
        "are found last; annotate more of them."
    )
    ids = {c.id for c in rare}
    shown = [i for i in train if any(o.category_id in ids for o in i.annotation.instances)]
    return [finding(FindingKind.IMBALANCE, FindingLevel.WARN, text, images=shown, count=len(rare))]
