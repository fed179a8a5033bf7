"""Edits in which objects meet: merged, intersected, split, copied, or giving way to each other."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from engine.domain import edits, reshape
from engine.domain.annotation import Annotation, BoxXYXY, Instance, new_instance_id
from engine.domain.mask import Mask, boxes_touch
from engine.errors import DataError


class Overlap(StrEnum):
    """What painting does where other objects lie."""

    ALLOW = "allow"  # objects may share pixels
    TAKE = "take"  # the others lose them
    LEAVE = "leave"  # the others keep them, and the painted object does not get them


# --- several become one ---------------------------------------------------------------------------------------------


def merge(annotation: Annotation, instance_ids: Iterable[str]) -> Annotation:
    """One object of all pixels of the named ones; it is the lowest of them, the others are gone.

    A hole stays a hole unless another of them lies in it.

    Raises:
        DataError: when they are fewer than two, or of several classes.
    """
    return _united(annotation, instance_ids, operator.or_)


def intersect(annotation: Annotation, instance_ids: Iterable[str]) -> Annotation:
    """One object of the pixels that all the named ones share.

    Raises:
        DataError: when they are fewer than two, of several classes, or share no pixel.
    """
    return _united(annotation, instance_ids, operator.and_)


def _united(annotation: Annotation, instance_ids: Iterable[str], join: Callable[[Mask, Mask], Mask]) -> Annotation:
    chosen = set(instance_ids)
    instances = [i for i in annotation if i.id in chosen]
    masks = [i.mask for i in instances if i.mask is not None]
    if len(masks) < 2:
        raise DataError("This takes two selected objects or more.", hint="Shift+click selects more.")
    if len({i.category_id for i in instances}) > 1:
        raise DataError("Only objects of one class can become one.", hint="Give them the same class first (1 to 9).")
    mask = functools.reduce(join, masks)
    if mask.is_empty:
        raise DataError("The selected objects share no pixel.")
    first, *others = instances
    return edits.set_mask(edits.remove(annotation, [i.id for i in others]), first.id, mask)


# --- one becomes two ------------------------------------------------------------------------------------------------


def split(
    annotation: Annotation, instance_id: str, a: tuple[float, float], b: tuple[float, float]
) -> tuple[Annotation, str] | None:
    """Part an instance along the segment from `a` to `b`; gives the id of the new, smaller one, which lies above it.

    None when the segment does not part it (:func:`engine.domain.reshape.split`).
    """
    instance = annotation.get(instance_id)
    pieces = reshape.split(instance.mask, a, b) if instance.mask is not None else None
    if pieces is None:
        return None
    larger, smaller = (instance.with_mask(piece) for piece in pieces)
    new = replace(smaller, id=new_instance_id())
    at = annotation.instances.index(instance)
    instances = (*annotation.instances[:at], larger, new, *annotation.instances[at + 1 :])
    return replace(annotation, instances=instances), new.id


# --- giving way -----------------------------------------------------------------------------------------------------


def give_way(annotation: Annotation, area: Mask, *, keepers: Collection[str]) -> Annotation:
    """Every object but `keepers` loses `area`; one that is left without a pixel is removed."""
    left = []
    for instance in annotation:
        if instance.id in keepers or not _shares(instance, area):
            left.append(instance)
            continue
        mask = instance.mask - area if instance.mask is not None else None
        if mask is not None and not mask.is_empty:
            left.append(instance.with_mask(mask))
    return replace(annotation, instances=tuple(left))


def take_from_others(annotation: Annotation, instance_ids: Iterable[str]) -> Annotation:
    """The named objects keep their pixels, all others lose them."""
    chosen = set(instance_ids)
    masks = [i.mask for i in annotation if i.id in chosen and i.mask is not None]
    return give_way(annotation, Mask.union_of(masks, annotation.height, annotation.width), keepers=chosen)


def free_part(annotation: Annotation, area: Mask, *, keepers: Collection[str]) -> Mask:
    """The part of `area` on which no object but `keepers` lies."""
    for instance in annotation:
        if instance.id not in keepers and instance.mask is not None and _shares(instance, area):
            area = area - instance.mask
    return area


def _shares(instance: Instance, area: Mask) -> bool:
    if instance.mask is None or not boxes_touch(instance.box_xyxy, area.box):
        return False
    return instance.mask.intersection_area(area) > 0


# --- copies ---------------------------------------------------------------------------------------------------------


def copies(instances: Sequence[Instance], height: int, width: int, *, dx: int = 0, dy: int = 0) -> tuple[Instance, ...]:
    """New objects like `instances`, moved by whole pixels, in an image of `height` x `width`.

    What leaves the image is cut, and what is cut altogether is left out.  A copy is a person's, whatever its original
    was predicted or imported from.
    """
    made = (_copy(i, height, width, dx, dy) for i in instances)
    return tuple(copy for copy in made if copy is not None)


def _copy(instance: Instance, height: int, width: int, dx: int, dy: int) -> Instance | None:
    if instance.mask is not None:
        mask = instance.mask.translated(dx, dy, height, width)
        return None if mask.is_empty else Instance.from_mask(mask, instance.category_id)
    x0, y0, x1, y1 = instance.box_xyxy
    box: BoxXYXY = (max(0.0, x0 + dx), max(0.0, y0 + dy), min(float(width), x1 + dx), min(float(height), y1 + dy))
    return Instance(new_instance_id(), instance.category_id, box) if box[0] < box[2] and box[1] < box[3] else None
