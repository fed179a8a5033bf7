"""A project's annotations frozen at one moment: what a training run learns from, whatever is edited meanwhile."""

from __future__ import annotations

import hashlib
import json
import re
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
        path: of the file, which is only referenced: absolute, or relative to the run's folder in a packed job.
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

    def digest_of(self, split: Split) -> str:
        """SHA-256 over what one set says: file names, sizes, objects with the names of their classes.

        Ids, colours and order do not count, nor do images without a word.  Runs of one digest were measured on the
        same images and annotations, so their figures may be compared.
        """
        names = {c.id: c.name for c in self.categories}
        said = sorted(json.dumps(_said_of(image, names), sort_keys=True) for image in self.annotated(split))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(self._to_json()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, *, root: Path | None = None) -> FrozenDataset:
        """Inverse of :meth:`save`.

        Args:
            root: folder that relative paths start from; without it they stay relative.

        Raises:
            RunError: when the file is missing or damaged, or a relative path leads out of `root`.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                categories=tuple(Category(**c) for c in data["categories"]),
                images=tuple(_image_from(i, root) for i in data["images"]),
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


def stays_inside(written: str) -> bool:
    """Whether a relative path, read on any system, stays in the folder it starts from."""
    return ".." not in re.split(r"[\\/]", written)


def instance_count(images: Iterable[FrozenImage]) -> int:
    """Number of objects in `images`."""
    return sum(len(i.annotation) for i in images)


def _image_to(image: FrozenImage) -> dict[str, Any]:
    a = image.annotation
    return {
        "id": image.image_id,
        "path": image.path.as_posix(),
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


def _image_from(data: dict[str, Any], root: Path | None) -> FrozenImage:
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
    return FrozenImage(data["id"], _placed(data["path"], root), annotation, Split(data["split"]))


def _placed(written: str, root: Path | None) -> Path:
    """The one place where a relative path of frozen data becomes an absolute one."""
    path = Path(written)
    if root is None or path.anchor:
        return path
    if not stays_inside(written):
        raise RunError(f"The frozen data of this run names an image outside its folder: {written}.", path=root)
    return root.absolute() / path


def _said_of(image: FrozenImage, names: dict[int, str]) -> dict[str, Any]:
    plain = _image_to(image)
    instances = [[names.get(i["category_id"]), i["box"], i["mask"]] for i in plain["instances"]]
    said = {key: plain[key] for key in ("height", "width", "negative")}
    return {**said, "name": image.path.name, "instances": sorted(instances, key=json.dumps)}
