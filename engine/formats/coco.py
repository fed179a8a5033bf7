"""Reading COCO instances JSON (and Segment Anything's one-image variant of it).

Polygons, uncompressed and compressed run lengths are read; ids are compared as text, since files mix 3, 3.0 and "3".
An annotation's polygons are parts of one object (their union, as pycocotools has it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.domain.annotation import BoxXYXY
from engine.domain.polygons import Ring, clean_ring
from engine.formats.coco_write import export_coco
from engine.formats.coerce import as_dict, as_items, as_key, as_numbers, as_size, as_text, is_true
from engine.formats.parsed import FileFormat, ParsedFile, ParsedImage, ParsedRegion
from engine.formats.report import FindingLog

__all__ = ["export_coco", "is_coco", "parse_coco"]

_NAMELESS = "an image without a name"


def is_coco(data: Any) -> bool:
    """Whether a parsed JSON is a COCO data set or a Segment Anything file."""
    if not isinstance(data, dict):
        return False
    return isinstance(data.get("images"), list) or is_segment_anything(data)


def is_segment_anything(data: Mapping[str, Any]) -> bool:
    """Whether a parsed JSON is a Segment Anything (SA-1B) file: one image, annotations without classes."""
    return isinstance(data.get("image"), dict) and isinstance(data.get("annotations"), list)


def parse_coco(data: Mapping[str, Any], log: FindingLog) -> ParsedFile:
    """What a COCO JSON says; `data` passed :func:`is_coco`.  What cannot be read goes to `log`."""
    single = is_segment_anything(data) and not isinstance(data.get("images"), list)
    records = [as_dict(data["image"])] if single else [as_dict(image) for image in data["images"]]
    names = {_image_id(r): as_file_name(r) for r in records}
    categories = _categories(data)
    regions: dict[str, list[ParsedRegion]] = {}
    for annotation in map(as_dict, as_items(data.get("annotations"))):
        image_id = _image_id(records[0]) if single else as_key(annotation.get("image_id"))
        if image_id not in names:
            log.add("skipped", "{n} annotation{s} {was} skipped: the image it belongs to is not in the file")
            continue
        region = _region(annotation, categories, names[image_id] or _NAMELESS, log)
        if region is not None:
            regions.setdefault(image_id, []).append(region)
    images = _images(records, regions, log)
    file_format = FileFormat.SEGMENT_ANYTHING if single else FileFormat.COCO
    return ParsedFile(file_format, images, class_order=tuple(dict.fromkeys(filter(None, categories.values()))))


def as_file_name(record: Mapping[str, Any]) -> str:
    """An image record's file name, "" when it has none."""
    name = record.get("file_name")
    return name if isinstance(name, str) else ""


def _image_id(record: Mapping[str, Any]) -> str:
    return as_key(record.get("id", record.get("image_id")))


def _categories(data: Mapping[str, Any]) -> dict[str, str]:
    """Category id -> name, in the order of the file."""
    records = map(as_dict, as_items(data.get("categories")))
    return {as_key(r.get("id")): as_text(r.get("name")) for r in records if as_key(r.get("id"))}


def _images(
    records: list[dict[str, Any]], regions: dict[str, list[ParsedRegion]], log: FindingLog
) -> tuple[ParsedImage, ...]:
    images, seen = [], set()
    for record in records:
        image_id, name = _image_id(record), as_file_name(record)
        if not name.strip():
            log.add("skipped", "{n} image{s} {was} skipped: the file gives no file name")
            continue
        if image_id in seen:
            log.add("skipped", "{n} image{s} {was} skipped: another image of the file has the same id", image=name)
            continue
        seen.add(image_id)
        height, width = as_size(record.get("height")), as_size(record.get("width"))
        size = (height, width) if height and width else None
        negative = record.get("negative") is True and image_id not in regions
        images.append(ParsedImage(name, tuple(regions.get(image_id, ())), size=size, negative=negative))
    return tuple(images)


def _region(
    annotation: dict[str, Any], categories: Mapping[str, str], image: str, log: FindingLog
) -> ParsedRegion | None:
    if is_true(annotation.get("iscrowd")):
        log.add("skipped", "{n} crowd{s} {was} skipped: a crowd is not one object", image=image)
        return None
    if "segments_info" in annotation:
        log.add("skipped", "{n} panoptic segmentation{s} {was} skipped: only instances can be read", image=image)
        return None
    label = _label(annotation, categories)
    if label is None:
        log.add("skipped", "{n} annotation{s} {was} skipped: the category is not declared in the file", image=image)
        return None
    region = _shape(annotation, label, image, log)
    if region is None:
        log.add("skipped", "{n} annotation{s} {was} skipped: no readable outline, mask or box", image=image)
    return region


def _label(annotation: Mapping[str, Any], categories: Mapping[str, str]) -> str | None:
    """The class name; "" when neither annotation nor file knows classes; None when it is not declared."""
    key = as_key(annotation.get("category_id"))
    if categories:
        return categories.get(key) or None
    return f"class {key}" if key else ""


def _shape(annotation: dict[str, Any], label: str, image: str, log: FindingLog) -> ParsedRegion | None:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict) and "counts" in segmentation:
        return ParsedRegion(rle=segmentation, label=label)
    outlines, lost = _outlines(segmentation)
    if outlines:
        log.add("warning", "{n} outline{s} of objects with several {was} unreadable", image=image, count=lost)
        return ParsedRegion(outlines=outlines, label=label)
    box = _box(annotation.get("bbox"))
    return None if box is None else ParsedRegion(box_xyxy=box, label=label)


def _outlines(segmentation: Any) -> tuple[tuple[Ring, ...], int]:
    """Rings of a polygon list (a flat list of numbers and lists of points too), and how many were unreadable."""
    if not isinstance(segmentation, list) or not segmentation:
        return (), 0
    parts = segmentation if isinstance(segmentation[0], list) else [segmentation]
    if len(parts) >= 3 and all(isinstance(p, list) and len(p) == 2 for p in parts):
        parts = [parts]  # one polygon as [[x, y], ...]
    rings = tuple(ring for ring in map(_ring, parts) if ring)
    return rings, len(parts) - len(rings)


def _ring(part: Any) -> Ring:
    if isinstance(part, list) and part and all(isinstance(point, list) and len(point) == 2 for point in part):
        part = [v for point in part for v in point]
    numbers = as_numbers(part)
    if not numbers or len(numbers) % 2:
        return ()
    return clean_ring(zip(numbers[::2], numbers[1::2], strict=True))


def _box(value: Any) -> BoxXYXY | None:
    """``[x, y, width, height]`` as edges."""
    numbers = as_numbers(value)
    if numbers is None or len(numbers) != 4:
        return None
    x, y, width, height = numbers
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None
