"""Detection by the service with a stand-in for the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config import train_config
from engine.domain.annotation import Split
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import DataError, RunError
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore
from engine.service.handlers import Service
from engine.service.loop import Cancelled, Job
from engine.service.protocol import Reply, Request


class OneObject:
    """Finds one object in every image."""

    device = "cpu"
    epoch = 7

    def __init__(self) -> None:
        self.batches: list[int] = []

    def detect(self, images, image_ids):
        self.batches.append(len(images))
        found = []
        for pixels, image_id in zip(images, image_ids, strict=True):
            height, width = pixels.shape[:2]
            mask = Mask.from_box((2, 2, 8, 8), height, width)
            found.append(Detections(image_id, height, width, (Prediction(0, image_id, 1, 0.9, (2, 2, 8, 8), mask),)))
        return found


class Loads:
    """Counts how often a network is loaded."""

    def __init__(self) -> None:
        self.count = 0
        self.detector = OneObject()

    def __call__(self, run, name, config):
        self.count += 1
        return self.detector


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    with ProjectStore.create(folder) as store, store.change("Images") as change:
        change.add_category("nut")
        for number in range(5):
            path = folder / f"{number}.png"
            Image.fromarray(np.full((20, 30, 3), number, np.uint8)).save(path)
            change.add_image(path, 30, 20, split=Split.VAL if number < 3 else Split.TRAIN)
    run = folder / "runs" / "20260101-000000"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.json").write_text(train_config("quick").model_dump_json())
    (run / "checkpoints" / "best.safetensors").write_bytes(b"weights")
    return folder


class Asked:
    """A job and what it told."""

    def __init__(self, **args: object) -> None:
        self.told: list[dict[str, object]] = []
        self.job = Job(Request(id=1, name="detect", args=args), self._hear)

    def _hear(self, reply: Reply) -> None:
        self.told.append(reply.values)


def stored(project: Path) -> list[int]:
    with PredictionStore(RunFolder(project / "runs" / "20260101-000000").predictions_path) as store:
        return store.image_ids()


def test_a_split_is_looked_at_and_staged_with_the_epoch_that_looked(project: Path):
    loads, asked = Loads(), Asked(split="val", config={"batch_size": 2})
    result = Service(project, loads).detect(asked.job)
    assert (result["images"], result["found"], result["epoch"]) == (3, 3, 7)
    assert len(stored(project)) == 3
    assert loads.detector.batches == [2, 1], "the last batch is short, no image is dropped"
    assert [t["done"] for t in asked.told if t["stage"] == "detecting"] == [2, 3]
    assert asked.told[0]["stage"] == "loading"


def test_the_network_stays_loaded_until_it_is_unloaded(project: Path):
    loads = Loads()
    service = Service(project, loads)
    service.detect(Asked(images=[1]).job)
    service.detect(Asked(images=[2]).job)
    assert loads.count == 1
    assert service.status(Asked().job) == {"loaded": True, "device": "cpu"}
    assert service.unload(Asked().job) == {"unloaded": True, "device": "cpu"}
    assert service.status(Asked().job) == {"loaded": False, "device": ""}
    service.detect(Asked(images=[3]).job)
    assert loads.count == 2


def test_another_checkpoint_of_the_same_name_is_loaded_anew(project: Path):
    import os

    loads = Loads()
    service = Service(project, loads)
    service.detect(Asked(images=[1]).job)
    os.utime(project / "runs" / "20260101-000000" / "checkpoints" / "best.safetensors", (1, 1))
    service.detect(Asked(images=[1]).job)
    assert loads.count == 2


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_looked_at(project: Path):
    (project / "1.png").write_bytes(b"not an image")
    result = Service(project, Loads()).detect(Asked(split="val").job)
    assert result["found"] == 2
    assert "1.png" in result["unreadable"][0]


def test_what_was_found_before_a_cancel_is_kept(project: Path):
    asked = Asked()

    class CancelAfterTwo(OneObject):
        def detect(self, images, image_ids):
            if len(self.batches) == 1:
                asked.job.cancel()
            return super().detect(images, image_ids)

    loads = Loads()
    loads.detector = CancelAfterTwo()
    with pytest.raises(Cancelled):
        Service(project, loads).detect(asked.job)
    assert len(stored(project)) == 2


def test_a_run_without_that_checkpoint_and_an_empty_split_get_a_sentence(project: Path):
    with pytest.raises(RunError, match="no checkpoint “3” yet"):
        Service(project, Loads()).detect(Asked(epoch=3).job)
    with pytest.raises(DataError, match="no image to detect in"):
        Service(project, Loads()).detect(Asked(split="test").job)
