"""What gestures end in: one edit of the document, named for the history."""

from __future__ import annotations

from engine.domain import combine, edits
from engine.domain.annotation import BoxXYXY, Instance, new_instance_id
from engine.domain.combine import Overlap
from engine.domain.mask import Mask
from gui.models.document import Document

ALL_TAKEN = "Other objects lie here, and painting leaves them their pixels"


def allowed(document: Document, area: Mask, instance: Instance | None, overlap: Overlap) -> Mask:
    """The part of `area` that `instance` (None: a new object) may have beside the other objects."""
    if overlap is not Overlap.LEAVE or document.annotation is None:
        return area
    return combine.free_part(document.annotation, area, keepers=[instance.id] if instance is not None else [])


def add_object(document: Document, mask: Mask, *, verb: str = "Add", overlap: Overlap = Overlap.ALLOW) -> bool:
    """A new object of the active class, selected afterwards; False when nothing came of it.

    With :attr:`Overlap.TAKE` the others lose its pixels in the same step; for :attr:`Overlap.LEAVE` ask
    :func:`allowed` before.
    """
    annotation, category_id = document.annotation, document.active_category_id
    if annotation is None or category_id is None or mask.is_empty:
        return False
    instance = Instance.from_mask(mask, category_id)
    return _add(document, instance, verb, taking=mask if overlap is Overlap.TAKE else None)


def add_box(document: Document, box: BoxXYXY) -> bool:
    """A new object that has only a box."""
    if document.annotation is None or document.active_category_id is None:
        return False
    return _add(document, Instance(new_instance_id(), document.active_category_id, box), "Add")


def _add(document: Document, instance: Instance, verb: str, *, taking: Mask | None = None) -> bool:
    assert document.annotation is not None
    after = edits.add(document.annotation, instance)
    if taking is not None:
        after = combine.give_way(after, taking, keepers=[instance.id])
    done = document.edit(after, f"{verb} {document.category_name(instance.category_id)}")
    if done:
        document.select([instance.id])
    return done


def paint_object(document: Document, instance: Instance, stroke: Mask, *, overlap: Overlap = Overlap.ALLOW) -> bool:
    """Add pixels to an object; `overlap` as in :func:`add_object`."""
    assert document.annotation is not None
    after = edits.paint(document.annotation, instance.id, stroke)
    if overlap is Overlap.TAKE:
        after = combine.give_way(after, stroke, keepers=[instance.id])
    return document.edit(after, f"Paint {document.category_name(instance.category_id)}")


def keep_inside(document: Document, instance: Instance, area: Mask) -> bool:
    """Take from an object what lies outside of `area`; False when that would be all of it."""
    assert document.annotation is not None
    inside = instance.mask & area if instance.mask is not None else area
    if inside.is_empty:
        return False
    label = f"Cut down {document.category_name(instance.category_id)}"
    document.edit(edits.set_mask(document.annotation, instance.id, inside), label)
    return True


def erase_object(document: Document, instance: Instance, stroke: Mask, *, verb: str = "Erase") -> bool:
    """Take pixels from an object; one that is left without any is gone."""
    assert document.annotation is not None
    label = f"{verb} {document.category_name(instance.category_id)}"
    return document.edit(edits.erase(document.annotation, instance.id, stroke), label)
