"""A detection that was killed goes on where it was; what changed is looked at again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.domain.prediction import Detections
from engine.errors import ImageReadError, UserError
from engine.model.device import choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.prediction.predictor import Predictor
from engine.prediction.staging import detect_into, stage
from engine.project.predictions import PredictionStore
from tests.engine.prediction.stubs import small_architecture

COUNT = 6
EPOCH = 3


@pytest.fixture
def images(tmp_path: Path) -> list[tuple[int, Path]]:
    made = []
    for number in range(1, COUNT + 1):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, size=(20, 20 + number % 2, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        made.append((number, path))
    return made


@pytest.fixture
def store(tmp_path: Path):
    with PredictionStore(tmp_path / "predictions.sqlite", read_only=False) as opened:
        yield opened


def predictor_of(weights_hash: str = "weights", **config: object) -> Predictor:
    torch.manual_seed(0)
    network = MaskRCNN(small_architecture(1), pretrained=False)
    return Predictor(
        network,
        [Category(4, "ring", "#e69f00")],
        epoch=EPOCH,
        config=DetectConfig.model_validate({"score_threshold": 0.0, "max_detections": 3, **config}),
        device=choose_device("cpu", amp="off"),
        weights_hash=weights_hash,
    )


def test_what_a_killed_detection_had_stored_is_not_looked_at_again(images, store, looked) -> None:
    killed = stage(store, predictor_of(), images)
    before = [next(killed).item.image_id for _ in range(3)]
    killed.close()
    looked.clear()
    results = list(stage(store, predictor_of(), images))
    assert [r.item.image_id for r in results if r.kept] == sorted(before)
    assert sum(looked) == COUNT - 3
    assert sorted(r.item.image_id for r in results) == [i for i, _ in images]
    assert store.image_ids(EPOCH) == [i for i, _ in images]


def test_what_is_kept_is_told_as_it_was_found(images, store) -> None:
    first = list(detect_into(store, predictor_of(), images))
    assert list(detect_into(store, predictor_of(), images)) == first
    assert [d.image_id for d in first] == [i for i, _ in images]
    assert all(len(d) > 0 for d in first)


def test_images_without_any_object_count_as_looked_at(images, store, looked) -> None:
    none = {"score_threshold": 1.0}
    assert [len(d) for d in detect_into(store, predictor_of(**none), images)] == [0] * COUNT
    looked.clear()
    assert all(result.kept for result in stage(store, predictor_of(**none), images))
    assert looked == []


@pytest.mark.parametrize(
    "other",
    [{"weights_hash": "others"}, {"max_detections": 2}, {"nms_scope": "all"}, {"tile": 32}, {"weights_hash": ""}],
    ids=lambda values: next(iter(values)),
)
def test_other_weights_or_settings_look_again(images, store, looked, other: dict[str, object]) -> None:
    list(stage(store, predictor_of(), images))
    looked.clear()
    assert not any(result.kept for result in stage(store, predictor_of(**other), images))
    assert looked


def test_settings_that_do_not_change_what_is_found_do_not_matter(images, store, looked) -> None:
    list(stage(store, predictor_of(batch_size=1), images))
    looked.clear()
    assert all(result.kept for result in stage(store, predictor_of(batch_size=4), images))
    assert looked == []


def test_a_file_that_changed_is_looked_at_again(images, store, looked) -> None:
    list(stage(store, predictor_of(), images))
    Image.fromarray(np.zeros((33, 44, 3), np.uint8)).save(images[2][1])
    looked.clear()
    results = {r.item.image_id: r for r in stage(store, predictor_of(), images)}
    assert [i for i, r in results.items() if not r.kept] == [3]
    found = results[3].found
    assert isinstance(found, Detections)
    assert (found.height, found.width) == (33, 44)


def test_fresh_looks_at_everything_again(images, store, looked) -> None:
    list(stage(store, predictor_of(), images))
    looked.clear()
    assert not any(result.kept for result in stage(store, predictor_of(), images, fresh=True))
    assert sum(looked) == COUNT


def test_predictions_that_someone_else_replaced_are_looked_for_again(images, store, looked) -> None:
    list(stage(store, predictor_of(), images))
    store.add(Detections(2, 20, 20, ()), EPOCH)
    looked.clear()
    assert [r.item.image_id for r in stage(store, predictor_of(), images) if not r.kept] == [2]


def test_what_is_kept_is_the_newest_again(images, store) -> None:
    list(stage(store, predictor_of(), images))
    store.add(Detections(1, 20, 21, ()), EPOCH + 1)
    assert store.epochs() == [EPOCH + 1, EPOCH]
    list(stage(store, predictor_of(), images))
    assert store.epochs() == [EPOCH, EPOCH + 1]


def test_a_missing_file_is_told_and_the_others_are_stored(images, store) -> None:
    images[1][1].unlink()
    results = list(stage(store, predictor_of(), images))
    assert [r.item.image_id for r in results if isinstance(r.found, UserError)] == [2]
    assert store.image_ids(EPOCH) == [1, 3, 4, 5, 6]
    with pytest.raises(ImageReadError, match=r"2\.png"):
        list(detect_into(store, predictor_of(), images))


def test_a_cancel_keeps_what_was_found(images, store) -> None:
    done: list[int] = []
    for result in stage(store, predictor_of(), images, cancelled=lambda: len(done) >= 2):
        done.append(result.item.image_id)
    assert store.image_ids(EPOCH) == sorted(done)
    assert 2 <= len(done) < COUNT
