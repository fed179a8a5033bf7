"""The training bench compares like with like, and its ratios are those of its figures."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn

from engine.bench.pictures import make_pictures
from engine.bench.recipe import recipe_network
from engine.bench.recipe_data import RecipeData, transform_for
from engine.bench.settings import BenchSettings, Side
from engine.bench.start import digest, read_start, write_start
from engine.bench.training import _check_alike
from engine.bench.turns import Measured, Worker, take_turns
from engine.errors import RunError
from engine.model.device import process_peak_mib
from engine.model.inputs import input_size
from engine.project.runs import engine_environment
from engine.training.augment import Augmentation
from main import main

TINY = BenchSettings(size=64, images=2, objects=2, steps=1, rounds=1, warm_up=1, rois=8, threads=1, device="cpu")
OBJECTS_LOADER = 5


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What ``bench training --json`` prints on the tiny settings."""
    arguments = ["bench", "training", "--json", "--loader-objects", str(OBJECTS_LOADER), "--loader-rounds", "2"]
    for name in ("size", "images", "objects", "steps", "rounds", "warm_up", "rois", "threads", "device"):
        arguments += ["--" + name.replace("_", "-"), str(getattr(TINY, name))]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0
    return dict(json.loads(out.getvalue()))


def sides_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [result[key] for key in ("recipe", "maskwright", "maskwright_fp32")]


@pytest.mark.slow
def test_both_sides_start_from_the_same_weights_and_see_the_same_objects(result) -> None:
    assert len({side["weights_sha256"] for side in sides_of(result)}) == 1
    steps, in_a_batch = TINY.warm_up + TINY.rounds * TINY.steps, 2 * TINY.objects
    assert all(side["objects_per_step"] == [in_a_batch] * steps for side in sides_of(result))


@pytest.mark.slow
def test_both_sides_begin_with_about_the_same_loss(result) -> None:
    theirs, own = (side["losses"][0] for side in (result["recipe"], result["maskwright_fp32"]))
    assert own == pytest.approx(theirs, rel=0.25)  # the draws of flips, light, anchors and ROIs differ


@pytest.mark.slow
def test_every_figure_is_positive_and_every_step_after_the_warm_up_counts(result) -> None:
    for side in sides_of(result):
        assert min(side["s_per_step"], side["images_per_s"], side["peak_memory_mib"]) > 0
        assert len(side["seconds"]) == TINY.rounds * TINY.steps
        assert side["s_per_step"] == statistics.median(side["seconds"])
        assert side["threads"] == TINY.threads
    assert result["loader"]["recipe_s_per_image"] > 0
    assert result["loader"]["maskwright_s_per_image"] > 0


@pytest.mark.slow
def test_the_ratios_are_those_of_the_figures(result) -> None:
    recipe, own, plain = sides_of(result)
    loader = result["loader"]
    assert result["speedup"] == pytest.approx(own["images_per_s"] / recipe["images_per_s"])
    assert result["fp32_speedup"] == pytest.approx(recipe["s_per_step"] / plain["s_per_step"])
    assert result["memory_ratio"] == pytest.approx(own["peak_memory_mib"] / recipe["peak_memory_mib"])
    assert result["loader_speedup"] == pytest.approx(loader["recipe_s_per_image"] / loader["maskwright_s_per_image"])
    assert recipe["dtype"] == plain["dtype"] == "float32"


@pytest.mark.slow
def test_the_machine_is_named(result) -> None:
    assert result["machine"]["cpu"]
    assert result["machine"]["torch"] == torch.__version__
    assert result["machine"]["threads"] == TINY.threads
    assert result["settings"]["size"] == TINY.size


@pytest.mark.slow
def test_a_side_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match=r"“recipe” ended early.*dataset\.json"):
        Worker(tmp_path, Side.RECIPE)


