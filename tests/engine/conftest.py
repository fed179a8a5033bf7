"""A training small enough for a test: a few drawn rings, 64 px, seconds on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Annotation, Category, Instance, Split
from engine.domain.mask import Mask
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore

RING, DISC = 1, 2
MakeRun = Callable[..., RunFolder]


def ring(height: int, width: int, cx: float, cy: float, outer: float, inner: float) -> Mask:
    """A ring (a disc when `inner` is 0)."""
    y, x = np.mgrid[:height, :width] + 0.5
    distance = np.hypot(x - cx, y - cy)
    return Mask.from_array((distance < outer) & (distance >= inner))


def drawn_image(folder: Path, number: int, *, boxes_only: bool = False) -> FrozenImage:
    """A picture with one bright ring and one dark disc, and what is true about it."""
    rng = np.random.default_rng(number)
    masks = [ring(64, 96, 28 + rng.integers(8), 32, 18, 7), ring(64, 96, 74, 28 + rng.integers(8), 14, 0)]
    pixels = rng.integers(90, 120, size=(64, 96, 3), dtype=np.uint8)
    for mask, colour in zip(masks, (230, 20), strict=True):
        pixels[mask.to_array()] = colour
    path = folder / f"{number}.png"
    Image.fromarray(pixels).save(path)
    instances = [Instance.from_mask(m, c, id=f"{number}-{c}") for m, c in zip(masks, (RING, DISC), strict=True)]
    if boxes_only:
        instances = [Instance(i.id, i.category_id, i.box_xyxy) for i in instances]
    split = Split.VAL if number % 4 == 0 else Split.TRAIN
    return FrozenImage(number, path, Annotation(number, 64, 96, tuple(instances)), split)


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> FrozenDataset:
    """Four drawn pictures, one of them for validation."""
    return _dataset(tmp_path)


@pytest.fixture
def drawn_project(tmp_path: Path) -> Path:
    """A project folder whose four drawn pictures lie elsewhere, in ``pictures``; one is for validation."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with ProjectStore.create(tmp_path / "project") as store, store.change("Set up") as change:
        data = _dataset(pictures)
        for category in data.categories:
            change.add_category(category.name)
        for image in data.images:
            change.add_image(image.path, image.annotation.width, image.annotation.height, split=image.split)
            change.put_annotation(image.annotation)
    return tmp_path / "project"


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes run folders on the four pictures: ``make_run(stages=..., boxes_only=..., **settings)``."""

    def make(
        name: str = "run", *, stages: str = "all:2@1e-2", boxes_only: bool = False, **settings: object
    ) -> RunFolder:
        values = {"image_size": 64, "device": "cpu", "amp": "off", "threads": 1, "warmup_steps": 2, **settings}
        config = train_config(stages=stages, settings=tuple(f"{k}={v}" for k, v in values.items()))
        config = TrainConfig.model_validate({**config.model_dump(), "boxes_only": boxes_only})
        run = RunFolder(tmp_path / "runs" / name)
        (run.path / "data").mkdir(parents=True)
        (run.path / "checkpoints").mkdir()
        _dataset(tmp_path, boxes_only=boxes_only).save(run.path / "data" / "dataset.json")
        (run.path / "config.json").write_text(config.model_dump_json(), encoding="utf-8")
        return run

    return make


def _dataset(folder: Path, *, boxes_only: bool = False) -> FrozenDataset:
    images = tuple(drawn_image(folder, n, boxes_only=boxes_only) for n in range(1, 5))
    categories = (Category(RING, "ring", "#e69f00"), Category(DISC, "disc", "#56b4e9"))
    return FrozenDataset(categories, images, boxes_only)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images went through the network, batch by batch."""
    from engine.prediction import pipeline

    counts: list[int] = []
    real = pipeline.run_network

    def counted(network, device, images, *, config):
        counts.append(len(images))
        return real(network, device, images, config=config)

    monkeypatch.setattr(pipeline, "run_network", counted)
    return counts
