"""queue, compare and pairs as a person runs them, on predictions that the test writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import train_config
from engine.domain.annotation import Instance, Split
from engine.domain.prediction import Detections, Prediction
from engine.project.pair_policies import pair_policies
from engine.project.predictions import PredictionStore
from engine.project.records import Decision, Verdict
from engine.project.runs import RunFolder, create_run
from engine.project.store import ProjectStore
from main import main

RING, DISC = 1, 2
EPOCH = 3
VAL = 4  # the drawn project's image for validation
Command = Callable[..., tuple[str, str]]


def predicted(instance: Instance, score: float, category: int | None = None) -> Prediction:
    category = instance.category_id if category is None else category
    return Prediction(0, VAL, category, score, instance.box_xyxy, instance.mask)


def objects_of(project: Path) -> tuple[Instance, ...]:
    """The validation image's ring and disc."""
    with ProjectStore.open(project, read_only=True) as store:
        return store.annotation(VAL).instances


def make_run(project: Path, found: list[Prediction]) -> RunFolder:
    with ProjectStore.open(project) as store:
        run = create_run(store, train_config())
    with PredictionStore(run.predictions_path, read_only=False) as staged:
        staged.add(Detections(VAL, 64, 96, tuple(sorted(found, key=lambda p: -p.score))), EPOCH)
    return run


