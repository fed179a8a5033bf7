"""Reading what a project holds, with a bounded memory of what was read last."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from engine.domain.annotation import Annotation, Category, Instance
from engine.errors import ProjectError
from engine.project.database import Database
from engine.project.records import Decision, ImageRecord
from engine.project.rows import (
    CATEGORIES,
    DECISIONS,
    IMAGES,
    INSTANCES,
    category_from,
    decision_from,
    image_from,
    instance_from,
)

_KEPT_ANNOTATIONS = 16
_STREAM_IMAGES = 200

_IMAGE_ID, _POSITION = INSTANCES.columns.index("image_id"), INSTANCES.columns.index("position")


@dataclass(frozen=True, slots=True)
class Loaded:
    """An annotation with the stacking positions its instances have in the store."""

    annotation: Annotation
    positions: dict[str, int]


class Contents:
    """Reads images, categories, annotations and decisions; ``forget`` whatever is written."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._loaded: OrderedDict[int, Loaded] = OrderedDict()
        self._images: dict[int, ImageRecord] | None = None
        self._categories: tuple[Category, ...] | None = None

    # --- memory -----------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Everything: after a rollback, an undo, or where another process writes."""
        self._loaded.clear()
        self._images = None
        self._categories = None

    def forget_categories(self) -> None:
        self._categories = None

    def forget_images(self) -> None:
        """The list of images: one came or went."""
        self._images = None

    def forget_annotation(self, image_id: int) -> None:
        self._loaded.pop(image_id, None)

    def remember(self, loaded: Loaded) -> None:
        """Keep what was just read or written."""
        self._loaded[loaded.annotation.image_id] = loaded
        self._loaded.move_to_end(loaded.annotation.image_id)
        if len(self._loaded) > _KEPT_ANNOTATIONS:
            self._loaded.popitem(last=False)

    def remember_image(self, record: ImageRecord) -> None:
        """Keep an image whose row was changed."""
        if self._images is not None:
            self._images[record.id] = record

    # --- categories and images --------------------------------------------------------------------------------

    def categories(self) -> tuple[Category, ...]:
        with self._db.lock:
            if self._categories is None:
                rows = self._db.rows(f"{CATEGORIES.select} ORDER BY id")
                self._categories = tuple(category_from(row) for row in rows)
            return self._categories

    def images(self) -> dict[int, ImageRecord]:
        """All images by id, in the order they were added."""
        with self._db.lock:
            if self._images is None:
                rows = self._db.rows(f"{IMAGES.select} ORDER BY id")
                self._images = {row[0]: image_from(row) for row in rows}
            return self._images

    def image(self, image_id: int) -> ImageRecord:
        with self._db.lock:
            if self._images is not None and image_id in self._images:
                return self._images[image_id]
            row = self._db.one(f"{IMAGES.select} WHERE id = ?", (image_id,))
        if row is None:
            raise ProjectError(f"There is no image with the number {image_id} in this project.")
        return image_from(row)

    def images_where(self, condition: str, value: str) -> list[ImageRecord]:
        rows = self._db.rows(f"{IMAGES.select} WHERE {condition} ORDER BY id", (value,))
        return [image_from(row) for row in rows]

    # --- annotations ------------------------------------------------------------------------------------------

    def loaded(self, image_id: int) -> Loaded:
        """An image's annotation, from memory when it is there."""
        with self._db.lock:
            known = self._loaded.get(image_id)
            if known is not None:
                self._loaded.move_to_end(image_id)
                return known
            rows = self._db.rows(f"{INSTANCES.select} WHERE image_id = ? ORDER BY position, id", (image_id,))
            found = _loaded(self.image(image_id), rows)
            self.remember(found)
            return found

    def annotations(self) -> Iterator[Annotation]:
        """Every image's annotation in id order, read in batches so that nothing stays open between them."""
        ids = [row[0] for row in self._db.rows("SELECT id FROM images ORDER BY id")]
        for start in range(0, len(ids), _STREAM_IMAGES):
            yield from self._batch(ids[start : start + _STREAM_IMAGES])

    def _batch(self, ids: Sequence[int]) -> Iterable[Annotation]:
        bounds = (ids[0], ids[-1])
        with self._db.lock:
            images = self._db.rows(f"{IMAGES.select} WHERE id BETWEEN ? AND ? ORDER BY id", bounds)
            sql = f"{INSTANCES.select} WHERE image_id BETWEEN ? AND ? ORDER BY image_id, position, id"
            rows = self._db.rows(sql, bounds)
        grouped = {key: list(group) for key, group in itertools.groupby(rows, itemgetter(_IMAGE_ID))}
        return [_loaded(image_from(row), grouped.get(row[0], [])).annotation for row in images]

    # --- counts and decisions ---------------------------------------------------------------------------------

    def counts(self, column: str) -> dict[int, int]:
        """Number of instances per value of `column`."""
        return dict(self._db.rows(f"SELECT {column}, count(*) FROM instances GROUP BY {column}"))

    def categories_by_image(self) -> dict[int, frozenset[int]]:
        """Image id -> the categories seen in it, for images that have instances."""
        found: dict[int, set[int]] = {}
        for image_id, category_id in self._db.rows("SELECT DISTINCT image_id, category_id FROM instances"):
            found.setdefault(image_id, set()).add(category_id)
        return {image_id: frozenset(categories) for image_id, categories in found.items()}

    def decisions(self, run: str | None, image_id: int | None) -> tuple[Decision, ...]:
        sql = f"{DECISIONS.select} WHERE (:run IS NULL OR run = :run) AND (:image IS NULL OR image_id = :image)"
        rows = self._db.rows(f"{sql} ORDER BY run, prediction_id", {"run": run, "image": image_id})
        return tuple(decision_from(row) for row in rows)

    def settings(self, prefix: str) -> dict[str, str]:
        """Key -> value of the settings whose key starts with `prefix`."""
        sql = "SELECT key, value FROM meta WHERE substr(key, 1, length(?1)) = ?1 AND value IS NOT NULL ORDER BY key"
        return dict(self._db.rows(sql, (prefix,)))


def _loaded(image: ImageRecord, rows: Sequence[tuple[Any, ...]]) -> Loaded:
    instances: tuple[Instance, ...] = tuple(instance_from(row, image.height, image.width) for row in rows)
    annotation = Annotation(image.id, image.height, image.width, instances, image.negative)
    return Loaded(annotation, {row[0]: row[_POSITION] for row in rows})
