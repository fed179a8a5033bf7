"""Pure edits: ``Annotation -> Annotation``.  Nothing here knows of views, stores or undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask


def add(annotation: Annotation, *instances: Instance) -> Annotation:
    """Put `instances` on top.  An image with an object is not a negative."""
    if not instances:
        return annotation
    return replace(annotation, instances=annotation.instances + instances, negative=False)


def remove(annotation: Annotation, instance_ids: Iterable[str]) -> Annotation:
    """Take the named instances away; unknown ids are ignored."""
    gone = set(instance_ids)
    kept = tuple(i for i in annotation.instances if i.id not in gone)
    return replace(annotation, instances=kept)


def replaced(annotation: Annotation, instance: Instance) -> Annotation:
    """`instance` in the place of the one with the same id.

    Raises:
        KeyError: when there is none.
    """
    annotation.get(instance.id)
    instances = tuple(instance if i.id == instance.id else i for i in annotation.instances)
    return replace(annotation, instances=instances)


def set_mask(annotation: Annotation, instance_id: str, mask: Mask) -> Annotation:
    """Give an instance other pixels; an instance left without any is removed."""
    instance = annotation.get(instance_id)
    if mask.is_empty:
        return remove(annotation, [instance_id])
    if mask == instance.mask:
        return annotation
    return replaced(annotation, instance.with_mask(mask))


def paint(annotation: Annotation, instance_id: str, stroke: Mask) -> Annotation:
    """Add `stroke` to an instance."""
    return set_mask(annotation, instance_id, _mask_of(annotation, instance_id) | stroke)


def erase(annotation: Annotation, instance_id: str, stroke: Mask) -> Annotation:
    """Take `stroke` from an instance; also how a hole is cut."""
    return set_mask(annotation, instance_id, _mask_of(annotation, instance_id) - stroke)


def fill_hole(annotation: Annotation, instance_id: str, x: int, y: int) -> Annotation:
    """Fill the hole of an instance that contains pixel ``(x, y)``; no hole there, no change."""
    mask = _mask_of(annotation, instance_id)
    hole = mask.hole_at(x, y)
    return annotation if hole is None else set_mask(annotation, instance_id, mask | hole)


def reshape(annotation: Annotation, instance_ids: Iterable[str], change: Callable[[Mask], Mask]) -> Annotation:
    """Put the masks of the named instances through `change`; one that would lose its last pixel stays as it is."""
    for instance_id in instance_ids:
        mask = change(_mask_of(annotation, instance_id))
        if not mask.is_empty:
            annotation = set_mask(annotation, instance_id, mask)
    return annotation


def set_category(annotation: Annotation, instance_ids: Iterable[str], category_id: int) -> Annotation:
    """Relabel the named instances."""
    chosen = set(instance_ids)
    instances = tuple(replace(i, category_id=category_id) if i.id in chosen else i for i in annotation.instances)
    return replace(annotation, instances=instances)


def set_negative(annotation: Annotation, negative: bool) -> Annotation:
    """Mark an image "nothing here", or take the mark away.

    Raises:
        ValueError: when an image with objects is to be marked.
    """
    if negative and annotation.instances:
        raise ValueError("an image with objects cannot be marked as showing nothing")
    return replace(annotation, negative=negative)


def _mask_of(annotation: Annotation, instance_id: str) -> Mask:
    mask = annotation.get(instance_id).mask
    return mask if mask is not None else Mask.empty(annotation.height, annotation.width)
