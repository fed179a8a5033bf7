"""From what a file says about an object to the object's pixels on one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.domain.annotation import BoxXYXY, box_of
from engine.domain.mask import Mask
from engine.domain.polygons import Ring, RingFault, outline_mask, ring_fault, split_keyhole
from engine.formats.coerce import as_numbers
from engine.formats.nesting import nested_holes
from engine.formats.orientation import Turn
from engine.formats.parsed import ParsedRegion
from engine.formats.report import FindingLog


@dataclass(frozen=True, slots=True)
class Shape:
    """An object on a picture.

    Attributes:
        box_xyxy: tight box of the mask, or the box itself in a boxes-only project.
        mask: None in a boxes-only project.
    """

    box_xyxy: BoxXYXY
    mask: Mask | None


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture the regions of a file are put on.

    Attributes:
        name: for the report.
        height, width: of the picture as it is shown.
        turn: set when the file's coordinates belong to the stored pixels (EXIF orientation not applied).
        boxes_only: boxes are wanted instead of masks.
        nested_as_holes: an outline inside another one of the same object is its hole.
    """

    name: str
    height: int
    width: int
    turn: Turn | None = None
    boxes_only: bool = False
    nested_as_holes: bool = False


# --- one region -----------------------------------------------------------------------------------------------------


def shape_on(region: ParsedRegion, canvas: Canvas, log: FindingLog) -> Shape | None:
    """The object's pixels (or its box) on the picture; None, with the reason in `log`, when nothing is left of it."""
    if region.rle is not None:
        return _shape_of_mask(_decoded(region.rle, canvas, log), canvas, log)
    if region.box_xyxy is not None:
        return _boxed(region.box_xyxy, canvas, log)
    return _outlined(region.outlines, canvas, log)


def _shape_of_mask(mask: Mask | None, canvas: Canvas, log: FindingLog) -> Shape | None:
    if mask is None:
        return None
    if mask.is_empty:
        _skip("the mask has no pixel", canvas, log)
        return None
    return Shape(box_of(mask), None if canvas.boxes_only else mask)


def _decoded(rle: Mapping[str, Any], canvas: Canvas, log: FindingLog) -> Mask | None:
    """The mask of untrusted run lengths: the size is compared before anything of that size is made."""
    size = as_numbers(rle.get("size"))
    turn = canvas.turn
    wanted = (turn.height, turn.width) if turn else (canvas.height, canvas.width)
    if size is None or tuple(size) != wanted:
        told = f"{size[1]:g} x {size[0]:g}" if size and len(size) == 2 else "unreadable"
        _skip(f"the mask's size is {told}, the picture has {wanted[1]} x {wanted[0]}", canvas, log)
        return None
    counts = rle.get("counts")
    if isinstance(counts, list):
        counts = [int(c) for c in as_numbers(counts) or ()]
    try:
        if not isinstance(counts, list | str):
            raise ValueError("counts are neither a list nor a string")
        mask = Mask.from_coco({"size": list(wanted), "counts": counts})
    except (ValueError, OverflowError):  # UnicodeError is a ValueError
        _skip("the mask's run lengths are damaged", canvas, log)
        return None
    return turn.mask(mask) if turn else mask


def _boxed(box: BoxXYXY, canvas: Canvas, log: FindingLog) -> Shape | None:
    x0, y0, x1, y1 = canvas.turn.box(box) if canvas.turn else box
    height, width = canvas.height, canvas.width
    cut = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        outside = x1 > x0 and y1 > y0
        _skip("it lies outside the image" if outside else RingFault.NO_AREA, canvas, log)
        return None
    mask = None if canvas.boxes_only else Mask.from_box(cut, height, width)
    if mask is not None and mask.is_empty:
        _skip("it is smaller than a pixel", canvas, log)
        return None
    _tell_border((x0, y0, x1, y1), canvas, log)
    if mask is not None:
        log.add("note", "{n} region{s} {is} only a box: all of its area became the mask", image=canvas.name)
    return Shape(cut if mask is None else box_of(mask), mask)


def _outlined(outlines: tuple[Ring, ...], canvas: Canvas, log: FindingLog) -> Shape | None:
    rings = [canvas.turn.ring(ring) for ring in outlines] if canvas.turn else list(outlines)
    faults = [ring_fault(ring) for ring in rings]
    usable = [r for r, fault in zip(rings, faults, strict=True) if fault in (None, RingFault.SELF_CROSSING)]
    if not usable:
        _skip(next((f"it has {f}" for f in faults if f), RingFault.NO_AREA), canvas, log)
        return None
    masks = [outline_mask(ring, canvas.height, canvas.width) for ring in usable]
    mask = _combined(masks, canvas, log)
    extent = ParsedRegion(outlines=tuple(usable)).extent
    if mask.is_empty:
        _skip(_why_empty(extent, canvas), canvas, log)
        return None
    if len(usable) < len(rings):
        log.add("warning", "{n} object{s} lost an outline of no area", image=canvas.name)
    _tell_outline(usable, faults, mask, canvas, log)
    _tell_border(extent, canvas, log)
    return Shape(box_of(mask), None if canvas.boxes_only else mask)


def _combined(masks: list[Mask], canvas: Canvas, log: FindingLog) -> Mask:
    """Union of an object's outlines; where asked, an outline inside another is taken out as its hole."""
    if canvas.nested_as_holes and len(masks) > 1:
        result, holes = nested_holes(masks)
        log.add("note", "{n} outline{s} inside another of the same object {was} read as holes", count=holes)
        return Mask.union_of([m for m in result if m is not None], canvas.height, canvas.width)
    return Mask.union_of(masks, canvas.height, canvas.width)


# --- telling --------------------------------------------------------------------------------------------------------


def _skip(reason: str, canvas: Canvas, log: FindingLog) -> None:
    log.add("skipped", f"{{n}} region{{s}} {{was}} skipped: {reason}", image=canvas.name)


def _why_empty(extent: BoxXYXY, canvas: Canvas) -> str:
    x0, y0, x1, y1 = extent
    if x1 <= 0 or y1 <= 0 or x0 >= canvas.width or y0 >= canvas.height:
        return "it lies outside the image"
    return "it covers no pixel"


def _tell_outline(
    rings: list[Ring], faults: Iterable[RingFault | None], mask: Mask, canvas: Canvas, log: FindingLog
) -> None:
    if RingFault.SELF_CROSSING in faults:
        text = "{n} outline{s} cross{es} {self}; the area was read even-odd"
        log.add("warning", text, image=canvas.name)
    elif any(len(split_keyhole(ring)) > 1 for ring in rings) and mask.holes:
        log.add("note", "{n} outline{s} with a bridge {was} read with the hole it leads to", image=canvas.name)


def _tell_border(extent: BoxXYXY, canvas: Canvas, log: FindingLog) -> None:
    x0, y0, x1, y1 = extent
    if x0 < 0 or y0 < 0 or x1 > canvas.width or y1 > canvas.height:
        text = "{n} region{s} reach{es} beyond the image and {was} cut at its border"
        log.add("clipped", text, image=canvas.name)
    elif x1 == canvas.width or y1 == canvas.height:
        text = "{n} region{s} touch{es} the image's border (x = width or y = height) and {was} clipped"
        log.add("clipped", text, image=canvas.name)