def test_the_recipes_network_is_torchvisions_and_takes_the_starting_weights(tmp_path: Path) -> None:
    write_start(tmp_path, TINY)
    network, start = recipe_network(TINY), read_start(tmp_path)
    network.load_state_dict(dict(start))
    assert digest(network.state_dict()) == digest(start)
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=6).state_dict()
    assert {n: t.shape for n, t in start.items()} == {n: t.shape for n, t in theirs.items()}
    frozen = {n.split(".")[2] for n, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {"conv1", "layer1"}


def test_pictures_come_with_the_objects_asked_for_each_with_a_hole_and_the_same_again(tmp_path: Path) -> None:
    one, again = (
        make_pictures(tmp_path / name, count=2, objects=7, longest=160, classes=3, seed=4) for name in ("one", "again")
    )
    assert one.digest == again.digest
    for image, other in zip(one.images, again.images, strict=True):
        assert image.path.read_bytes() == other.path.read_bytes()
        assert len(image.annotation) == 7
        assert all(len(i.mask.holes) == 1 for i in image.annotation.instances)


@pytest.mark.parametrize("augmentation", [Augmentation(scale=(1.0, 1.0), rotation=0.0), Augmentation()])
def test_the_recipe_feeds_an_image_a_mask_for_every_object_and_the_boxes_around_them(
    tmp_path: Path, augmentation: Augmentation
) -> None:
    data = make_pictures(tmp_path, count=1, objects=6, longest=160, classes=3, seed=4)
    transform = transform_for(120, 160, size=128, augmentation=augmentation)
    torch.manual_seed(0)
    image, target = RecipeData(data.images, labels={1: 1, 2: 2, 3: 3}, transform=transform)[0]
    assert image.shape == (3, *input_size(120, 160, 128))
    assert image.dtype is torch.float32
    assert 0 <= image.min() < image.max() <= 1
    assert target["masks"].shape == (len(target["labels"]), *image.shape[1:])
    assert len(target["labels"]) > 0
    for box, mask in zip(target["boxes"].numpy(), target["masks"].numpy(), strict=True):
        rows, columns = np.nonzero(mask)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(box, around, atol=1.5)  # resized boxes end between the pixels


def a_side_that_only_counts(*_: str) -> list[str]:
    """A process that says it is ready and answers each request for steps."""
    lines = (
        "import json, sys",
        "print(json.dumps({'weights_sha256': 'a'}), flush=True)",
        "for line in sys.stdin:",
        "    n = int(line)",
        "    turn = {'seconds': [0.5] * n, 'objects': [4] * n, 'losses': [1.0] * n, 'peak_memory_mib': 10.0}",
        "    print(json.dumps(turn), flush=True)",
    )
    return [sys.executable, "-c", "\n".join(lines)]


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="this system cannot stop a process from outside")
def test_a_side_stands_still_outside_its_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.bench.turns.engine_command", a_side_that_only_counts)
    with Worker(tmp_path, Side.RECIPE) as worker:
        pid = worker._process.pid
        for _ in range(2):
            changed = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            assert changed is not None
            assert (changed.si_code, changed.si_status) == (os.CLD_STOPPED, signal.SIGSTOP)
            assert worker.turn(3)["objects"] == [4, 4, 4]
    assert worker._process.returncode == 0


def test_sides_work_in_turn_and_the_warm_up_counts_for_memory_only() -> None:
    turns: list[tuple[Side, int]] = []

    class Steady:
        def __init__(self, side: Side) -> None:
            self.side, self.ready = side, {"weights_sha256": "a"}

        def turn(self, steps: int) -> dict[str, Any]:
            turns.append((self.side, steps))
            first = len(turns) <= 2  # of each of the two
            seconds, peak = (9.0, 300.0) if first else (0.5, 200.0)
            return {"seconds": [seconds] * steps, "objects": [], "losses": [], "peak_memory_mib": peak}

    workers: Any = [Steady(Side.RECIPE), Steady(Side.MASKWRIGHT)]
    measured = take_turns(workers, steps=3, rounds=2, warm_up=1, tell=lambda _: None)
    once = [(Side.RECIPE, 3), (Side.MASKWRIGHT, 3)]
    assert turns == [(Side.RECIPE, 1), (Side.MASKWRIGHT, 1), *once, *once]
    for side in measured.values():
        assert side.seconds == [0.5] * 6
        assert side.images_per_s == pytest.approx(2 / 0.5)
        assert side.peak_memory_mib == 300


def test_sides_that_did_unlike_work_are_not_compared() -> None:
    def side(weights: str, objects: int) -> Measured:
        return Measured({"weights_sha256": weights}, objects=[objects])

    _check_alike({Side.RECIPE: side("a", 4), Side.MASKWRIGHT: side("a", 4)})
    with pytest.raises(RunError, match="same weights"):
        _check_alike({Side.RECIPE: side("a", 4), Side.MASKWRIGHT: side("b", 4)})
    with pytest.raises(RunError, match="number of objects"):
        _check_alike({Side.RECIPE: side("a", 4), Side.MASKWRIGHT: side("a", 3)})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the starting process in")
def test_the_peak_of_a_worker_does_not_hold_that_of_the_process_that_starts_it() -> None:
    ballast = np.ones(400 << 20, dtype=np.uint8)
    code = "from engine.model.device import process_peak_mib; print(process_peak_mib())"
    out = subprocess.run([sys.executable, "-c", code], env=engine_environment(), capture_output=True, check=True)
    own = process_peak_mib()
    assert 0 < float(out.stdout) < own - ballast.nbytes / 2**21


def test_an_option_that_does_not_fit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "training", "--images", "3"]) == 1
    assert "--images" in capsys.readouterr().err
