"""What gestures end in: one edit of the document, named for the history."""

from __future__ import annotations

from engine.domain import edits
from engine.domain.annotation import BoxXYXY, Instance, new_instance_id
from engine.domain.mask import Mask
from gui.models.document import Document


def add_object(document: Document, mask: Mask, *, verb: str = "Add") -> bool:
    """A new object of the active class, selected afterwards; False when nothing came of it."""
    annotation, category_id = document.annotation, document.active_category_id
    if annotation is None or category_id is None or mask.is_empty:
        return False
    instance = Instance.from_mask(mask, category_id)
    return _add(document, instance, verb)


def add_box(document: Document, box: BoxXYXY) -> bool:
    """A new object that has only a box."""
    if document.annotation is None or document.active_category_id is None:
        return False
    return _add(document, Instance(new_instance_id(), document.active_category_id, box), "Add")


def _add(document: Document, instance: Instance, verb: str) -> bool:
    assert document.annotation is not None
    name = document.category_name(instance.category_id)
    done = document.edit(edits.add(document.annotation, instance), f"{verb} {name}")
    if done:
        document.select([instance.id])
    return done


def paint_object(document: Document, instance: Instance, stroke: Mask) -> bool:
    """Add pixels to an object."""
    assert document.annotation is not None
    label = f"Paint {document.category_name(instance.category_id)}"
    return document.edit(edits.paint(document.annotation, instance.id, stroke), label)


def erase_object(document: Document, instance: Instance, stroke: Mask, *, verb: str = "Erase") -> bool:
    """Take pixels from an object; one that is left without any is gone."""
    assert document.annotation is not None
    label = f"{verb} {document.category_name(instance.category_id)}"
    return document.edit(edits.erase(document.annotation, instance.id, stroke), label)
