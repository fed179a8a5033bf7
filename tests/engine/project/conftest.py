"""A project with a few images and classes, and everything it says as one comparable value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.project.store import ProjectStore

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with three images (ids 1 to 3, files that need not exist) and the classes nut and washer."""
    with ProjectStore.create(tmp_path / "project") as store, store.change("Set up") as change:
        for name in ("a.png", "b.png", "c.png"):
            change.add_image(tmp_path / name, WIDTH, HEIGHT)
        change.add_category("nut")
        change.add_category("washer")
    return tmp_path / "project"


@pytest.fixture
def store(folder: Path) -> Iterator[ProjectStore]:
    with ProjectStore.open(folder) as opened:
        yield opened


def everything(store: ProjectStore) -> Any:
    """All that a project says, read from the file."""
    store._contents.forget()
    return store.images(), store.categories(), tuple(store.annotations()), store.decisions()


def ring(x: int = 5, y: int = 5, size: int = 20, hole: int = 6) -> Mask:
    """A square ring: an object with a hole."""
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[y : y + size, x : x + size] = True
    pixels[y + hole : y + size - hole, x + hole : x + size - hole] = False
    return Mask.from_array(pixels)


def draw(store: ProjectStore, image_id: int, mask: Mask, label: str = "Draw", category_id: int = 1) -> Instance:
    """Put one instance on top of an image."""
    before = store.annotation(image_id)
    instance = Instance.from_mask(mask, category_id)
    after = Annotation(image_id, before.height, before.width, (*before.instances, instance))
    store.commit_annotation(before, after, label)
    return instance


@pytest.fixture
def tools() -> Any:
    """The helpers above, for test modules that cannot import this file by name."""

    class Tools:
        pass

    for helper in (everything, ring, draw):
        setattr(Tools, helper.__name__, staticmethod(helper))
    return Tools
