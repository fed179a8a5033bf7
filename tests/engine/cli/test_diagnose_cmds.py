"""diagnose as a person runs it, on a network that was trained for two epochs on three drawn pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.domain.annotation import Split
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder, open_run
from engine.project.store import ProjectStore
from main import main

SETTINGS = ("image_size=64", "threads=1", "device=cpu", "amp=off", "warmup_steps=2", "batch_size=1")
Diagnose = Callable[..., tuple[str, str]]


@pytest.fixture
def diagnose(drawn_project: Path, capsys: pytest.CaptureFixture[str]) -> Diagnose:
    """Trains, and runs the command; gives what it printed on both streams."""
    settings = (part for setting in SETTINGS for part in ("--set", setting))
    assert main(["train", str(drawn_project), "--stages", "heads:1@1e-2,all:2@1e-3", *settings]) == 0

    def call(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert main(["diagnose", str(drawn_project), "--device", "cpu", *arguments]) == code
        printed = capsys.readouterr()
        return printed.out, " ".join(printed.err.split())

    return call


@pytest.mark.slow
def test_a_network_of_two_epochs_is_told_to_train_longer_and_what_more_images_do_is_tried(
    diagnose: Diagnose, drawn_project: Path, tmp_path: Path
) -> None:
    page = tmp_path / "diagnosis.html"
    out, said = diagnose("--json", "--report", str(page), "--learning-curve", "--curve-epochs", "1")
    told = json.loads(out)
    run = open_run(drawn_project)
    assert (told["run"], told["verdict"]) == (run.id, "undertrained")
    evidence = told["evidence"]
    assert (evidence["train"]["images"], evidence["val"]["images"]) == (3, 1)
    assert [point["epoch"] for point in evidence["curve"]] == [1, 2]
    (validated,) = [p for p in evidence["curve"] if p["epoch"] == told["epoch"]]
    assert evidence["val"]["ap"] == pytest.approx(validated["ap"], abs=1e-6)
    assert any("only 1 image" in caveat for caveat in told["caveats"])
    assert [p["images"] for p in told["learning_curve"]["points"]] == [1, 2, 3]
    assert "Report:" in said
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 4
    assert "What more images would do" in html
    assert "http" not in html

    trained = sorted(run.path.glob("learning_curve/*/*/events.jsonl"))
    before = [path.read_bytes() for path in trained]
    again = json.loads(diagnose("--json", "--learning-curve", "--curve-epochs", "1")[0])
    assert again["learning_curve"] == told["learning_curve"]
    assert [path.read_bytes() for path in trained] == before
    assert len(trained) == 3


@pytest.mark.slow
def test_a_second_look_detects_nothing_anew_and_tells_what_changed_since(
    diagnose: Diagnose, drawn_project: Path
) -> None:
    _, said = diagnose()
    assert "Not trained long enough." in said
    assert "Next: Train for more epochs" in said
    assert "changed since the run began" not in said
    run = open_run(drawn_project)
    with PredictionStore(run.predictions_path) as staged:
        epoch = staged.epochs()[0]
        before = [staged.detections(i, epoch) for i in staged.image_ids(epoch)]
    with ProjectStore.open(drawn_project) as store, store.change("Move") as change:
        (val,) = [i for i in store.images() if i.split is Split.VAL]
        change.set_split(val.id, Split.TRAIN)
    told = json.loads(diagnose("--json")[0])
    assert any("changed since the run began" in caveat for caveat in told["caveats"])
    assert (told["evidence"]["train"]["images"], told["evidence"]["val"]["images"]) == (3, 1)
    with PredictionStore(run.predictions_path) as staged:
        assert [staged.detections(i, epoch) for i in staged.image_ids(epoch)] == before
    part = json.loads(diagnose("--train-images", "2", "--json")[0])
    assert part["evidence"]["train"]["images"] == 2
    assert any("Of 3 training images a random 2" in caveat for caveat in part["caveats"])
    rewrite_ap(run, {1: 0.5, 2: 0.1})
    fallen = json.loads(diagnose("--epoch", "1", "--json")[0])
    assert fallen["evidence"]["fall"] is not None
    with PredictionStore(run.predictions_path) as staged:
        assert (staged.epochs()[0], set(staged.epochs())) == (1, {1, 2})  # the review goes on with what was diagnosed


def rewrite_ap(run: RunFolder, by_epoch: dict[int, float]) -> None:
    """Make the run tell other figures of its validations."""
    events = [json.loads(line) for line in run.events_path.read_text(encoding="utf-8").splitlines()]
    for event in events:
        if event["type"] == "epoch_validated":
            event["mask_ap"] = by_epoch[event["epoch"]]
    run.events_path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


def test_a_project_without_a_run_is_refused_with_a_sentence(
    drawn_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", str(drawn_project)]) == 1
    assert "no training run" in capsys.readouterr().err
