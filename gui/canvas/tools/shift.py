"""Moving instances as a whole: shared by the select and the box tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.domain.annotation import Annotation, BoxXYXY, Instance, Origin


def clamped_shift(instances: Sequence[Instance], dx: float, dy: float, width: int, height: int) -> tuple[int, int]:
    """The nearest whole-pixel shift that keeps every box inside the image, so that moving never cuts anything off."""
    x0 = min(i.box_xyxy[0] for i in instances)
    y0 = min(i.box_xyxy[1] for i in instances)
    x1 = max(i.box_xyxy[2] for i in instances)
    y1 = max(i.box_xyxy[3] for i in instances)
    return (
        round(min(max(dx, -x0), max(width - x1, -x0))),
        round(min(max(dy, -y0), max(height - y1, -y0))),
    )


def shifted(instance: Instance, dx: int, dy: int) -> Instance:
    """The same object elsewhere."""
    if instance.mask is not None:
        return instance.with_mask(instance.mask.translated(dx, dy))
    return with_box(instance, _moved(instance.box_xyxy, dx, dy))


def with_box(instance: Instance, box: BoxXYXY) -> Instance:
    """An instance without a mask in another box; a prediction that is changed counts as corrected."""
    origin = Origin.CORRECTED if instance.origin is Origin.MODEL else instance.origin
    return replace(instance, box_xyxy=box, origin=origin)


def replacing(annotation: Annotation, instances: Sequence[Instance]) -> Annotation:
    """`annotation` with each of `instances` in the place of the one with its id."""
    new = {i.id: i for i in instances}
    return replace(annotation, instances=tuple(new.get(i.id, i) for i in annotation))


def _moved(box: BoxXYXY, dx: float, dy: float) -> BoxXYXY:
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy
