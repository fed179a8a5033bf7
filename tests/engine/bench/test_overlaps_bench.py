"""The bench of same-object groups on a few pictures."""

from __future__ import annotations

import json
import sys

import pytest

from engine.bench.overlaps import measure
from engine.bench.overlaps_scenes import HEIGHT, WIDTH, Mix, Scenes, touching_pairs
from engine.domain.mask import boxes_touch
from engine.domain.prediction import Prediction
from engine.errors import UserError
from engine.review.relations import MIN_SCORE, Relations
from main import main


def pictures(mix: Mix, seed: int = 0, count: int = 2, detections: int = 40) -> list[list[Prediction]]:
    return list(Scenes(mix, detections, seed).pictures(count))


@pytest.mark.parametrize("mix", list(Mix))
def test_pictures_hold_as_many_detections_as_asked_inside_them_with_tight_boxes(mix: Mix) -> None:
    for items in pictures(mix):
        assert [p.id for p in items] == list(range(1, 41))
        for item in items:
            assert item.mask is not None
            assert item.mask.shape == (HEIGHT, WIDTH)
            assert item.box_xyxy == tuple(map(float, item.mask.box))
            assert item.score >= MIN_SCORE


def test_pictures_follow_from_the_seed_and_none_depends_on_how_many_there_are() -> None:
    assert pictures(Mix.REALISTIC) == pictures(Mix.REALISTIC, count=3)[:2]
    assert pictures(Mix.REALISTIC) != pictures(Mix.REALISTIC, seed=1)


def test_crowded_pictures_have_more_touching_pairs() -> None:
    counts = {mix: sum(touching_pairs(items) for items in pictures(mix, count=4)) for mix in Mix}
    assert counts[Mix.CROWDED] > 2 * counts[Mix.REALISTIC] > 0


def test_touching_pairs_are_counted_once_each() -> None:
    (items,) = pictures(Mix.CROWDED, count=1, detections=15)
    by_hand = sum(boxes_touch(a.box_xyxy, b.box_xyxy) for a in items for b in items if a.id < b.id)
    assert touching_pairs(items) == by_hand


def test_both_sides_find_the_same_pairs_and_every_figure_is_there() -> None:
    told = measure(images=11, detections=30, seed=3, tell=lambda text: None)
    assert (told["images"], told["crowded"]["images"], told["detections"]) == (11, 1, 30)
    for figures in (told, told["crowded"]):
        assert figures["seconds"] > 0
        assert figures["speedup_vs_pycocotools"] > 0
        assert figures["pairs_speedup_vs_pycocotools"] > 0
        assert figures["touching_pairs_per_image"] >= figures["same_object_pairs_per_image"] > 0
        assert figures["groups_per_image"] > 0
    assert told["rss_mib"] is None or told["rss_mib"] > 0


def test_sides_that_do_not_agree_end_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relations, "among", lambda self, indices, kind: {})
    with pytest.raises(AssertionError, match="do not agree"):
        measure(images=2, detections=30, tell=lambda text: None)


def test_without_pycocotools_the_bench_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(UserError, match="pycocotools, which is not installed"):
        measure(images=1, tell=lambda text: None)


def test_the_command_prints_json_or_a_line_for_each_mix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "overlaps", "--images", "2", "--detections", "20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"seconds", "speedup_vs_pycocotools", "rss_mib", "touching_pairs_per_image"} <= told.keys()
    assert main(["bench", "overlaps", "--images", "2", "--detections", "20"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("touching pairs a picture") == 2
