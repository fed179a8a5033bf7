"""Writing COCO instances JSON without losing a pixel: run lengths, iscrowd 0, true area.

Holes do not survive polygons, and many loaders drop ``iscrowd: 1``; so every mask is written as its own run lengths
with ``iscrowd`` 0 (uncompressed by default, which every COCO reader understands).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from engine.domain.annotation import Annotation, Instance, Split
from engine.formats.atomic import atomic_text
from engine.formats.report import ExportReport
from engine.project.records import ImageRecord
from engine.project.store import ProjectStore


def export_coco(
    store: ProjectStore, out: Path | str, *, compressed: bool = False, split: Split | None = None
) -> ExportReport:
    """Write the project's annotations to `out`, whole or not at all.

    Image ids are the store's; category ids count from 1.  File names are relative to the deepest folder that holds all
    the images.  An image marked "nothing here" carries ``"negative": true``.

    Args:
        compressed: COCO's compressed run lengths instead of lists.
        split: only the images of this set.

    Raises:
        UserError: when `out` cannot be written; what was there before stays.
    """
    out = Path(out)
    records = [record for record in store.images() if split in (None, record.split)]
    names = file_names(store, records)
    ids = {category.id: number for number, category in enumerate(store.categories(), start=1)}
    with atomic_text(out) as file:
        _write_head(file, store, records, names, ids)
        number = _write_annotations(file, store, records, ids, compressed=compressed)
        file.write("]}\n")
    return ExportReport(str(out), len(records), number, _losses(store, records))


def file_names(store: ProjectStore, records: Sequence[ImageRecord]) -> dict[int, str]:
    """Image id -> unique POSIX path relative to the deepest folder that holds all `records`; absolute across drives."""
    paths = {record.id: store.image_path(record.id) for record in records}
    try:
        root = os.path.commonpath([path.parent for path in paths.values()]) if paths else ""
    except ValueError:
        return {image_id: path.as_posix() for image_id, path in paths.items()}
    return {image_id: PurePosixPath(path.relative_to(root)).as_posix() for image_id, path in paths.items()}


def _write_head(
    file: TextIO,
    store: ProjectStore,
    records: Sequence[ImageRecord],
    names: Mapping[int, str],
    ids: Mapping[int, int],
) -> None:
    info = {"description": store.name, "contributor": "Maskwright"}
    categories = [{"id": ids[c.id], "name": c.name, "supercategory": ""} for c in store.categories()]
    images = [_image(record, names[record.id]) for record in records]
    head = json.dumps({"info": info, "licenses": [], "categories": categories, "images": images}, ensure_ascii=False)
    file.write(head[:-1] + ', "annotations": [')


def _image(record: ImageRecord, name: str) -> dict[str, Any]:
    image: dict[str, Any] = {"id": record.id, "file_name": name, "width": record.width, "height": record.height}
    return image | {"negative": True} if record.negative else image


def _write_annotations(
    file: TextIO, store: ProjectStore, records: Sequence[ImageRecord], ids: Mapping[int, int], *, compressed: bool
) -> int:
    """One line per instance, image by image, so that a large project never lies in memory as a whole."""
    number = 0
    for record in records:
        annotation: Annotation = store.annotation(record.id)
        for instance in annotation:
            number += 1
            entry = {"id": number, "image_id": record.id, "category_id": ids[instance.category_id]}
            line = json.dumps(entry | _shape(instance, compressed=compressed))
            file.write(("," if number > 1 else "") + "\n" + line)
    return number


def _shape(instance: Instance, *, compressed: bool) -> dict[str, Any]:
    x0, y0, x1, y1 = instance.box_xyxy
    box = [x0, y0, x1 - x0, y1 - y0]
    if instance.mask is None:
        return {"bbox": box, "area": instance.area, "iscrowd": 0, "segmentation": []}
    rle = instance.mask.to_coco(compressed=compressed)
    return {"bbox": box, "area": instance.mask.area, "iscrowd": 0, "segmentation": rle}


def _losses(store: ProjectStore, records: Sequence[ImageRecord]) -> tuple[str, ...]:
    counts = store.instance_counts()
    losses = ["COCO has no place for sets, image status, decisions and where an instance came from."]
    unlabelled = sum(record.id not in counts and not record.negative for record in records)
    if unlabelled:
        which = "1 image without a label is" if unlabelled == 1 else f"{unlabelled:,} images without a label are"
        losses.insert(0, f"{which} in the file without annotations: other tools take that for “nothing here”.")
    return tuple(losses)
