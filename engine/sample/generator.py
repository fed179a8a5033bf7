"""Renders the sample pictures and writes them with their annotations.

The same seed gives the same pictures (up to the rounding of the machine's OpenCV build).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.formats.via_write import write_via
from engine.sample import camera
from engine.sample.backgrounds import BACKGROUNDS
from engine.sample.parts import Kind
from engine.sample.scene import Scene, populate

SEED = 20
TRAIN_IMAGES, VAL_IMAGES = 40, 12
JPEG_QUALITY = 90
COCO_NAME, VIA_NAME = "annotations.json", "via_region_data.json"


@dataclass(frozen=True)
class Picture:
    """One rendered photograph: `image` H x W x 3 uint8 RGB, and its objects' visible pixels, bottom first."""

    image: npt.NDArray[np.uint8]
    objects: tuple[tuple[Kind, Mask], ...]


def render(seed: int, index: int) -> Picture:
    """The picture with number `index`: 4 to 10 parts, each visible in one piece."""
    for attempt in range(100):
        rng = np.random.default_rng([seed, index, attempt])
        picture = _try(rng, index)
        if picture is not None:
            return picture
    raise AssertionError("no legible layout found")  # pragma: no cover


def _try(rng: np.random.Generator, index: int) -> Picture | None:
    height, width = camera.CANVAS
    background = BACKGROUNDS[index % len(BACKGROUNDS)](rng, height, width)
    if rng.random() < 0.3:
        background = np.ascontiguousarray(cv2.rotate(background, cv2.ROTATE_180))
    tilt = rng.uniform(0.02, 0.14)
    owner = np.zeros((height, width), dtype=np.int32)
    scene = Scene(background, owner, camera.random_light(rng), (rng.normal(0, 0.04), -0.15 - 2.2 * tilt))
    populate(scene, rng, int(rng.integers(5, 12)), margin=150)
    colour, seen = camera.view(scene.colour, scene.owner, tilt, rng)
    objects = []
    for number, part in enumerate(scene.parts, start=1):
        if not (seen == number).any():
            continue
        mask = camera.visible(seen, number)
        if mask is None:
            return None
        objects.append((part.kind, Mask.from_array(mask)))
    if not 4 <= len(objects) <= 10:
        return None
    return Picture(camera.expose(colour, scene.light, rng), tuple(objects))


def write_sample(folder: Path, *, seed: int = SEED, train: int = TRAIN_IMAGES, val: int = VAL_IMAGES) -> None:
    """Write ``train/`` and ``val/`` with pictures, COCO RLE and VIA polygons into `folder`."""
    numbers = iter(range(train + val))
    for split, count in (("train", train), ("val", val)):
        write_split(folder / split, [(f"parts_{n:03d}.jpg", render(seed, n)) for n in _take(numbers, count)])


def write_split(folder: Path, pictures: list[tuple[str, Picture]]) -> None:
    """Write one split's pictures and annotations."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures:
        bgr = cv2.cvtColor(picture.image, cv2.COLOR_RGB2BGR)
        ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
        assert ok
        (folder / name).write_bytes(data.tobytes())
    text = json.dumps(coco(pictures), separators=(",", ":"))
    (folder / COCO_NAME).write_text(text + "\n", encoding="utf-8")
    names = {number: kind.value for number, kind in enumerate(Kind, start=1)}
    sized = [(name, (folder / name).stat().st_size, _annotation(picture)) for name, picture in pictures]
    write_via(sized, names, folder / VIA_NAME)


def _annotation(picture: Picture) -> Annotation:
    height, width = picture.image.shape[:2]
    instances = (Instance.from_mask(mask, list(Kind).index(kind) + 1) for kind, mask in picture.objects)
    return Annotation(0, height, width, tuple(instances))


def coco(pictures: list[tuple[str, Picture]]) -> dict[str, Any]:
    """COCO instances with compressed RLE (holes kept), iscrowd 0, true area."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, picture) in enumerate(pictures, start=1):
        height, width = picture.image.shape[:2]
        images.append({"id": image_id, "file_name": name, "height": height, "width": width})
        for kind, mask in picture.objects:
            x0, y0, x1, y1 = mask.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": list(Kind).index(kind) + 1,
                    "iscrowd": 0,
                    "area": mask.area,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "segmentation": mask.to_coco(),
                }
            )
    categories = [{"id": number, "name": kind.value} for number, kind in enumerate(Kind, start=1)]
    info = {"description": "Washers, nuts and gaskets rendered by Maskwright", "version": "1"}
    return {"info": info, "images": images, "annotations": annotations, "categories": categories}


def _take(numbers: Iterator[int], count: int) -> list[int]:
    return [next(numbers) for _ in range(count)]
