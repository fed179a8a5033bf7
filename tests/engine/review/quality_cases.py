"""Small drawn images with known mistakes, for the tests of what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.review.quality.compared import ComparedImage, compare_images

SIZE = (120, 160)
NUT, WASHER, CORK = 1, 2, 3
CATEGORIES = (Category(NUT, "nut", "#e69f00"), Category(WASHER, "washer", "#56b4e9"), Category(CORK, "cork", "#009e73"))


def box(x: float, y: float, width: float = 20, height: float = 20) -> Mask:
    return Mask.from_box((x, y, x + width, y + height), *SIZE)


def disc(cx: float, cy: float, radius: float) -> Mask:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return Mask.from_array(np.hypot(x - cx, y - cy) <= radius)


def instance(id: str, mask: Mask, category: int = NUT) -> Instance:
    return Instance.from_mask(mask, category, id=id)


def predicted(id: int, mask: Mask, category: int = NUT, score: float = 0.9, image_id: int = 1) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(id, image_id, category, score, (float(x0), float(y0), float(x1), float(y1)), mask)


def annotated(*objects: Instance, image_id: int = 1) -> Annotation:
    return Annotation(image_id, *SIZE, objects)


def detected(*found: Prediction, image_id: int = 1) -> Detections:
    return Detections(image_id, *SIZE, tuple(sorted(found, key=lambda p: -p.score)))


def compared(objects: Sequence[Instance], found: Sequence[Prediction]) -> ComparedImage:
    (image,) = compare_images([annotated(*objects)], [detected(*found)], CATEGORIES, boxes_only=False)
    return image


def random_images(seed: int, count: int = 12) -> tuple[list[Annotation], list[Detections]]:
    """Crowded images: objects of several sizes, moved, doubled and mistaken predictions, none at all on some."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image_id in range(7, 7 + count):
        objects, guesses = [], []
        for k in range(rng.integers(0, 6)):
            cx, cy, radius = rng.uniform(20, 140), rng.uniform(20, 100), rng.choice([6.0, 20.0, 56.0])
            category = int(rng.choice([NUT, WASHER]))
            objects.append(instance(f"{image_id}-{k}", disc(cx, cy, radius), category))
            for _ in range(rng.integers(0, 4)):
                dx, dy = rng.normal(0, radius / 4, 2)
                guess = category if rng.random() < 0.75 else int(rng.choice([NUT, WASHER, CORK]))
                mask = disc(cx + dx, cy + dy, radius * rng.uniform(0.7, 1.2))
                if not mask.is_empty:
                    guesses.append(
                        predicted(1000 * image_id + len(guesses), mask, guess, float(rng.random()), image_id)
                    )
        truth.append(annotated(*objects, image_id=image_id))
        if rng.random() < 0.9:
            found.append(detected(*guesses, image_id=image_id))
    return truth, found
