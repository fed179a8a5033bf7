"""One change of a project: whatever is asked of it lands in one transaction and one undo step."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.domain.annotation import PALETTE, Annotation, Category, ImageStatus, Instance, Split, palette_color
from engine.errors import DataError, ProjectError
from engine.project.contents import Contents, Loaded
from engine.project.database import Database
from engine.project.journal import Recorder
from engine.project.records import Changed, Decision, ImageRecord
from engine.project.rows import (
    CATEGORIES,
    DECISIONS,
    IMAGES,
    INSTANCES,
    META,
    Row,
    decision_row,
    image_row,
    instance_row,
    instance_scalars,
    mask_bytes,
    mask_delta,
)


class Changeset:
    """What :meth:`ProjectStore.change` yields.

    Attributes:
        changed: what was touched, once the change is saved; None before, and when nothing changed.
    """

    def __init__(self, database: Database, contents: Contents, folder: Path, label: str) -> None:
        self._db = database
        self._contents = contents
        self._folder = folder
        self._recorder = Recorder(database, label)
        self.changed: Changed | None = None

    def finish(self) -> Changed | None:
        """Write the journal; called by the store before it commits."""
        return self._recorder.finish()

    # --- images -----------------------------------------------------------------------------------------------

    def add_image(
        self, path: Path | str, width: int, height: int, *, split: Split = Split.NONE, content_hash: str = ""
    ) -> int:
        """Refer to an image file; the id of the one that is there already when it is.

        Args:
            path: of the file, relative to the project folder or absolute.
            width, height: pixels, after EXIF orientation.

        Raises:
            DataError: when the file is in the project with another size, or its name cannot be written down.
        """
        stored = stored_path(self._folder, path)
        known = self._contents.images_where("path = ?", stored)
        if known:
            if (known[0].width, known[0].height) != (width, height):
                raise DataError("This image is in the project with another size.", path=path)
            return known[0].id
        sequence = self._db.one("SELECT seq FROM sqlite_sequence WHERE name = 'images'")
        record = ImageRecord(
            (sequence[0] if sequence else 0) + 1,
            stored,
            int(width),
            int(height),
            split=split,
            content_hash=content_hash,
        )
        self._recorder.insert(IMAGES, image_row(record))
        self._contents.forget_images()
        return record.id

    def remove_image(self, image_id: int) -> None:
        """Take an image out of the project, with its instances and decisions; the file stays."""
        record = self._contents.image(image_id)
        self.put_annotation(Annotation(image_id, record.height, record.width))
        record = self._contents.image(image_id)
        for decision in self._contents.decisions(None, image_id):
            self._recorder.delete(DECISIONS, decision_row(decision))
        self._recorder.delete(IMAGES, image_row(record))
        self._contents.forget_images()
        self._contents.forget_annotation(image_id)

    def set_split(self, image_id: int, split: Split) -> None:
        self._update_image(image_id, split=split)

    def set_status(self, image_id: int, status: ImageStatus) -> None:
        self._update_image(image_id, status=status)

    def _update_image(self, image_id: int, **fields: Any) -> None:
        old = self._contents.image(image_id)
        new = replace(old, **fields)
        self._recorder.update(IMAGES, image_row(old), image_row(new))
        self._contents.remember_image(new)

    # --- categories -------------------------------------------------------------------------------------------

    def add_category(self, name: str, color: str | None = None) -> Category:
        """A new category, or the existing one of that name.

        Raises:
            DataError: when the name is empty.
        """
        name = _checked_name(name)
        known = self._contents.categories()
        for category in known:
            if category.name == name:
                return category
        sequence = self._db.one("SELECT seq FROM sqlite_sequence WHERE name = 'categories'")
        color = _checked_color(color) if color else _free_color(known)
        category = Category((sequence[0] if sequence else 0) + 1, name, color)
        self._recorder.insert(CATEGORIES, _category_row(category))
        self._contents.forget_categories()
        return category

    def rename_category(self, category_id: int, name: str) -> None:
        """Give a category another name.

        Raises:
            DataError: when the name is empty or taken.
        """
        name = _checked_name(name)
        if any(c.name == name and c.id != category_id for c in self._contents.categories()):
            raise DataError(f"There is a class “{name}” already.", hint="Merge the two, or choose another name.")
        self._update_category(category_id, name=name)

    def recolor_category(self, category_id: int, color: str) -> None:
        self._update_category(category_id, color=_checked_color(color))

    def merge_category(self, source: int, target: int) -> None:
        """Make every instance of `source` one of `target`, and take `source` away."""
        if source == target:
            raise ValueError("a category cannot be merged into itself")
        self._category(target)
        for row in self._instance_rows("category_id = ?", source):
            self._recorder.update(INSTANCES, row, {**row, "category_id": target})
            self._contents.forget_annotation(row["image_id"])
        self._delete_category(source)

    def remove_category(self, category_id: int) -> None:
        """Take a category away with all its instances."""
        for row in self._instance_rows("category_id = ?", category_id):
            self._recorder.delete(INSTANCES, row)
            self._contents.forget_annotation(row["image_id"])
        self._delete_category(category_id)

    def _update_category(self, category_id: int, **fields: str) -> None:
        row = _category_row(self._category(category_id))
        self._recorder.update(CATEGORIES, row, {**row, **fields})
        self._contents.forget_categories()

    def _delete_category(self, category_id: int) -> None:
        self._recorder.delete(CATEGORIES, _category_row(self._category(category_id)))
        self._contents.forget_categories()

    def _category(self, category_id: int) -> Category:
        for category in self._contents.categories():
            if category.id == category_id:
                return category
        raise ProjectError(f"There is no class with the number {category_id} in this project.")

    def _instance_rows(self, condition: str, value: int) -> list[Row]:
        rows = self._db.rows(f"{INSTANCES.select} WHERE {condition} ORDER BY image_id, position", (value,))
        return [dict(zip(INSTANCES.columns, row, strict=True)) for row in rows]

    # --- annotations ------------------------------------------------------------------------------------------

    def put_annotation(self, after: Annotation) -> None:
        """Make the store say `after`; only what differs is written.

        Raises:
            ValueError: when sizes do not match the image's, or an id occurs twice.
        """
        loaded = self._contents.loaded(after.image_id)
        _check_annotation(loaded.annotation, after)
        kept = {i.id for i in after.instances}
        for instance in loaded.annotation.instances:
            if instance.id not in kept:
                row = instance_row(instance, after.image_id, loaded.positions[instance.id])
                self._recorder.delete(INSTANCES, row)
        positions = _positions(after, loaded.positions)
        before = {i.id: i for i in loaded.annotation.instances}
        for instance in after.instances:
            old = before.get(instance.id)
            if old is None:
                self._recorder.insert(INSTANCES, instance_row(instance, after.image_id, positions[instance.id]))
            else:
                self._update_instance(after.image_id, old, loaded.positions[old.id], instance, positions[old.id])
        if after.negative != loaded.annotation.negative:
            self._update_image(after.image_id, negative=after.negative)
        self._contents.remember(Loaded(after, positions))

    def _update_instance(
        self, image_id: int, old: Instance, old_position: int, new: Instance, new_position: int
    ) -> None:
        if old is new and old_position == new_position:
            return
        before = instance_scalars(old, image_id, old_position)
        after = instance_scalars(new, image_id, new_position)
        if old.mask is new.mask or old.mask == new.mask:
            self._recorder.update(INSTANCES, before, after)
            return
        before["mask"], after["mask"] = mask_bytes(old.mask), mask_bytes(new.mask)
        self._recorder.update(INSTANCES, before, after, mask_delta(old.mask, new.mask))

    # --- decisions --------------------------------------------------------------------------------------------

    def decide(self, decision: Decision) -> None:
        """Write down a verdict; it replaces the one there was on that prediction."""
        self._recorder.put(DECISIONS, decision_row(decision))

    # --- settings ---------------------------------------------------------------------------------------------

    def put_setting(self, key: str, value: str | None) -> None:
        """Remember a setting of the project in place of what there was; None forgets it."""
        if value is not None or self._contents.settings(key):
            self._recorder.put(META, {"key": key, "value": value})


def stored_path(folder: Path, path: Path | str) -> str:
    """How the store writes the path of an image: POSIX, relative to `folder` unless they share no folder.

    Raises:
        DataError: when the name cannot be written as Unicode text.
    """
    absolute = os.path.abspath(folder / path)  # noqa: PTH100 - Path.resolve() would follow links
    base = os.path.abspath(folder)  # noqa: PTH100
    try:
        absolute.encode("utf-8")
        shared = os.path.commonpath([absolute, base])
    except UnicodeEncodeError as error:
        raise DataError("This file's name is not valid Unicode.", path=repr(absolute), hint="Rename it.") from error
    except ValueError:  # another drive
        return Path(absolute).as_posix()
    if shared == Path(base).anchor:
        return Path(absolute).as_posix()
    return Path(os.path.relpath(absolute, base)).as_posix()


def _positions(after: Annotation, known: dict[str, int]) -> dict[str, int]:
    """Rising positions that leave as many instances as possible where they are; gaps are allowed."""
    positions: dict[str, int] = {}
    last = -1
    for instance in after.instances:
        last = max(known.get(instance.id, 0), last + 1)
        positions[instance.id] = last
    return positions


def _check_annotation(before: Annotation, after: Annotation) -> None:
    size = (before.height, before.width)
    if (after.height, after.width) != size:
        raise ValueError(f"annotation of {after.width}x{after.height} for an image of {before.width}x{before.height}")
    if len({i.id for i in after.instances}) != len(after.instances):
        raise ValueError("an instance id occurs twice")
    if any(i.mask is not None and i.mask.shape != size for i in after.instances):
        raise ValueError("a mask has another size than its image")


def _category_row(category: Category) -> Row:
    return {"id": category.id, "name": category.name, "color": category.color}


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise DataError("A class needs a name.")
    return name


def _checked_color(color: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"not a colour: {color!r}")
    return color.lower()


def _free_color(known: tuple[Category, ...]) -> str:
    used = {c.color for c in known}
    return next((c for c in PALETTE if c not in used), palette_color(len(known)))
