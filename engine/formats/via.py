"""Reading VIA 1.x and 2.x (VGG Image Annotator): annotation JSON, project JSON and CSV.

Facts from ox-vgg/via's source: the annotation JSON is the bare ``_via_img_metadata`` of a project, keyed by file name
and size; 1.x holds regions in a dict, 2.x in a list; a checkbox attribute is a dict of booleans; an ellipse's theta is
in radians.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.domain.geometry import ellipse_points
from engine.domain.polygons import Ring, clean_ring
from engine.errors import FormatError
from engine.formats.coerce import as_dict, as_items, as_number, as_numbers, as_text, is_true
from engine.formats.parsed import FileFormat, ParsedFile, ParsedImage, ParsedRegion
from engine.formats.report import FindingLog
from engine.formats.via_write import write_via

__all__ = ["is_via", "parse_via", "parse_via_csv", "write_via"]

_LARGEST_RADIUS = 1e6
_KEY = re.compile(r"(?P<name>.*\.[A-Za-z]{2,5})(?P<size>-?\d+)?", re.DOTALL)
_MOST_CSV_FIELD = 50_000_000


def is_via(data: Any) -> bool:
    """Whether a parsed JSON is a VIA project or annotation file."""
    if not isinstance(data, dict):
        return False
    if "_via_img_metadata" in data:
        return True
    return any(isinstance(entry, dict) and "regions" in entry for entry in data.values())


def parse_via(data: Mapping[str, Any], log: FindingLog) -> ParsedFile:
    """What a VIA JSON says; `data` passed :func:`is_via`.  Regions that cannot be read go to `log`."""
    project = "_via_img_metadata" in data
    entries = as_dict(data["_via_img_metadata"]) if project else data
    images = []
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            log.add("skipped", "{n} entr{ies} {was} skipped: not what VIA writes for an image", image=as_text(key))
            continue
        images.append(_image(key, entry, log))
    declared = _declared(as_dict(as_dict(data.get("_via_attributes")).get("region"))) if project else {}
    return ParsedFile(FileFormat.VIA_PROJECT if project else FileFormat.VIA_JSON, tuple(images), declared=declared)


def _image(key: str, entry: dict[str, Any], log: FindingLog) -> ParsedImage:
    name = entry.get("filename")
    if not isinstance(name, str) or not name.strip():
        match = _KEY.fullmatch(key)
        name = match["name"] if match else key
    regions = [_region(as_dict(region), name, log) for region in as_items(entry.get("regions"))]
    return ParsedImage(name, tuple(r for r in regions if r is not None), _byte_size(entry.get("size")))


def _byte_size(value: Any) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and number > 0 else None


def _declared(attributes: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Attributes with options -> the options' names."""
    declared = {}
    for name, attribute in attributes.items():
        options = tuple(filter(None, (as_text(option) for option in as_dict(as_dict(attribute).get("options")))))
        if as_text(name):
            declared[as_text(name)] = options
    return declared


def _region(region: dict[str, Any], image: str, log: FindingLog) -> ParsedRegion | None:
    shape = as_dict(region.get("shape_attributes"))
    attributes = {as_text(k): _chosen(v) for k, v in as_dict(region.get("region_attributes")).items()}
    attributes = {name: values for name, values in attributes.items() if name and values}
    kind = _shape_name(shape)
    if kind in ("polyline", "point"):
        log.add("skipped", f"{{n}} {kind}{{s}} {{was}} ignored: a {kind} has no area", image=image)
    elif kind == "rect":
        box = as_numbers([shape.get(k) for k in ("x", "y", "width", "height")])
        if box is not None:
            x, y, width, height = box
            edges = (min(x, x + width), min(y, y + height), max(x, x + width), max(y, y + height))
            return ParsedRegion(box_xyxy=edges, attributes=attributes)
        _unreadable(image, log)
    elif kind in ("polygon", "circle", "ellipse"):
        ring = _polygon(shape) if kind == "polygon" else _ellipse(shape)
        if ring is not None:
            return ParsedRegion(outlines=(ring,), attributes=attributes)
        _unreadable(image, log)
    else:
        what = f"the shape “{kind}” is not known" if kind else "no shape is given"
        log.add("skipped", f"{{n}} region{{s}} {{was}} skipped: {what}", image=image)
    return None


