from __future__ import annotations

from dataclasses import replace

import pytest

from engine.config import StagePlan, train_config
from engine.domain.annotation import Split
from engine.prediction.curve_runs import shortened, with_equal_steps
from engine.project.dataset import FrozenDataset
from engine.training.loader import SampleLoader

NOTES = "heads:50@1e-2,all:75@1e-3,all:90@1e-4"


def ends(plan: StagePlan) -> list[int]:
    return [s.until_epoch for s in plan.stages]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(90, [50, 75, 90]), (18, [10, 15, 18]), (3, [1, 2, 3]), (4, [2, 3, 4]), (180, [100, 150, 180])],
)
def test_a_shorter_plan_keeps_the_shares_of_its_stages(epochs: int, expected: list[int]) -> None:
    assert ends(shortened(StagePlan.parse(NOTES), epochs)) == expected


def test_a_plan_of_fewer_epochs_than_stages_keeps_the_last_ones() -> None:
    plan = shortened(StagePlan.parse(NOTES), 2)
    assert ends(plan) == [1, 2]
    assert [s.learning_rate for s in plan.stages] == [1e-3, 1e-4]


def test_a_short_first_stage_is_not_lost() -> None:
    assert ends(shortened(StagePlan.parse("heads:1@1e-2,all:100@1e-3"), 5)) == [1, 5]
    assert ends(shortened(StagePlan.parse("heads:99@1e-2,all:100@1e-3"), 5)) == [4, 5]


def trained_on(data: FrozenDataset, copies: int) -> FrozenDataset:
    """The data with so many training images."""
    (image, *_), val = data.of_split(Split.TRAIN), data.of_split(Split.VAL)
    images = [replace(image, image_id=100 + k) for k in range(copies)]
    return replace(data, images=(*images, *val))


@pytest.mark.parametrize("least", [0, 30])
@pytest.mark.parametrize("part", [5, 10, 15, 20])
def test_a_part_of_the_images_makes_about_the_steps_of_all(tiny_dataset: FrozenDataset, part: int, least: int) -> None:
    config = train_config(stages="all:30@1e-3", settings=("batch_size=2", f"min_epoch_steps={least}"))
    whole, some = trained_on(tiny_dataset, 20), trained_on(tiny_dataset, part)

    def steps(settings, data: FrozenDataset) -> int:
        loader = SampleLoader(
            data.annotated(Split.TRAIN), labels={}, image_size=64, batch_size=2, seed=0,
            min_steps=settings.min_epoch_steps,
        )  # fmt: skip
        return loader.steps_per_epoch * settings.plan.epochs

    assert steps(with_equal_steps(config, some, of=whole), some) == pytest.approx(steps(config, whole), rel=0.05)
