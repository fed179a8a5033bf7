"""A stand-in for the network that knows every object by its colour, whatever part of the picture it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.config import DetectConfig
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import UserError
from engine.model.architecture import Architecture
from engine.prediction.work import Found, Job

CLASSES = 2


def small_architecture(classes: int, *, masks: bool = True) -> Architecture:
    """A whole network that takes a few hundredths of a second for an image."""
    few = {"pre_nms": (40, 40), "post_nms": (40, 40)}
    return Architecture(classes=classes, masks=masks, image_size=64, fpn_channels=16, head_channels=32, **few)


def picture_of(instances: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """H x W x 3 uint8: the number of the instance in red and green, 0 where there is none."""
    return np.stack([instances % 256, instances // 256, instances * 0], axis=2).astype(np.uint8)


def category_of(number: int) -> int:
    return number % CLASSES + 1


class KnowsColours:
    """A pipeline that finds every colour there is, with the exact mask.

    Attributes:
        batches: how many jobs each batch had.
    """

    def __init__(self, *, masks: bool = True, batch_size: int = 3, image_size: int = 64) -> None:
        self.network: Any = SimpleNamespace(architecture=Architecture(classes=CLASSES, image_size=image_size))
        self.batch_size = batch_size
        self.batches: list[int] = []
        self._masks = masks

    def look(
        self, batches: Iterable[Sequence[Job]], *, config: DetectConfig, cancelled: Callable[[], bool]
    ) -> Iterator[list[Found]]:
        for jobs in batches:
            if cancelled():
                return
            self.batches.append(len(jobs))
            yield [self._found(job, config) for job in jobs]

    def _found(self, job: Job, config: DetectConfig) -> Found:
        try:
            pixels = job.read()
        except UserError as error:
            return error
        numbers = pixels[:, :, 0].astype(np.int64) + 256 * pixels[:, :, 1].astype(np.int64)
        made = [self._prediction(numbers == n, int(n)) for n in np.unique(numbers) if n]
        kept = tuple(p for p in made if p.area >= config.min_area)
        return Detections(job.image_id, *numbers.shape, tuple(sorted(kept, key=lambda p: -p.score)))

    def _prediction(self, inside: npt.NDArray[np.bool_], number: int) -> Prediction:
        mask = Mask.from_array(inside)
        x0, y0, x1, y1 = mask.box
        score = 1 / (1 + number)
        shown = mask if self._masks else None
        return Prediction(0, 0, category_of(number), score, (x0, y0, x1, y1), shown, roi=number)


def random_instances(seed: int, height: int, width: int, cell: int) -> npt.NDArray[np.int64]:
    """Connected instances of two classes, many of them touching, some with holes."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 5, size=(-(-height // cell), -(-width // cell)))
    colours = np.kron(coarse, np.ones((cell, cell), dtype=np.int64))[:height, :width]
    instances = np.zeros((height, width), dtype=np.int64)
    number = 0
    for colour in range(1, 5):
        count, parts = cv2.connectedComponents((colours == colour).astype(np.uint8), connectivity=4)
        for part in range(1, count):
            number += 1
            instances[parts == part] = 2 * number + colour % CLASSES  # category_of() gives the colour's class
    return instances
