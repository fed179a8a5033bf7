import pytest

from engine.config import PRESETS, Layers, StagePlan, train_config
from engine.errors import UserError
from engine.events import Note, StepDone, from_line, to_line
from engine.training.schedule import learning_rate


def test_a_plan_is_read_as_it_is_written() -> None:
    plan = StagePlan.parse("heads:4@1e-2, 4+:10@1e-3!")
    assert [(s.layers, s.until_epoch, s.learning_rate, s.augment) for s in plan.stages] == [
        (Layers.HEADS, 4, 0.01, True),
        (Layers.FROM_4, 10, 0.001, False),
    ]
    assert [plan.stage_of(e) for e in (1, 4, 5, 10)] == [0, 0, 1, 1]


def test_the_notes_preset_is_the_schedule_of_the_notes() -> None:
    stages = PRESETS["notes"].plan.stages
    assert [(s.layers, s.until_epoch) for s in stages] == [("heads", 50), ("all", 75), ("all", 90)]
    assert stages[1].learning_rate == pytest.approx(stages[0].learning_rate / 10)
    assert stages[2].learning_rate == pytest.approx(stages[0].learning_rate / 100)


@pytest.mark.parametrize("text", ["heads", "heads:4", "heads:x@1", "tail:4@1e-2", "heads:0@1e-2", "heads:4@-1", ""])
def test_a_stage_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        StagePlan.parse(text)


def test_until_epoch_is_cumulative_and_must_rise() -> None:
    with pytest.raises(UserError, match="rise"):
        StagePlan.parse("heads:10@1e-2,all:5@1e-3")


def test_every_stage_warms_up_and_a_cosine_falls() -> None:
    config = train_config("quick", settings=("warmup_steps=10",))
    rates = [learning_rate(config, step, 31) for step in range(config.plan.epochs * 31)]
    top = config.plan.stages[0].learning_rate
    assert rates[0] == pytest.approx(top / 10, rel=0.05)
    assert max(rates) == pytest.approx(top, rel=0.02)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < top / 40
    constant = train_config(stages="heads:2@1e-2,all:4@1e-3", settings=("warmup_steps=2",))
    assert [learning_rate(constant, s, 5) for s in (0, 1, 2, 9)] == pytest.approx([0.005, 0.01, 0.01, 0.01])
    assert [learning_rate(constant, s, 5) for s in (10, 11, 12)] == pytest.approx([0.0005, 0.001, 0.001])


def test_events_come_back_from_their_lines_and_foreign_ones_are_ignored() -> None:
    event = StepDone(
        epoch=1, step=2, steps_per_epoch=3, losses={"a": 1.5}, learning_rate=0.1, images_per_second=2, seconds_left=3
    )
    assert from_line(to_line(event)) == event
    assert from_line(to_line(Note(text="“ü”"))).text == "“ü”"
    assert from_line('{"type": "of_a_newer_version", "time": 1}') is None
    assert from_line('{"type": "step_do') is None


def test_a_presets_anchors_are_for_a_backbone_alone_and_a_detector_keeps_its_own() -> None:
    assert train_config("quick", settings=("weights=resnet50-imagenet-v2",)).anchor_sizes == (24, 48, 96, 192, 384)
    for detector in ("coco", "run:20260101-000000@best", "somewhere/net.pth"):
        assert train_config("quick", settings=(f"weights={detector}",)).anchor_sizes == ()
    asked = train_config("quick", settings=("anchor_sizes=16,32,64,128,256", "weights=coco"))
    assert asked.anchor_sizes == (16, 32, 64, 128, 256)
    with pytest.raises(UserError, match="no weights"):
        train_config("quick", settings=("weights=nothing-of-that-name",))
