"""How long a training sample takes to make: one affine on crops of run lengths, or transforms.v2 on full-size masks."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from engine.bench.pictures import make_pictures
from engine.bench.recipe_data import RecipeData, transform_for
from engine.bench.settings import CLASSES, BenchSettings
from engine.bench.start import architecture
from engine.model.device import choose_device
from engine.model.inputs import batch_of
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.images import read_image
from engine.training.augment import Augmentation
from engine.training.samples import make_sample

_PICTURES = 2
Make = Callable[[int], int]  # a sample of picture `index`; the number of objects left in it


def compare_loaders(folder: Path, settings: BenchSettings) -> dict[str, Any]:
    """Median seconds a sample, one thread each, in turn; pictures have the size of the input already.

    Both decode the file, scale, turn, flip and change the light, and end with what their network takes.
    """
    data = make_pictures(
        folder,
        count=_PICTURES,
        objects=settings.loader_objects,
        longest=settings.size,
        classes=CLASSES,
        seed=settings.seed,
    )
    labels = {c.id: label for label, c in enumerate(data.categories, start=1)}
    makers = {"recipe": _recipe(data, labels, settings), "maskwright": _maskwright(data, labels, settings)}
    with _one_thread():
        found = {name: _Timed(make) for name, make in makers.items()}
        for number, timed in itertools.product(range(settings.loader_rounds + 1), found.values()):
            timed.once(number % _PICTURES, counts=number > 0)
    medians = {f"{name}_s_per_image": statistics.median(timed.seconds) for name, timed in found.items()}
    left = {f"{name}_objects_left": statistics.mean(timed.objects) for name, timed in found.items()}
    return {**medians, **left, "objects": settings.loader_objects, "samples": settings.loader_rounds}


class _Timed:
    def __init__(self, make: Make) -> None:
        self._make = make
        self.seconds: list[float] = []
        self.objects: list[int] = []

    def once(self, index: int, *, counts: bool) -> None:
        begun = time.perf_counter()
        objects = self._make(index)
        seconds = time.perf_counter() - begun
        if counts:
            self.seconds.append(seconds)
            self.objects.append(objects)


def _maskwright(data: FrozenDataset, labels: dict[int, int], settings: BenchSettings) -> Make:
    device, network, rng = choose_device("cpu", amp="off"), architecture(settings), np.random.default_rng(settings.seed)

    def make(index: int) -> int:
        frozen: FrozenImage = data.images[index]
        sample = make_sample(
            frozen,
            read_image(frozen.path),
            labels=labels,
            image_size=settings.size,
            augmentation=Augmentation(),
            rng=rng,
        )
        batch_of([sample.image], device, network)
        return len(sample.target["labels"])

    return make


def _recipe(data: FrozenDataset, labels: dict[int, int], settings: BenchSettings) -> Make:
    first = data.images[0].annotation
    transform = transform_for(first.height, first.width, size=settings.size, augmentation=Augmentation())
    fed = RecipeData(data.images, labels=labels, transform=transform)

    def make(index: int) -> int:
        return len(fed[index][1]["labels"])

    return make


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for torch and OpenCV, and torch's random numbers as they were."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
