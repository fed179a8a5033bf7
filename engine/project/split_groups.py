"""Choosing whole groups of images for validation and test, so that the shares come out as asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.annotation import Split
from engine.project.near_duplicates import joined
from engine.project.records import ImageRecord
from engine.project.store import ProjectStore

_TRIES = 8  # orders in which choices are looked for; they differ in classes and annotated images


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """Images that have to stay together.

    Attributes:
        categories: ids of the classes seen in them.
        annotated: how many of them have objects or are negatives.
    """

    images: tuple[ImageRecord, ...]
    categories: frozenset[int]
    annotated: int


def image_group(images: tuple[ImageRecord, ...], classes: Mapping[int, frozenset[int]]) -> ImageGroup:
    """A group of `images`; `classes` are the category ids by image id."""
    categories = frozenset().union(*(classes.get(i.id, frozenset()) for i in images))
    return ImageGroup(images, categories, sum(bool(classes.get(i.id)) or i.negative for i in images))


def free_groups(
    store: ProjectStore, records: Sequence[ImageRecord], names: Mapping[int, str]
) -> tuple[list[ImageGroup], dict[int, Split]]:
    """`records` in groups, and the sets of those that have to follow members which stay where they are.

    Equal files are together whatever their groups' names are.  The order does not depend on when images were added.
    """
    everything = sorted(store.images(), key=lambda r: r.path)
    moving = {record.id for record in records}
    classes = store.categories_by_image()
    free: list[ImageGroup] = []
    followers: dict[int, Split] = {}
    for positions in joined(len(everything), _same_group(everything, names)):
        members = [everything[i] for i in positions]
        inside = tuple(m for m in members if m.id in moving)
        stays = Counter(m.split for m in members if m.id not in moving)
        if inside and stays:
            followers.update((m.id, stays.most_common(1)[0][0]) for m in inside)
        elif inside:
            free.append(image_group(inside, classes))
    return free, followers


def _same_group(records: Sequence[ImageRecord], names: Mapping[int, str]) -> list[tuple[int, int]]:
    """Pairs of positions of equal files and of images with the same group's name."""
    first: dict[tuple[str, str], int] = {}
    pairs = []
    for position, record in enumerate(records):
        keys = [("group", names[record.id])] if record.id in names else []
        keys += [("file", record.content_hash)] if record.content_hash else []
        pairs += [(first.setdefault(key, position), position) for key in keys]
    return pairs


def choose_groups(groups: Sequence[ImageGroup], wanted: Mapping[Split, int]) -> dict[Split, list[ImageGroup]]:
    """Whole groups for each split of `wanted` (number of images), groups that come first rather than later ones.

    What counts, in this order: every set sees annotated images and training every class, where that can be; the number
    of images is as close as whole groups allow; the annotated ones are divided in the same proportion.  At least one
    group is left.
    """
    total = sum(len(g.images) for g in groups)
    labelled = sum(g.annotated for g in groups)
    left = list(groups)
    chosen: dict[Split, list[ImageGroup]] = {}
    for split, number in wanted.items():
        chosen[split] = _about(left, number, round(number * labelled / total)) if number else []
        left = _without(left, chosen[split])
    return chosen


def _about(groups: Sequence[ImageGroup], number: int, annotated: int) -> list[ImageGroup]:
    """The best of a few choices of about `number` images, about `annotated` of them annotated."""
    choices: list[list[ImageGroup]] = []
    for pool in (list(groups), _without(groups, _one_of_each_class(groups))):
        for start in range(0, len(pool), max(1, -(-len(pool) // _TRIES))):
            choices += _choices(pool[start:] + pool[:start], number, annotated, spare=len(pool) == len(groups))
    best = min(choices, key=lambda choice: _badness(groups, choice, number, annotated))
    return best if len(best) < len(groups) else []


def _choices(
    groups: Sequence[ImageGroup], number: int, annotated: int, *, spare: bool
) -> tuple[list[ImageGroup], list[ImageGroup]]:
    """One that is as close to `number` as can be, and one that holds about `annotated` annotated images first."""
    labelled = [g for g in groups if g.annotated]
    front = _closest(labelled, annotated, lambda g: g.annotated, spare=len(labelled) > 1)
    unlabelled = [g for g in groups if not g.annotated]
    close = _closest(front + unlabelled + _without(labelled, front), number, _size, spare=spare)
    rest = number - sum(map(_size, front))
    filling = _closest(unlabelled, rest, _size, spare=False) if rest > 0 else []
    return close, front + filling


def _badness(
    groups: Sequence[ImageGroup], choice: Sequence[ImageGroup], number: int, annotated: int
) -> tuple[bool, bool, int, int, int]:
    """How far `choice` is from what is wanted; the least is the best."""
    left = _without(groups, choice)
    blind = not _annotated(choice) or not _annotated(left)
    lost = len(_classes(groups)) - len(_classes(left))
    off = abs(sum(map(_size, choice)) - number)
    return not choice or not left, blind, lost, off, abs(_annotated(choice) - annotated)


def _size(group: ImageGroup) -> int:
    return len(group.images)


def _annotated(groups: Sequence[ImageGroup]) -> int:
    return sum(g.annotated for g in groups)


def _classes(groups: Sequence[ImageGroup]) -> frozenset[int]:
    return frozenset().union(*(g.categories for g in groups))


def _without(groups: Sequence[ImageGroup], some: Sequence[ImageGroup]) -> list[ImageGroup]:
    gone = set(some)
    return [g for g in groups if g not in gone]


def _one_of_each_class(groups: Sequence[ImageGroup]) -> list[ImageGroup]:
    """Groups that show every class, found for the rarest class first; large groups are preferred."""
    counts = Counter(category for group in groups for category in group.categories)
    kept: list[ImageGroup] = []
    for category in sorted(counts, key=lambda c: (counts[c], c)):
        if not any(category in group.categories for group in kept):
            kept.append(max((g for g in groups if category in g.categories), key=lambda g: g.annotated))
    return kept


def _closest(
    groups: Sequence[ImageGroup], target: int, weight: Callable[[ImageGroup], int], *, spare: bool
) -> list[ImageGroup]:
    """Groups, one at least, whose weights (from 1) add up as close to `target` as can be; the smaller of two sums.

    Args:
        spare: at least one group is left; of a single group, none is chosen then.
    """
    weights = [weight(g) for g in groups]
    last = _sums(weights, max(target, 1))
    allowed = set(last) - ({sum(weights)} if spare else set())
    best = min(allowed, key=lambda s: (abs(s - target), s), default=0)
    picked = []
    while best:
        picked.append(groups[last[best]])
        best -= weights[last[best]]
    return picked[::-1]


def _sums(weights: Sequence[int], target: int) -> dict[int, int]:
    """Sums that a choice of `weights` has, up to the first beyond `target`, each with the last weight it needs.

    Subset sums with a bit for each (Bellman 1957, chapter 1): a sum is noted when the first weights reach it, so what
    is left of it without its last weight was reached by weights before that one.
    """
    limit = (1 << (target + max(weights, default=0) + 1)) - 1
    bits, last = 1, {}
    for position, weight in enumerate(weights):
        new = (bits << weight) & ~bits & limit
        bits |= new
        while new:
            low = new & -new
            last[low.bit_length() - 1] = position
            new ^= low
        if target in last and position < len(weights) - 1:
            break  # exactly what is wanted, and something is left
    return last
