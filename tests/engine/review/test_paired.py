"""Two networks on the same objects, and how sure their difference is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from quality_cases import CATEGORIES, NUT, WASHER, annotated, box, detected, instance, predicted, random_images

from engine.domain.prediction import Detections
from engine.review.bootstrap import Difference, Rows
from engine.review.paired import Fate, compare_networks
from engine.review.quality.compared import compare_images
from engine.review.quality.measure import measure
from engine.review.quality.outcomes import outcomes_of

NAMES = {c.id: c.name for c in CATEGORIES}


def test_objects_are_fixed_broken_wrong_twice_or_right_twice() -> None:
    truth = [annotated(*(instance(name, box(10 + 35 * k, 20)) for k, name in enumerate(("f", "b", "w", "r"))))]
    first = detected(predicted(1, box(45, 20)), predicted(2, box(115, 20)), predicted(3, box(80, 20), WASHER))
    second = detected(predicted(1, box(10, 20)), predicted(2, box(115, 20)), predicted(3, box(80, 20), NUT, 0.3))
    result = compare_networks(truth, [first], [second], CATEGORIES, draws=20)
    assert {o.first.instance_id: str(o.fate) for o in result.objects} == {
        "f": "fixed",
        "b": "broken",
        "w": "both-wrong",
        "r": "both-right",
    }
    told = result.to_json(NAMES)
    assert told["objects"] == {"fixed": 1, "broken": 1, "both_wrong": 1, "both_right": 1}
    assert {c["instance_id"]: (c["fate"], c["first"]["reason"], c["second"]["reason"]) for c in told["changed"]} == {
        "f": ("fixed", "nothing", None),
        "b": ("broken", None, "nothing"),
    }


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ap50_is_cocos(seed: int) -> None:
    truth, found = random_images(seed)
    quality = measure(truth, found, CATEGORIES)
    outcomes = [outcomes_of(i) for i in compare_images(truth, found, CATEGORIES, boxes_only=False)]
    rows = Rows(outcomes, [c.id for c in CATEGORIES], 0.5)
    once = np.ones(len(outcomes))
    assert rows.ap50(once) == pytest.approx(quality.evaluation.mask_ap50, abs=1e-6)
    counts = quality.counts
    assert rows.recall(once) == pytest.approx(counts.tp / (counts.tp + counts.fn))
    assert rows.precision(once) == pytest.approx(counts.tp / (counts.tp + counts.fp))


def test_a_weight_of_two_is_the_image_twice() -> None:
    truth, found = random_images(3, count=5)
    ids = [c.id for c in CATEGORIES]
    outcomes = [outcomes_of(i) for i in compare_images(truth, found, CATEGORIES, boxes_only=False)]
    weights = np.array([2.0, 1.0, 0.0, 3.0, 1.0])
    repeated = [o for o, weight in zip(outcomes, weights, strict=True) for _ in range(int(weight))]
    weighted, plain = Rows(outcomes, ids, 0.5), Rows(repeated, ids, 0.5)
    once = np.ones(len(repeated))
    assert weighted.recall(weights) == pytest.approx(plain.recall(once))
    assert weighted.precision(weights) == pytest.approx(plain.precision(once))
    assert weighted.ap50(weights) == pytest.approx(plain.ap50(once))


def test_a_network_against_itself_differs_by_nothing() -> None:
    truth, found = random_images(4)
    result = compare_networks(truth, found, found, CATEGORIES, draws=50)
    assert result.count(Fate.FIXED) == result.count(Fate.BROKEN) == 0
    for figure in result.figures.values():
        assert (figure.difference, figure.low, figure.high, figure.sure) == (0, 0, 0, False)
    assert "which may be chance" in result.sentence()


def test_the_interval_is_the_same_for_a_seed_and_turns_round_with_the_runs() -> None:
    truth, found = random_images(5)
    worse = [replace(d, predictions=d.predictions[::2]) for d in found]
    there = compare_networks(truth, found, worse, CATEGORIES, draws=80, seed=7)
    assert compare_networks(truth, found, worse, CATEGORIES, draws=80, seed=7).figures == there.figures
    back = compare_networks(truth, worse, found, CATEGORIES, draws=80, seed=7)
    for name, figure in there.figures.items():
        turned = back.figures[name]
        assert turned.difference == pytest.approx(-_number(figure.difference))
        assert (turned.low, turned.high) == pytest.approx((-_number(figure.high), -_number(figure.low)))
        assert _number(figure.low) <= _number(figure.difference) <= _number(figure.high)


def _number(value: float | None) -> float:
    assert value is not None
    return value


def test_a_network_that_finds_everything_is_surely_better_than_one_that_finds_nothing() -> None:
    truth = [annotated(instance(f"i{k}", box(20, 20)), image_id=k) for k in range(1, 9)]
    nothing = [Detections(a.image_id, a.height, a.width, ()) for a in truth]
    everything = [detected(predicted(1, box(20, 20), image_id=k), image_id=k) for k in range(1, 9)]
    result = compare_networks(truth, nothing, everything, CATEGORIES, draws=100)
    assert result.figures["ap50"] == Difference(0, 1, 1, 1, 1)
    assert result.figures["precision"] == Difference(None, 1, None, None, None)  # nothing was reported at first
    assert result.sentence().startswith("The second run fixed 8 objects and broke 0; AP50 changed by +1.000")
    assert "more than chance" in result.sentence()


def test_more_images_narrow_the_interval() -> None:
    def width(images: int) -> float:
        truth = [annotated(instance("x", box(20, 20)), image_id=k) for k in range(1, images + 1)]
        found = [detected(predicted(1, box(20, 20), image_id=k), image_id=k) for k in range(1, images + 1)]
        half = [replace(d, predictions=d.predictions if d.image_id % 2 else ()) for d in found]
        figure = compare_networks(truth, half, found, CATEGORIES, draws=300).figures["recall"]
        return _number(figure.high) - _number(figure.low)

    assert width(64) < width(16) < width(4)
