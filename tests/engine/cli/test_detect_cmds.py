"""detect, as a person or a program runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cli.app import build_app
from engine.config import train_config
from engine.domain.mask import Mask
from engine.errors import ImageReadError, UserError
from engine.model.mask_rcnn import MaskRCNN
from engine.model.weights import model_tensors, write_tensors
from engine.project.predictions import PredictionStore
from engine.project.runs import create_run, open_run
from engine.project.store import ProjectStore
from tests.engine.prediction.stubs import small_architecture

CPU = ("--device", "cpu")
Run = Callable[..., None]


@pytest.fixture
def run() -> Run:
    """Runs a command."""
    app = build_app()
    return lambda *args: app(args=[str(a) for a in args], standalone_mode=False)


@pytest.fixture
def project(drawn_project: Path) -> Path:
    """Four drawn pictures and a run whose network was never trained."""
    with ProjectStore.open(drawn_project) as store:
        folder = create_run(store, train_config())
        categories = [{"id": c.id, "name": c.name, "color": c.color} for c in store.categories()]
    torch.manual_seed(0)
    network = MaskRCNN(small_architecture(2), pretrained=False)
    progress = {"epoch": 3, "step": 3, "epoch_step": 0}
    facts = {"architecture": network.architecture.to_json(), "categories": categories, "progress": progress}
    write_tensors(folder.checkpoint("best"), model_tensors(network.state_dict()), facts)
    return drawn_project


def staged(project: Path) -> list[int]:
    with PredictionStore(open_run(project).predictions_path) as store:
        return store.image_ids(3)


def test_a_second_detection_looks_only_at_what_is_missing_and_says_the_same(run, project, looked, capsys) -> None:
    run("detect", project, *CPU, "--split", "train", "--json")
    first = json.loads(capsys.readouterr().out)
    assert (sum(looked), len(staged(project))) == (3, 3)
    looked.clear()
    run("detect", project, *CPU, "--json")
    second = capsys.readouterr()
    assert sum(looked) == 1
    assert "3 were looked at before" in " ".join(second.err.split())
    train = {entry["image_id"] for entry in first}
    assert [entry for entry in json.loads(second.out) if entry["image_id"] in train] == first
    run("detect", project, *CPU, "--fresh")
    assert sum(looked) == 1 + 4


def test_the_batch_that_was_chosen_is_shown(run, project, capsys) -> None:
    run("detect", project, *CPU, "--batch-size", "3")
    assert "batches of 3" in " ".join(capsys.readouterr().err.split())
    run("detect", project, *CPU, "--fresh")
    assert "batches of 1" in " ".join(capsys.readouterr().err.split())


def test_large_images_are_looked_at_in_tiles(run, project, tmp_path, looked, capsys) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(100, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    loose = ("--images", tmp_path / "large.png", "--weights", open_run(project).checkpoint("best"))
    run("detect", *loose, "--tile", "64", "--overlap", "0.25", *CPU, "--json")
    found = json.loads(capsys.readouterr().out)
    assert sum(looked) == 2 * 3
    assert found
    assert {tuple(entry["segmentation"]["size"]) for entry in found} == {(100, 150)}
    assert all(Mask.from_coco(entry["segmentation"]).area > 0 for entry in found)


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_done(run, project, capsys) -> None:
    (project.parent / "pictures" / "2.png").write_bytes(b"no picture")
    with pytest.raises(ImageReadError, match="1 of 4 images could not be looked at; the others are done"):
        run("detect", project, *CPU, "--json")
    told = capsys.readouterr()
    assert "2.png" in told.err.replace("\n", "")
    assert isinstance(json.loads(told.out), list)
    assert len(staged(project)) == 3


@pytest.mark.parametrize(
    ("option", "value"), [("--tile", "small"), ("--tile", "7"), ("--overlap", "0.9"), ("--nms", "none"),
                          ("--min-area", "-1"), ("--batch-size", "-2")],
)  # fmt: skip
def test_an_option_that_does_not_fit_is_named(run, project, option: str, value: str) -> None:
    with pytest.raises(UserError, match=f"The option {option} does not fit"):
        run("detect", project, *CPU, option, value)


def test_a_folder_without_images_and_an_empty_split_get_a_sentence(run, project, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no image to detect on"):
        run("detect", project, *CPU, "--images", tmp_path / "empty")
    with pytest.raises(UserError, match="no image to detect on"):
        run("detect", project, *CPU, "--split", "test")
