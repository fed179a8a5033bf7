"""Dividing images into training, validation and test: seeded, stored, undoable, and never changed silently.

Equal files go into one set, so that what is measured has not been learned, and so do the images of a group that a
person names (:mod:`engine.project.groups`).  Annotated and unlabelled images are divided alike, and the last image of a
class stays in training where that is possible.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.domain.annotation import Split
from engine.errors import DataError
from engine.project.records import Changed, ImageRecord
from engine.project.split_groups import ImageGroup, choose_groups, free_groups, image_group
from engine.project.store import ProjectStore


def split_counts(store: ProjectStore) -> dict[Split, int]:
    """Number of images in each set, 0 included."""
    counts = Counter(record.split for record in store.images())
    return {split: counts[split] for split in Split}


def make_split(
    store: ProjectStore,
    *,
    val: float | int,
    test: float | int = 0,
    seed: int = 0,
    only_unassigned: bool = False,
    groups: Mapping[int, str] | None = None,
) -> Changed | None:
    """Divide the project's images; the same images, groups and seed give the same sets.

    Args:
        val, test: share of the images (a float below 1) or their number (an int).
        only_unassigned: leave the images that are in a set already where they are, and divide the rest.
        groups: name of each image's group, by image id (:func:`engine.project.groups.group_names`).  A group is never
            torn: an image follows the members that stay where they are.  The groups are chosen so that the sets come
            as close to what was asked for as whole groups can: the annotated images first, then all.

    Returns:
        What changed; None when every image was in its set already.

    Raises:
        DataError: when validation or training would get no image.
    """
    chosen = planned_split(store, val=val, test=test, seed=seed, only_unassigned=only_unassigned, groups=groups)
    return apply_split(store, chosen, seed=seed)


def planned_split(
    store: ProjectStore,
    *,
    val: float | int,
    test: float | int = 0,
    seed: int = 0,
    only_unassigned: bool = False,
    groups: Mapping[int, str] | None = None,
) -> dict[int, Split]:
    """The sets that :func:`make_split` would choose with these arguments, by image id; nothing is changed.

    Raises:
        DataError: as :func:`make_split`.
    """
    records = [r for r in store.images() if not only_unassigned or r.split is Split.NONE]
    n_val, n_test = _number(val, len(records), "validation"), _number(test, len(records), "test")
    _check(len(records), n_val, n_test, only_unassigned=only_unassigned)
    if groups is None:
        chosen = _assign(_groups(store, records), n_val, n_test, seed)
        _check_kept_together(chosen)
        return chosen
    return _assign_groups(store, records, groups, n_val, n_test, seed)


def apply_split(store: ProjectStore, chosen: Mapping[int, Split], *, seed: int) -> Changed | None:
    """Store the sets that :func:`planned_split` chose with `seed`, as one step.

    Returns:
        What changed; None when every image was in its set already.
    """
    with store.change(_label(chosen, seed)) as change:
        for image_id, split in chosen.items():
            change.set_split(image_id, split)
    return change.changed


def _label(chosen: Mapping[int, Split], seed: int) -> str:
    counts = Counter(chosen.values())
    test = f", {counts[Split.TEST]} test" if counts[Split.TEST] else ""
    return f"Split: {counts[Split.VAL]} validation{test} (seed {seed})"


def _assign_groups(
    store: ProjectStore,
    records: Sequence[ImageRecord],
    names: Mapping[int, str],
    n_val: int,
    n_test: int,
    seed: int,
) -> dict[int, Split]:
    """Sets of `records`, whole groups only; members of a group that has its set already follow it."""
    groups, chosen = free_groups(store, records, names)
    counts = Counter(chosen.values())
    wanted = {Split.VAL: max(0, n_val - counts[Split.VAL]), Split.TEST: max(0, n_test - counts[Split.TEST])}
    random.Random(seed).shuffle(groups)
    chosen |= {image.id: Split.TRAIN for group in groups for image in group.images}
    for split, taken in choose_groups(groups, wanted).items():
        chosen.update((image.id, split) for group in taken for image in group.images)
    after = {record.id: record.split for record in store.images()} | chosen
    if Split.VAL not in after.values():
        raise DataError(
            "Validation would be empty: all images are in one group, which is not torn apart.",
            hint="Group the images in another way.",
        )
    return chosen


def _number(share: float | int, total: int, name: str) -> int:
    if share < 0 or (isinstance(share, float) and share >= 1):
        raise DataError(f"The {name} share must be a number of images, or a fraction from 0 to below 1; not {share}.")
    return round(share * total) if isinstance(share, float) else share


def _check(total: int, n_val: int, n_test: int, *, only_unassigned: bool) -> None:
    if not total:
        what = "without a set" if only_unassigned else "in this project"
        raise DataError(f"There is no image {what} to divide.")
    if n_val == 0:
        raise DataError(
            f"No image of {total} would be left for validation, so nothing could be measured.",
            hint="Ask for a larger share or a number of images.",
        )
    if n_val + n_test >= total:
        raise DataError(
            f"{n_val + n_test} of {total} images for validation and test leave none for training.",
            hint="Ask for fewer.",
        )


def _check_kept_together(chosen: dict[int, Split]) -> None:
    if Split.VAL not in chosen.values():
        raise DataError(
            "Validation would be empty: equal files stay together, and every group of them is larger than asked for.",
            hint="Ask for a larger share, or remove the copies.",
        )


def _groups(store: ProjectStore, records: Sequence[ImageRecord]) -> list[ImageGroup]:
    """Images by content, in an order that does not depend on when they were added."""
    together: dict[str, list[ImageRecord]] = {}
    for record in sorted(records, key=lambda r: r.path):
        together.setdefault(record.content_hash or f"path {record.path}", []).append(record)
    classes = store.categories_by_image()
    return [image_group(tuple(images), classes) for images in together.values()]


def _assign(groups: list[ImageGroup], n_val: int, n_test: int, seed: int) -> dict[int, Split]:
    random.Random(seed).shuffle(groups)
    chosen = {image.id: Split.TRAIN for group in groups for image in group.images}
    annotated = [g for g in groups if g.annotated]
    unlabelled = [g for g in groups if not g.annotated]
    in_train = Counter(category for group in annotated for category in group.categories)
    total = len(chosen)
    labelled = sum(len(g.images) for g in annotated)
    for split, wanted in ((Split.VAL, n_val), (Split.TEST, n_test)):
        share = _share(wanted, labelled, total)
        taken = _take(annotated, share, in_train, chosen, split)
        taken += _take(unlabelled, wanted - taken, in_train, chosen, split)
        _take(annotated, wanted - taken, in_train, chosen, split)
    return chosen


def _share(wanted: int, labelled: int, total: int) -> int:
    """How many of the `wanted` images are annotated ones: in proportion, and at least one when there are two."""
    if not wanted or labelled < 2:
        return 0
    return min(max(1, round(wanted * labelled / total)), labelled - 1, wanted)


def _take(groups: list[ImageGroup], wanted: int, in_train: Counter[int], chosen: dict[int, Split], split: Split) -> int:
    """Move up to `wanted` images from `groups` into `split`, classes about to vanish from training last."""
    taken = 0
    for spare_rare in (True, False):
        for group in list(groups):
            rare = any(in_train[category] <= 1 for category in group.categories)
            if taken + len(group.images) > wanted or (spare_rare and rare):
                continue
            groups.remove(group)
            in_train.subtract(group.categories)
            chosen.update((image.id, split) for image in group.images)
            taken += len(group.images)
    return taken
