"""Writing VIA 2.x annotation JSON: one polygon per instance, holes and parts joined by zero-width bridges."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.domain.outlines import mask_polygons
from engine.domain.polygons import Ring, keyhole, simplified
from engine.formats.atomic import atomic_text
from engine.formats.coco_write import file_names
from engine.formats.report import ExportReport
from engine.project.store import ProjectStore

CLASS_ATTRIBUTE = "class"


def write_via(
    images: Iterable[tuple[str, int, Annotation]],
    categories: Mapping[int, str],
    out: Path,
    *,
    tolerance: float = 0.0,
) -> ExportReport:
    """Write annotations as a VIA 2.x annotation JSON (the bare ``_via_img_metadata`` dict).

    A mask becomes one polygon along its pixels' borders; read even-odd (as Maskwright and matterport's samples do) it
    gives the same pixels.  The class goes to the region attribute "class".

    Args:
        images: (file name as it stands in the file, size in bytes or -1, annotation), one per image.
        categories: category id to class name.
        out: the file to write, whole or not at all.
        tolerance: how far, in pixels, a border may move to save points; 0 keeps every pixel.

    Raises:
        UserError: when `out` cannot be written.
    """
    entries: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for file_name, size, annotation in images:
        regions = [_region(i, annotation, categories[i.category_id], tolerance, seen) for i in annotation]
        entries[f"{file_name}{size}"] = {
            "filename": file_name,
            "size": size,
            "regions": regions,
            "file_attributes": {},
        }
        seen["instances"] += len(regions)
    with atomic_text(out) as file:
        json.dump(entries, file, ensure_ascii=False, separators=(",", ":"))
    return ExportReport(str(out), len(entries), seen["instances"], _losses(seen, tolerance))


def export_via(store: ProjectStore, out: Path | str, *, split: Split | None = None) -> ExportReport:
    """Write the project's annotations as VIA JSON to `out` (see :func:`write_via`).

    Raises:
        UserError: when `out` cannot be written.
    """
    records = [record for record in store.images() if split in (None, record.split)]
    names = file_names(store, records)
    images = ((names[r.id], _byte_size(store.image_path(r.id)), store.annotation(r.id)) for r in records)
    return write_via(images, {c.id: c.name for c in store.categories()}, Path(out))


def _byte_size(path: Path) -> int:
    """Size in bytes; VIA writes -1 where it is unknown."""
    return path.stat().st_size if path.is_file() else -1


def _region(
    instance: Instance, annotation: Annotation, name: str, tolerance: float, seen: Counter[str]
) -> dict[str, Any]:
    if instance.mask is None:
        x0, y0, x1, y1 = (_number(v) for v in instance.box_xyxy)
        shape: dict[str, Any] = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    else:
        ring = _ring(instance.mask, tolerance, seen)
        xs, ys = [_number(x) for x, _ in ring], [_number(y) for _, y in ring]
        shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
    return {"shape_attributes": shape, "region_attributes": {CLASS_ATTRIBUTE: name}}


def _ring(mask: Mask, tolerance: float, seen: Counter[str]) -> Ring:
    polygons = mask_polygons(mask)
    seen["holed"] += any(polygon.interiors for polygon in polygons)
    seen["parted"] += len(polygons) > 1
    if tolerance > 0:
        try:
            return keyhole([simplified(polygon, tolerance) for polygon in polygons])
        except ValueError:  # a thinned outline no longer holds its hole
            pass
    return keyhole(polygons)


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 2)


def _losses(seen: Counter[str], tolerance: float) -> tuple[str, ...]:
    told = {
        "holed": "{} with holes: VIA knows one outline, so each hole hangs on a bridge of no width. "
        "Maskwright and other even-odd readers get the hole back; nonzero fillers fill it.",
        "parted": "{} in several parts: the parts are joined by bridges of no width.",
    }
    counted = (text.format(_instances(seen[key])) for key, text in told.items() if seen[key])
    moved = (f"Outlines were thinned: borders may have moved by up to {tolerance:g} pixels.",) if tolerance else ()
    kept = ("VIA has no place for splits, image status, negatives and where an instance came from.",)
    return (*counted, *moved, *kept)


def _instances(number: int) -> str:
    return f"{number:,} instance{'' if number == 1 else 's'}"
