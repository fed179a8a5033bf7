"""The inference bench compares like with like, and its ratios are those of its figures."""

from __future__ import annotations

import contextlib
import io
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.bench.inference import Timed, _check_alike, take_turns
from engine.bench.inference_settings import InferenceSettings
from engine.bench.inference_sides import PARTS, MaskwrightDetection, TorchvisionDetection
from engine.bench.intervals import Interval
from engine.bench.pictures import make_pictures
from engine.bench.planted import Planted
from engine.bench.settings import CLASSES, Side
from engine.bench.start import digest, draw_start, read_start
from engine.errors import RunError
from main import main

TINY = InferenceSettings(
    small=96, large=160, images=1, detections=4, short_side=64, long_side=96, rounds=2, threads=1, device="cpu"
)
RATIOS = ("speedup", "fp32_speedup", "paste_speedup", "memory_ratio", "warm_up_s")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What ``bench inference --json`` prints on the tiny settings."""
    arguments = ["bench", "inference", "--json"]
    for name, value in TINY.model_dump().items():
        arguments += ["--" + name.replace("_", "-"), str(value)]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0
    return dict(json.loads(out.getvalue()))


@pytest.mark.slow
def test_both_sizes_have_every_figure_and_the_ratios_are_those_of_the_figures(result) -> None:
    for name, longest in TINY.pictures.items():
        size = result[name]
        theirs, own, plain = (size[side] for side in ("torchvision", "maskwright", "maskwright_fp32"))
        assert max(size["height"], size["width"]) == longest
        assert all(size[key] > 0 for key in RATIOS)
        assert size["speedup"] == pytest.approx(theirs["s_per_image"] / own["s_per_image"])
        assert size["fp32_speedup"] == pytest.approx(theirs["s_per_image"] / plain["s_per_image"])
        assert size["paste_speedup"] == pytest.approx(theirs["paste_alone_s"] / own["paste_alone_s"])
        assert size["memory_ratio"] == pytest.approx(own["peak_memory_mib"] / theirs["peak_memory_mib"])
        low, high = size["speedup_interval"]
        assert low <= size["speedup"] <= high
        assert size["warm_up_s"] == own["warm_up_s"]


@pytest.mark.slow
def test_both_sides_ran_the_same_weights_on_as_many_objects(result) -> None:
    for name in TINY.pictures:
        sides = [result[name][side] for side in ("torchvision", "maskwright", "maskwright_fp32")]
        assert len({side["weights_sha256"] for side in sides}) == 1
        assert {side["masks"] for side in sides} == {TINY.detections}
        assert max(s["mask_pixels"] for s in sides) <= 1.01 * min(s["mask_pixels"] for s in sides)
        for side in sides:
            assert side["s_per_image"] == statistics.median(side["seconds"])
            assert len(side["seconds"]) == TINY.rounds
            assert all(side[f"{part}_s"] > 0 for part in PARTS)
    assert result["machine"]["torch"] == torch.__version__


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[TorchvisionDetection, MaskwrightDetection]:
    folder: Path = tmp_path_factory.mktemp("bench")
    data = make_pictures(folder, count=2, objects=5, longest=160, classes=CLASSES, seed=3)
    draw_start(folder, TINY.architecture(), seed=3)
    start, asked = read_start(folder), TINY.model_copy(update={"threads": 0})
    return TorchvisionDetection(asked, data, start), MaskwrightDetection(asked, data, start, amp="off")


@pytest.mark.slow
def test_the_sides_are_one_network_and_paste_the_same_masks(sides) -> None:
    theirs, own = sides
    assert digest(theirs.network.state_dict()) == digest(own.network.state_dict())
    (count, pixels), (own_count, own_pixels) = theirs.found(), own.found()
    assert count == own_count == 5
    assert own_pixels == pytest.approx(pixels, rel=0.01)


@pytest.mark.slow
def test_the_sides_feed_their_networks_the_same_pixels_and_find_the_same_scores(sides, monkeypatch) -> None:
    theirs, own = sides
    seen: dict[str, list[Any]] = {"theirs": [], "own": []}
    for name, side in (("theirs", theirs), ("own", own)):
        side.network.backbone.register_forward_pre_hook(lambda _m, args, name=name: seen[name].append(args[0]))
    real = own._detect_heads
    monkeypatch.setattr(own, "_detect_heads", lambda *args: seen["own"].append(real(*args)))
    theirs.network.roi_heads.register_forward_hook(lambda _m, _args, out: seen["theirs"].append(out[0]), prepend=True)
    theirs.whole()
    own.whole()
    assert seen["theirs"][0].shape == seen["own"][0].shape
    torch.testing.assert_close(seen["theirs"][0], seen["own"][0].contiguous(), atol=1e-4, rtol=1e-4)
    scores, own_scores = seen["theirs"][1][0]["scores"], seen["own"][1][0]["scores"]
    assert len(own_scores) == TINY.detections
    torch.testing.assert_close(scores, own_scores, atol=1e-3, rtol=1e-3)


def test_what_is_planted_comes_back_in_pixels_of_the_image(tmp_path: Path) -> None:
    data = make_pictures(tmp_path, count=1, objects=6, longest=200, classes=CLASSES, seed=1)
    annotation = data.images[0].annotation
    planted = Planted.of(annotation, torch.device("cpu"))
    answer = planted.answer((75, 100))
    boxes = np.array([i.box_xyxy for i in annotation.instances])
    np.testing.assert_allclose(answer["boxes"].numpy(), boxes / 2, atol=1e-4)
    assert (answer["scores"].diff() < 0).all()
    for instance, grid in zip(annotation.instances, planted.masks[:, 0], strict=True):
        assert instance.mask is not None
        x0, y0, x1, y1 = instance.mask.box
        assert float(grid.mean()) == pytest.approx(instance.mask.area / ((x1 - x0) * (y1 - y0)), abs=0.02)


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=40))
def test_an_interval_holds_its_median_and_narrows_to_values_of_the_series(values: list[float]) -> None:
    interval = Interval.of(values)
    assert interval.low <= interval.median <= interval.high
    assert {interval.low, interval.high} <= set(values)


def test_bounds_are_those_of_the_binomial_table() -> None:
    """Of 5 values the whole range is needed, of 6 it holds 96.9 %, of 20 the 6th and 15th hold 95.9 %."""
    bounds = {n: Interval.of([float(i) for i in range(1, n + 1)]).bounds for n in (5, 6, 9, 20)}
    assert bounds == {5: [1, 5], 6: [1, 6], 9: [2, 8], 20: [6, 15]}


def test_a_ratio_is_as_unsure_as_its_parts_allow() -> None:
    ratio = Interval(4.0, 3.0, 5.0).over(Interval(2.0, 1.0, 2.5))
    assert (ratio.median, ratio.low, ratio.high) == (2.0, 3.0 / 2.5, 5.0)


def test_the_warm_up_counts_for_no_figure() -> None:
    asked: list[tuple[Side, str]] = []

    class Steady:
        def __init__(self, side: Side) -> None:
            self.side, self.ready, self._calls = side, {"weights_sha256": "a"}, 0

        def ask(self, what: str) -> dict[str, Any]:
            asked.append((self.side, what))
            self._calls += 1
            first = self._calls <= 4  # the warm-up: whole twice, parts, paste
            seconds = 9.0 if first else 0.5
            return {
                "seconds": seconds, "parts": {"read": seconds}, "masks": 4, "pixels": 100, "peak_memory_mib": 10.0
            }  # fmt: skip

    workers: Any = [Steady(Side.TORCHVISION), Steady(Side.MASKWRIGHT)]
    settings = TINY.model_copy(update={"images": 2, "warm_up": 2})
    timed = take_turns(workers, settings, tell=lambda _: None)
    for side in timed.values():
        assert side.warm_up == 9.0
        assert side.whole == [0.25] * TINY.rounds
        assert side.paste == side.parts["read"] == [0.5] * TINY.rounds
    turns = [side for side, what in asked if what == "whole"][4:]
    assert turns == [Side.TORCHVISION, Side.MASKWRIGHT] * TINY.rounds


def test_sides_that_did_unlike_work_are_not_compared() -> None:
    def side(weights: str = "a", masks: int = 4, pixels: int = 1000) -> Timed:
        return Timed({"weights_sha256": weights}, masks=masks, pixels=pixels)

    _check_alike([side(), side(pixels=1009)])
    with pytest.raises(RunError, match="same weights"):
        _check_alike([side(), side("b")])
    with pytest.raises(RunError, match="number of objects"):
        _check_alike([side(), side(masks=3)])
    with pytest.raises(RunError, match="1000 and 1100 pixels"):
        _check_alike([side(), side(pixels=1100)])


def test_an_option_that_does_not_fit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "inference", "--rounds", "0"]) == 1
    assert "--rounds" in capsys.readouterr().err
