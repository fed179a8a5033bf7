"""evaluate as a person runs it, with a network that says what the test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.config import train_config
from engine.domain.annotation import Category, Instance, Split
from engine.domain.outcome import FalseReason, MissReason
from engine.domain.prediction import Detections, Prediction
from engine.project.outcomes import read_outcomes
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder, create_run
from engine.project.store import ProjectStore
from main import main

RING, DISC = 1, 2
EPOCH = 3


@dataclass(frozen=True)
class Said:
    """A network that finds the validation image's ring with its hole filled, and takes the disc for a ring."""

    categories: tuple[Category, ...]
    objects: tuple[Instance, ...]
    epoch: int = EPOCH

    def on(self, image_id: int) -> Detections:
        found = [
            Prediction(0, image_id, RING, score, i.box_xyxy, i.mask.filled)
            for i, score in zip(self.objects, (0.9, 0.8), strict=True)
            if i.mask is not None
        ]
        return Detections(image_id, 64, 96, tuple(found))


def detect_into(store: PredictionStore, said: Said, images: Iterable[tuple[int, Path]]) -> Iterator[Detections]:
    """Stages what :class:`Said` says."""
    for image_id, _ in images:
        store.add(said.on(image_id), said.epoch)
        yield store.detections(image_id, said.epoch)


@pytest.fixture
def trained(drawn_project: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run of the drawn project whose network is :class:`Said`."""
    from engine.prediction import staging
    from engine.prediction.predictor import Predictor

    with ProjectStore.open(drawn_project) as store:
        run = create_run(store, train_config())
        (record,) = [i for i in store.images() if i.split is Split.VAL]
        said = Said(tuple(store.categories()), store.annotation(record.id).instances)
    monkeypatch.setattr(Predictor, "from_run", lambda *args, **kwargs: said)
    monkeypatch.setattr(staging, "detect_into", detect_into)
    return run


@pytest.fixture
def evaluate(drawn_project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    """Runs the command; gives what it printed on both streams."""

    def call(*arguments: str) -> tuple[str, str]:
        assert main(["evaluate", str(drawn_project), *arguments]) == 0
        printed = capsys.readouterr()
        return printed.out, " ".join(printed.err.split())

    return call


def test_programs_are_told_every_figure(trained: RunFolder, evaluate: Callable[..., tuple[str, str]]) -> None:
    told = json.loads(evaluate("--split", "val", "--json")[0])
    assert (told["run"], told["epoch"], told["split"]) == (trained.id, EPOCH, "val")
    assert (told["images"], told["instances"]) == (1, 2)
    assert told["counts"]["reasons"] == {"duplicate": 0, "wrong_class": 1, "poor_mask": 0, "background": 0}
    assert told["confusion"]["matrix"] == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert (told["holes"]["filled"], told["holes"]["kept"]) == (1, 0)
    assert told["per_class"]["ring"]["best_threshold"] == pytest.approx(0.9)
    assert told["per_class"]["disc"]["best_threshold"] is None
    assert told["calibration"]["n"] == 2


def test_the_score_asked_for_decides_what_counts(trained: RunFolder, evaluate: Callable[..., tuple[str, str]]) -> None:
    counts = json.loads(evaluate("--score", "0.85", "--json")[0])["counts"]
    assert (counts["min_score"], counts["tp"], counts["fp"], counts["fn"]) == (0.85, 1, 0, 1)


def test_people_are_told_what_was_found_and_what_was_wrong(
    trained: RunFolder, evaluate: Callable[..., tuple[str, str]]
) -> None:
    out, said = evaluate()
    assert out == ""
    assert "mask_ap50 0.500" in said
    assert "At score 0.5: 1 of 2 objects found, 1 prediction wrong (1 wrong class)." in said
    assert "Holes: 0 of 1 in found objects are there." in said


def test_the_outcomes_stay_with_the_run(
    trained: RunFolder, drawn_project: Path, evaluate: Callable[..., tuple[str, str]]
) -> None:
    evaluate("--json")
    with ProjectStore.open(drawn_project, read_only=True) as store:
        (record,) = [i for i in store.images() if i.split is Split.VAL]
    kept = read_outcomes(trained.predictions_path, record.id, EPOCH)
    assert kept is not None
    assert [p.reason for p in kept.predictions] == [None, FalseReason.WRONG_CLASS]
    assert {i.instance_id: i.reason for i in kept.instances} == {"4-1": None, "4-2": MissReason.WRONG_CLASS}


def test_a_report_is_written_where_asked(
    trained: RunFolder, tmp_path: Path, evaluate: Callable[..., tuple[str, str]]
) -> None:
    out, said = evaluate("--report", str(tmp_path / "quality.html"), "--json")
    html = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert f"run {trained.id}, epoch {EPOCH}, on the val split" in html
    assert html.count("data:image/jpeg") == 9  # a hole, a false positive, a miss
    assert json.loads(out)["counts"]["fp"] == 1
    assert "Report:" in said


def test_a_split_without_objects_is_refused_with_a_sentence(
    trained: RunFolder, drawn_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(drawn_project), "--split", "test"]) == 1
    assert "no annotated object" in capsys.readouterr().err