@pytest.fixture
def confused(drawn_project: Path) -> RunFolder:
    """A run that takes the disc for a ring first and a disc second, and does not see the ring."""
    _, disc = objects_of(drawn_project)
    return make_run(drawn_project, [predicted(disc, 0.9, RING), predicted(disc, 0.8)])


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command that succeeds; gives what it printed on both streams."""

    def call(*arguments: object) -> tuple[str, str]:
        assert main([str(a) for a in arguments]) == 0
        printed = capsys.readouterr()
        return printed.out, " ".join(printed.err.split())

    return call


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(a) for a in arguments]) == 1
    return " ".join(capsys.readouterr().err.split())


# --- queue --------------------------------------------------------------------------------------------------------


def test_the_queue_names_contradictions_first_and_images_without_a_look_not_when_labelled(
    drawn_project: Path, confused: RunFolder, command: Command
) -> None:
    told = json.loads(command("queue", drawn_project, "--json")[0])
    assert (told["run"], told["epoch"], told["total"]) == (confused.id, EPOCH, 2)
    assert [item["kind"] for item in told["items"]] == ["wrong-class", "missed"]
    assert told["items"][0]["instance_ids"] == ["4-2"]
    assert "lies on what a person calls disc" in told["items"][0]["reason"]
    assert told["by_kind"] == {"wrong-class": 1, "missed": 1}


def test_the_queue_can_be_cut_to_a_split_and_a_length(
    drawn_project: Path, confused: RunFolder, command: Command
) -> None:
    assert json.loads(command("queue", drawn_project, "--split", "train", "--json")[0])["items"] == []
    told = json.loads(command("queue", drawn_project, "--limit", 1, "--json")[0])
    assert (len(told["items"]), told["total"]) == (1, 2)
    out, said = command("queue", drawn_project, "--limit", 1)
    assert out == ""
    assert "1 of 2 items." in said


def test_a_queue_without_predictions_says_what_to_do(drawn_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ProjectStore.open(drawn_project) as store:
        create_run(store, train_config())
    assert "Detect first" in refused(capsys, "queue", drawn_project)


# --- compare ------------------------------------------------------------------------------------------------------


def test_two_runs_are_compared_object_by_object(drawn_project: Path, confused: RunFolder, command: Command) -> None:
    ring, disc = objects_of(drawn_project)
    better = make_run(drawn_project, [predicted(ring, 0.9), predicted(disc, 0.4)])
    told = json.loads(command("compare", drawn_project, confused.id, better.id, "--split", "val", "--json")[0])
    assert [r["run"] for r in told["runs"]] == [confused.id, better.id]
    assert told["objects"] == {"fixed": 1, "broken": 1, "both_wrong": 0, "both_right": 0}
    assert told["figures"]["ap50"]["second"] == pytest.approx(1)
    assert told["figures"]["ap50"]["first"] < 1
    assert {c["class"]: c["fate"] for c in told["changed"]} == {"ring": "fixed", "disc": "broken"}
    again = json.loads(command("compare", drawn_project, confused.id, better.id, "--json")[0])
    assert again["figures"] == told["figures"]
    assert "The second run fixed 1 object and broke 1" in command("compare", drawn_project, confused.id, better.id)[1]


def test_runs_on_different_validation_sets_are_refused(
    drawn_project: Path, confused: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProjectStore.open(drawn_project) as store, store.change("Move") as change:
        change.set_split(1, Split.VAL)
    other = make_run(drawn_project, [])
    said = refused(capsys, "compare", drawn_project, confused.id, other.id)
    assert "different val sets (1 and 2 images, or other annotations)" in said


def test_a_run_that_has_not_looked_at_all_images_is_refused_with_the_command_to_give(
    drawn_project: Path, confused: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProjectStore.open(drawn_project) as store:
        blind = create_run(store, train_config())
    said = refused(capsys, "compare", drawn_project, confused.id, blind.id)
    assert "predictions of 0 of the 1 images only" in said
    assert f"--run {blind.id}" in said


# --- pairs --------------------------------------------------------------------------------------------------------


def test_pairs_come_as_a_matrix_with_advice(drawn_project: Path, confused: RunFolder, command: Command) -> None:
    told = json.loads(command("pairs", drawn_project, "--json")[0])
    assert told["matrix"] == [[0, 1], [1, 0]]
    (row,) = told["pairs"]
    assert (row["classes"], row["groups"], row["mean_iou"]) == (["ring", "disc"], 1, 1)
    assert row["mean_score_gap"] == pytest.approx(0.1)
    assert row["advice"]
    assert "ring and disc: 1 objects with both" in command("pairs", drawn_project)[1]


def test_decisions_of_earlier_runs_are_a_hint(drawn_project: Path, confused: RunFolder, command: Command) -> None:
    with PredictionStore(confused.predictions_path) as staged:
        first, second = staged.detections(VAL, EPOCH).predictions
    with ProjectStore.open(drawn_project) as store, store.change("Decide") as change:
        change.decide(Decision(confused.id, first.id, VAL, Verdict.REJECTED))
        change.decide(Decision(confused.id, second.id, VAL, Verdict.ACCEPTED))
        change.decide(Decision("a run that was deleted", 1, VAL, Verdict.ACCEPTED))
    _, disc = objects_of(drawn_project)
    make_run(drawn_project, [predicted(disc, 0.9, RING), predicted(disc, 0.85)])
    (row,) = json.loads(command("pairs", drawn_project, "--json")[0])["pairs"]
    assert (row["groups"], row["decided"], row["hint"]) == (1, 1, "Decided once before: disc kept 1.")


def test_a_rule_is_remembered_shapes_groups_and_can_be_undone(
    drawn_project: Path, confused: RunFolder, command: Command
) -> None:
    command("pairs", drawn_project, "--rule", "disc", "ring", "allow")
    assert json.loads(command("overlaps", drawn_project, "--json")[0])["groups"] == []
    (row,) = json.loads(command("pairs", drawn_project, "--json")[0])["pairs"]
    assert (row["policy"], row["groups"]) == ("allow", 0)
    with ProjectStore.open(drawn_project) as store:
        assert store.undo_label() == "disc and ring on one object: allow"
        store.undo()
        assert pair_policies(store) == {}
    assert len(json.loads(command("overlaps", drawn_project, "--json")[0])["groups"]) == 1


def test_a_rule_is_forgotten_on_request_and_forgetting_nothing_changes_nothing(
    drawn_project: Path, command: Command
) -> None:
    command("pairs", drawn_project, "--rule", "ring", "disc", "forbid")
    command("pairs", drawn_project, "--rule", "disc", "ring", "none")
    command("pairs", drawn_project, "--rule", "disc", "ring", "none")
    with ProjectStore.open(drawn_project) as store:
        assert pair_policies(store) == {}
        assert [entry.label for entry in store.history()][:2] == [
            "disc and ring on one object: none",
            "ring and disc on one object: forbid",
        ]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (("ring", "disk", "allow"), "no class “disk” in this project"),
        (("ring", "disc", "perhaps"), "Rules: forbid, allow, part-of, none"),
        (("ring", "ring", "allow"), "A rule is about two classes"),
    ],
)
def test_a_mistyped_rule_is_told(
    drawn_project: Path, rule: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, "pairs", drawn_project, "--rule", *rule)


def test_labels_on_one_object_are_in_the_queue_until_the_pair_is_allowed(
    drawn_project: Path, confused: RunFolder, command: Command
) -> None:
    with ProjectStore.open(drawn_project) as store, store.change("Twice") as change:
        annotation = store.annotation(1)
        double = replace(annotation.instances[0], id="double", category_id=DISC)
        change.put_annotation(replace(annotation, instances=(*annotation.instances, double)))
    kinds = json.loads(command("queue", drawn_project, "--split", "train", "--json")[0])["by_kind"]
    assert kinds == {"same-object": 1}
    command("pairs", drawn_project, "--rule", "ring", "disc", "allow")
    assert json.loads(command("queue", drawn_project, "--split", "train", "--json")[0])["total"] == 0
