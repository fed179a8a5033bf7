from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from engine.cli.review_cmds import register
from engine.config import train_config
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import RunError, UserError
from engine.project.predictions import PredictionStore
from engine.project.runs import create_run
from engine.project.store import ProjectStore

HEIGHT, WIDTH = 60, 90


def ring(cx: float) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    r = np.hypot(x - cx, y - 30)
    return Mask.from_array((r <= 20) & (r >= 8))


def run_cli(*arguments: str) -> str:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two images, one for validation; each has a washer at the left and a gasket at the right."""
    folder = tmp_path / "project"
    folder.mkdir()
    with ProjectStore.create(folder) as store, store.change("set up") as change:
        washer, gasket = change.add_category("washer"), change.add_category("gasket")
        for name, split in (("a.png", Split.TRAIN), ("b.png", Split.VAL)):
            Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)).save(folder / name)
            image_id = change.add_image(folder / name, WIDTH, HEIGHT, split=split)
            objects = (Instance.from_mask(ring(22), washer.id), Instance.from_mask(ring(66), gasket.id))
            change.put_annotation(Annotation(image_id, HEIGHT, WIDTH, objects))
    return folder


def stage_predictions(project: Path) -> None:
    """A run whose network reads the gasket of b.png as a washer first."""
    with ProjectStore.open(project) as store:
        run = create_run(store, train_config())
        washer, gasket = (c.id for c in store.categories())
        (image,) = store.image_named("b.png")
    found = [
        Prediction(0, image.id, category, score, tuple(float(v) for v in mask.box), mask, roi)  # type: ignore[arg-type]
        for category, score, mask, roi in (
            (washer, 0.9, ring(22), 1), (gasket, 0.1, ring(22), 1),
            (washer, 0.8, ring(66), 2), (gasket, 0.7, ring(66), 2),
        )
    ]  # fmt: skip
    with PredictionStore(run.predictions_path, read_only=False) as staged:
        staged.add(Detections(image.id, HEIGHT, WIDTH, tuple(found)), 3)


def test_overlaps_of_a_runs_predictions_come_as_json_with_their_quality(project: Path) -> None:
    stage_predictions(project)
    told = json.loads(run_cli("overlaps", str(project), "--json"))
    (group,) = told["groups"]
    assert (group["file_name"], group["kind"]) == ("b.png", "same-object")
    assert (group["keeper"]["category"], [m["category"] for m in group["others"]]) == ("washer", ["gasket"])
    assert "Both come from one ROI" in group["reason"]
    assert (told["images"], told["epoch"]) == (1, "3")
    assert (told["quality"]["precision"], told["quality"]["recall"], told["quality"]["other_right"]) == (1.0, 1.0, 1)


def test_thresholds_can_be_moved(project: Path) -> None:
    stage_predictions(project)
    loose = json.loads(run_cli("overlaps", str(project), "--min-score", "0.05", "--min-ratio", "0.1", "--json"))
    assert len(loose["groups"]) == 2
    strict = json.loads(run_cli("overlaps", str(project), "--min-ratio", "0.95", "--json"))
    assert strict["groups"] == []


def test_a_split_without_predictions_has_no_groups(project: Path) -> None:
    stage_predictions(project)
    assert json.loads(run_cli("overlaps", str(project), "--split", "train", "--json"))["images"] == 0


def test_objects_labelled_twice_are_found_among_annotations(project: Path) -> None:
    assert json.loads(run_cli("overlaps", str(project), "--source", "annotations", "--json"))["groups"] == []
    with ProjectStore.open(project) as store, store.change("double") as change:
        annotation = store.annotation(1)
        doubled = replace(annotation.instances[0], id="double", category_id=annotation.instances[1].category_id)
        change.put_annotation(replace(annotation, instances=(*annotation.instances, doubled)))
    told = json.loads(run_cli("overlaps", str(project), "--source", "annotations", "--json"))
    (group,) = told["groups"]
    assert {group["keeper"]["key"], group["others"][0]["key"]} == {"double", annotation.instances[0].id}
    assert told["quality"] is None


def test_a_report_is_written_where_asked(project: Path, tmp_path: Path) -> None:
    stage_predictions(project)
    assert run_cli("overlaps", str(project), "--report", str(tmp_path / "groups.html")) == ""
    assert (tmp_path / "groups.html").read_text(encoding="utf-8").count("data:image/jpeg") == 4


def test_without_a_run_or_without_predictions_the_next_step_is_named(project: Path) -> None:
    with pytest.raises(RunError, match="Train first"):
        run_cli("overlaps", str(project))
    with ProjectStore.open(project) as store:
        create_run(store, train_config())
    with pytest.raises(RunError, match="Detect first"):
        run_cli("overlaps", str(project))


def test_sample_writes_pictures_and_says_when_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    from engine.sample import generator

    rendered = generator.render(1, 0)
    monkeypatch.setattr(generator, "render", lambda seed, number: rendered)
    run_cli("sample", str(tmp_path / "out"))
    assert len(list((tmp_path / "out" / "train").glob("*.jpg"))) == 40
    assert len(list((tmp_path / "out" / "val").glob("*.jpg"))) == 12
    with pytest.raises(UserError, match="cannot be written"):
        run_cli("sample", str(tmp_path / "file" / "x"))


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a minute of computing, but machines differ and may be busy
def test_the_demo_ends_with_a_report_pictures_and_figures(tmp_path: Path) -> None:
    settings = [v for s in ("image_size=64", "warmup_steps=1", "device=cpu", "amp=off") for v in ("--set", s)]
    told = json.loads(run_cli("demo", "--out", str(tmp_path / "demo"), "--stages", "heads:1@1e-3", *settings, "--json"))
    assert len(told["pictures"]) == 12
    assert all(Path(p).stat().st_size > 5000 for p in told["pictures"])
    assert told["evaluation"]["images"] == 12
    html = Path(told["report"]).read_text(encoding="utf-8")
    assert "Average precision on 12 images, 97 objects" in html
    again = json.loads(run_cli("demo", "--out", str(tmp_path / "demo"), "--json"))
    assert again["run"] == told["run"]
