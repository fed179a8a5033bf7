from __future__ import annotations

import numpy as np
import pytest
from diagnosis_cases import Skill, World

from engine.domain.annotation import Annotation, Split
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.review.diagnosis.learning_curve import PowerLaw, curve_of, fit_power_law, nested_subsets


def frozen(world: World, train: list[Annotation], val: list[Annotation], tmp_path) -> FrozenDataset:
    images = [FrozenImage(a.image_id, tmp_path / f"{a.image_id}.png", a, Split.TRAIN) for a in train]
    images += [FrozenImage(a.image_id, tmp_path / f"{a.image_id}.png", a, Split.VAL) for a in val]
    return FrozenDataset(world.categories, tuple(images))


def training_ids(data: FrozenDataset) -> set[int]:
    return {i.image_id for i in data.of_split(Split.TRAIN)}


@pytest.fixture
def data(tmp_path) -> FrozenDataset:
    world = World(41)
    return frozen(world, world.images(21), world.images(5, first_id=100), tmp_path)


def test_each_part_lies_within_the_next_and_validation_stays(data: FrozenDataset) -> None:
    parts = nested_subsets(data, seed=3)
    ids = [training_ids(part) for part in parts]
    assert [len(i) for i in ids] == [6, 11, 16, 21]
    assert ids[0] < ids[1] < ids[2] < ids[3]
    for part in parts:
        assert part.of_split(Split.VAL) == data.of_split(Split.VAL)
        assert len(part.images) == len(data.images)


def test_equal_seeds_take_equal_parts_and_others_take_others(data: FrozenDataset) -> None:
    first = [training_ids(nested_subsets(data, seed=seed)[0]) for seed in (3, 3, 4)]
    assert first[0] == first[1] != first[2]


@pytest.mark.parametrize("seed", range(6))
def test_the_smallest_part_has_every_class(data: FrozenDataset, seed: int) -> None:
    smallest = nested_subsets(data, seed=seed, shares=(0.01, 1.0))[0]
    seen = {i.category_id for image in smallest.of_split(Split.TRAIN) for i in image.annotation}
    assert seen == {c.id for c in data.categories}


def test_parts_of_a_tiny_set_that_come_out_equal_are_there_once(tmp_path) -> None:
    world = World(43)
    (only,) = world.images(1)
    assert len(nested_subsets(frozen(world, [only], world.images(1, first_id=9), tmp_path), seed=0)) == 1


def test_a_power_law_is_found_again() -> None:
    true = PowerLaw(0.9, 0.35)
    images = np.array([25.0, 50.0, 75.0, 100.0])
    (found,) = fit_power_law(images, np.array([[true.ap50(n) for n in images]]), least_error=1e-6)
    assert (found.amplitude, found.exponent) == (pytest.approx(0.9), pytest.approx(0.35))


def test_a_perfect_score_counts_as_half_an_object_missed() -> None:
    (found,) = fit_power_law(np.array([1.0, 2.0]), np.array([[0.5, 1.0]]), least_error=0.01)
    assert found.ap50(2) == pytest.approx(0.99)


def measured(data: FrozenDataset, world: World, skills: list[Skill]) -> list:
    truth = [i.annotation for i in data.of_split(Split.VAL)]
    parts = nested_subsets(data, seed=1)
    return [(part, world.measured(truth, skill).outcomes) for part, skill in zip(parts, skills, strict=True)]


def test_a_network_that_grows_with_its_images_is_promised_more_with_an_interval_above_nothing(tmp_path) -> None:
    world = World(44)
    data = frozen(world, world.images(40), world.images(60, first_id=100), tmp_path)
    curve = curve_of(measured(data, world, [Skill(s) for s in (0.3, 0.5, 0.6, 0.66)]), epochs=7)
    assert [p.images for p in curve.points] == [10, 20, 30, 40]
    assert curve.gain is not None
    assert curve.doubled is not None
    assert 0 < curve.gain.low < curve.gain.value < curve.gain.high < 0.4
    assert curve.doubled.value > curve.points[-1].ap50.value
    assert "Twice as many (80)" in curve.sentence()
    assert curve.sentence().endswith("More images help.")
    assert curve.to_json()["points"][0]["images"] == 10


def test_a_network_that_no_longer_grows_is_promised_nothing(tmp_path) -> None:
    world = World(45)
    data = frozen(world, world.images(40), world.images(30, first_id=100), tmp_path)
    curve = curve_of(measured(data, world, [Skill(0.8)] * 4), epochs=7)
    assert curve.gain is not None
    assert curve.gain.low < 0 < curve.gain.high
    assert "not shown that more images" in curve.sentence()


def test_one_size_makes_no_curve(tmp_path) -> None:
    world = World(46)
    data = frozen(world, world.images(1), world.images(3, first_id=100), tmp_path)
    curve = curve_of(measured(data, world, [Skill(0.8)]), epochs=1)
    assert (curve.law, curve.gain) == (None, None)
    assert "too few training images" in curve.sentence()