def _unreadable(image: str, log: FindingLog) -> None:
    log.add("skipped", "{n} region{s} {was} skipped: the coordinates cannot be read", image=image)


def _shape_name(shape: dict[str, Any]) -> str:
    name = as_text(shape.get("name")).lower()
    if not name and "all_points_x" in shape:
        return "polygon"
    if not name and "width" in shape:
        return "rect"
    return {"rectangle": "rect", "polygone": "polygon"}.get(name, name)


def _polygon(shape: dict[str, Any]) -> Ring | None:
    xs, ys = as_numbers(shape.get("all_points_x")), as_numbers(shape.get("all_points_y"))
    if xs is None or ys is None or len(xs) != len(ys):
        return None
    return clean_ring(zip(xs, ys, strict=True))


def _ellipse(shape: dict[str, Any]) -> Ring | None:
    radii = ("r", "r") if "r" in shape else ("rx", "ry")
    numbers = as_numbers([shape.get("cx"), shape.get("cy"), *(shape.get(r) for r in radii), shape.get("theta", 0.0)])
    if numbers is None:
        return None
    cx, cy, rx, ry, theta = numbers
    if not (0 <= rx <= _LARGEST_RADIUS and 0 <= ry <= _LARGEST_RADIUS):
        return None
    return clean_ring(ellipse_points(cx, cy, rx, ry, theta).tolist())


def _chosen(value: Any) -> tuple[str, ...]:
    """The values of an attribute: one for text, radio and dropdown; those that are ticked of a checkbox dict."""
    if isinstance(value, dict):
        return tuple(filter(None, (as_text(option) for option, ticked in value.items() if is_true(ticked))))
    values = value if isinstance(value, list) else [value]
    return tuple(filter(None, map(as_text, values)))


# --- CSV ------------------------------------------------------------------------------------------------------------


def parse_via_csv(text: str, log: FindingLog) -> ParsedFile:
    """What a VIA CSV says: one row per region, JSON in its cells.

    Raises:
        FormatError: when the header is not VIA's.
    """
    rows = _rows(text)
    header = [as_text(cell).lstrip("#").strip().lower() for cell in rows[0]] if rows else []
    if not {"filename", "region_shape_attributes"} <= set(header):
        raise FormatError("This CSV is not VIA's.", hint="Its header has filename and region_shape_attributes.")
    grouped: dict[tuple[str, int | None], list[ParsedRegion]] = {}
    for row in rows[1:]:
        cells = dict(zip(header, row, strict=False))
        name = cells.get("filename", "").strip()
        if not name:
            continue
        regions = grouped.setdefault((name, _byte_size(cells.get("file_size"))), [])
        region = _csv_region(cells, name, log)
        if region is not None:
            regions.append(region)
    images = tuple(ParsedImage(name, tuple(regions), size) for (name, size), regions in grouped.items())
    return ParsedFile(FileFormat.VIA_CSV, images)


def _rows(text: str) -> list[list[str]]:
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    limit = csv.field_size_limit(_MOST_CSV_FIELD)  # a long polygon exceeds the default of 131,072 characters
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise FormatError(f"This CSV cannot be read: {error}.") from error
    finally:
        csv.field_size_limit(limit)


def _csv_region(cells: Mapping[str, str], name: str, log: FindingLog) -> ParsedRegion | None:
    shape, attributes = (_cell(cells.get(k)) for k in ("region_shape_attributes", "region_attributes"))
    if shape is None:
        _unreadable(name, log)
        return None
    if not shape and cells.get("region_count", "0").strip() in ("", "0"):
        return None  # the row of an image without regions
    return _region({"shape_attributes": shape, "region_attributes": attributes or {}}, name, log)


def _cell(text: str | None) -> dict[str, Any] | None:
    """JSON of a cell: {} when it is empty, None when it is damaged."""
    if not text or not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def attribute_values(images: Iterable[ParsedImage]) -> dict[str, dict[str, int]]:
    """Region attribute -> value -> how many regions have it."""
    found: dict[str, dict[str, int]] = {}
    for image in images:
        for region in image.regions:
            for name, values in region.attributes.items():
                counts = found.setdefault(name, {})
                for value in values:
                    counts[value] = counts.get(value, 0) + 1
    return found
