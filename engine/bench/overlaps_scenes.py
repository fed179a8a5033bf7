"""Seeded detections of made-up pictures, one picture after the other: any number of them needs no more memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from engine.domain.mask import Mask
from engine.domain.prediction import Prediction

HEIGHT, WIDTH = 1080, 1920
CLASSES = 8
LEAST_SCORE = 0.3  # as low as a runner-up may be: every detection counts
# COCO's shares of small, medium and large objects (https://cocodataset.org/#detection-eval: below 32 x 32, to 96 x 96,
# above), from pictures of 640 pixels to these of 1920.
_SHARES = (0.41, 0.34, 0.25)
_SIZES = (24.0, 96.0, 288.0, 864.0)
_STEPS = 8  # sizes of each of the three; neighbours differ by about a seventh
_RADII = np.geomspace(_SIZES[0], _SIZES[-1], 3 * _STEPS) / 2
_OUTLINES = 6  # of each size
_READINGS = 4  # one object is detected once to this often
_SHIFT = 0.06  # of the radius, standard deviation
_HOLE = 0.45  # of the radius, in a third of the outlines
_CORNERS = 180  # of an outline


class Mix(StrEnum):
    """Where objects lie: anywhere; or all in the middle quarter of the picture, none of them small."""

    REALISTIC = "realistic"
    CROWDED = "crowded"


@dataclass(frozen=True)
class Scenes:
    """Pictures of `detections` objects each; the same seed gives the same pictures."""

    mix: Mix
    detections: int
    seed: int

    def pictures(self, count: int) -> Iterator[list[Prediction]]:
        """The predictions of `count` pictures, ids from 1 in each; no mask knows its area or box yet."""
        rng = np.random.default_rng(self.seed)
        bank = [[_outline(rng, radius) for _ in range(_OUTLINES)] for radius in _RADII]
        for image_id in range(1, count + 1):
            yield self._picture(rng, bank, image_id)

    def _picture(self, rng: np.random.Generator, bank: list[list[Mask]], image_id: int) -> list[Prediction]:
        found: list[Prediction] = []
        while len(found) < self.detections:
            size, (cx, cy) = self._object(rng)
            category, roi = int(rng.integers(1, CLASSES + 1)), len(found)
            score = float(rng.uniform(LEAST_SCORE, 1))
            for _ in range(min(int(rng.integers(1, _READINGS + 1)), self.detections - len(found))):
                grown = min(max(size + int(rng.integers(-1, 2)), 0), len(bank) - 1)
                shape = bank[grown][int(rng.integers(_OUTLINES))]
                dx, dy = rng.normal(0, _SHIFT * _RADII[size], 2)
                x = min(max(round(cx + dx - shape.width / 2), 0), WIDTH - shape.width)
                y = min(max(round(cy + dy - shape.height / 2), 0), HEIGHT - shape.height)
                box = (float(x), float(y), float(x + shape.width), float(y + shape.height))
                mask = shape.padded(x, y, HEIGHT, WIDTH)
                found.append(Prediction(len(found) + 1, image_id, category, score, box, mask, roi))
                category = category if rng.random() < 0.5 else int(rng.integers(1, CLASSES + 1))
                score = max(LEAST_SCORE, score * float(rng.uniform(0.4, 1)))
        return found

    def _object(self, rng: np.random.Generator) -> tuple[int, tuple[float, float]]:
        """Its size (place in the radii) and centre."""
        third = int(rng.choice(3, p=_SHARES))
        if self.mix is Mix.CROWDED:
            size = int(rng.integers(_STEPS, len(_RADII)))
            return size, (rng.uniform(0.25, 0.75) * WIDTH, rng.uniform(0.25, 0.75) * HEIGHT)
        size = third * _STEPS + int(rng.integers(_STEPS))
        return size, (rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT))


def touching_pairs(items: list[Prediction]) -> int:
    """Pairs whose boxes share area: what has to be looked at closer."""
    boxes = np.array([p.box_xyxy for p in items])
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    return int(np.triu((high > low).all(axis=2), 1).sum())


def _outline(rng: np.random.Generator, radius: float) -> Mask:
    """A wavy disc, or a ring, cut to its box."""
    half = int(radius) + 2
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    wave = 0.08 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.04 * np.sin(7 * angle + rng.uniform(0, 6))
    reach = radius * (0.88 + wave)
    corners = half + np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
    pixels = np.zeros((2 * half + 1, 2 * half + 1), dtype=np.uint8)
    cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], 1)
    if rng.random() < 1 / 3:
        cv2.circle(pixels, (half, half), round(_HOLE * radius), 0, cv2.FILLED)
    mask = Mask.from_array(pixels)
    return mask.cropped(mask.box)
