"""A project's annotations frozen at one moment: what a training run learns from, whatever is edited meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.domain.annotation import Annotation, Category, Instance, Origin, Split
from engine.domain.mask import Mask
from engine.errors import RunError

if TYPE_CHECKING:
    from engine.project.store import ProjectStore

VERSION = 1


@dataclass(frozen=True, slots=True)
class FrozenImage:
    """One image with its annotation as it was.

    Attributes:
        image_id: the store's id.
        path: absolute path of the file, which is only referenced.
        annotation: instances and the negative mark.
        split: the set it belonged to.
    """

    image_id: int
    path: Path
    annotation: Annotation
    split: Split


@dataclass(frozen=True)
class FrozenDataset:
    """Images, annotations, splits and categories at one moment."""

    categories: tuple[Category, ...]
    images: tuple[FrozenImage, ...]
    boxes_only: bool = False

    def of_split(self, split: Split) -> tuple[FrozenImage, ...]:
        """Images of one set, in id order."""
        return tuple(i for i in self.images if i.split is split)

    def annotated(self, split: Split) -> tuple[FrozenImage, ...]:
        """Images of one set that say something: objects, or a person's "nothing here".  The rest is unlabelled."""
        return tuple(i for i in self.of_split(split) if i.annotation.instances or i.annotation.negative)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything but the place of the files: equal data, equal digest."""
        plain = self._to_json()
        for image in plain["images"]:
            image["path"] = Path(image["path"]).name
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(self._to_json()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> FrozenDataset:
        """Inverse of :meth:`save`.

        Raises:
            RunError: when the file is missing or damaged.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                categories=tuple(Category(**c) for c in data["categories"]),
                images=tuple(_image_from(i) for i in data["images"]),
                boxes_only=data["boxes_only"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError("The frozen data of this run cannot be read.", path=path) from error

    def _to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "boxes_only": self.boxes_only,
            "categories": [{"id": c.id, "name": c.name, "color": c.color} for c in self.categories],
            "images": [_image_to(i) for i in self.images],
        }


def freeze(store: ProjectStore) -> FrozenDataset:
    """Everything `store` holds now."""
    images = (
        FrozenImage(record.id, store.image_path(record.id), store.annotation(record.id), record.split)
        for record in store.images()
    )
    return FrozenDataset(tuple(store.categories()), tuple(images), store.boxes_only)


def instance_count(images: Iterable[FrozenImage]) -> int:
    """Number of objects in `images`."""
    return sum(len(i.annotation) for i in images)


def _image_to(image: FrozenImage) -> dict[str, Any]:
    a = image.annotation
    return {
        "id": image.image_id,
        "path": str(image.path),
        "height": a.height,
        "width": a.width,
        "split": str(image.split),
        "negative": a.negative,
        "instances": [
            {
                "id": i.id,
                "category_id": i.category_id,
                "box": list(i.box_xyxy),
                "mask": i.mask.to_bytes().decode("ascii") if i.mask is not None else None,
            }
            for i in a.instances
        ],
    }


def _image_from(data: dict[str, Any]) -> FrozenImage:
    height, width = data["height"], data["width"]
    instances = tuple(
        Instance(
            i["id"],
            i["category_id"],
            tuple(i["box"]),
            Mask.from_bytes(i["mask"].encode("ascii"), height, width) if i["mask"] is not None else None,
            Origin.HUMAN,
        )
        for i in data["instances"]
    )
    annotation = Annotation(data["id"], height, width, instances, data["negative"])
    return FrozenImage(data["id"], Path(data["path"]), annotation, Split(data["split"]))
