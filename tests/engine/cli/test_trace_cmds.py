"""trace and missed, as a person or a program runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.app import build_app
from engine.config import train_config
from engine.domain.annotation import Annotation
from engine.errors import DataError
from engine.model.weights import model_tensors, write_tensors
from engine.project.runs import create_run
from engine.project.store import ProjectStore
from tests.engine.prediction.traced_network import network_of, plain_predictor

CPU = ("--device", "cpu")


@pytest.fixture
def run():
    """Runs a command."""
    app = build_app()
    return lambda *args: app(args=[str(a) for a in args], standalone_mode=False)


@pytest.fixture
def project(drawn_project: Path) -> Path:
    """Drawn pictures and a run whose network takes everything for a disc."""
    with ProjectStore.open(drawn_project) as store:
        folder = create_run(store, train_config())
        categories = [{"id": c.id, "name": c.name, "color": c.color} for c in store.categories()]
    network = network_of(plain_predictor(logits=(0, 0, 9)))
    progress = {"epoch": 3, "step": 3, "epoch_step": 0}
    facts = {"architecture": network.architecture.to_json(), "categories": categories, "progress": progress}
    write_tensors(folder.checkpoint("best"), model_tensors(network.state_dict()), facts)
    return drawn_project


def test_missed_tells_a_program_which_step_lost_each_object(run, project: Path, capsys) -> None:
    run("missed", project, "--split", "train", *CPU, "--json")
    facts = json.loads(capsys.readouterr().out)
    assert (facts["split"], facts["epoch"], facts["images"], facts["objects"]) == ("train", 3, 3, 6)
    rings = [m for m in facts["misses"] if m["category"] == "ring"]
    assert len(rings) == 3
    assert {m["stage"] for m in rings} == {"other_class"}
    assert sum(facts["by_stage"].values()) == facts["missed"] == sum(c["missed"] for c in facts["by_category"])


def test_missed_tells_a_person_where_and_what_helps(run, project: Path, capsys) -> None:
    run("missed", project, "--split", "train", *CPU)
    told = " ".join(capsys.readouterr().err.split())
    assert "of 6 objects in 3 images are missed." in told
    assert "taken for another class" in told
    assert "Check the labels of both classes" in told
    assert "ring 3 3 taken for another class 3" in told
    assert "is taken for “disc” (1.00; “ring” 0.00)" in told


def test_trace_writes_its_steps_where_it_is_told(run, project: Path, tmp_path: Path, capsys) -> None:
    run("trace", project, "1.png", *CPU, "--out", tmp_path / "out")
    told = " ".join(capsys.readouterr().err.split())
    assert "96 x 64 pixels, as 64 x 43 to the network." in told
    assert "Missed ring" in told
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert len(names) == 7
    facts = json.loads((tmp_path / "out" / "trace.json").read_text(encoding="utf-8"))
    assert (facts["image"], facts["epoch"]) == ("1.png", 3)
    assert next(m["stage"] for m in facts["missed"]) == "other_class"
    assert len(facts["detections"]) >= 1


def test_trace_takes_a_file_that_is_not_in_the_project(run, project: Path, tmp_path: Path, capsys) -> None:
    copy = tmp_path / "elsewhere.png"
    copy.write_bytes((tmp_path / "pictures" / "1.png").read_bytes())
    run("trace", project, copy, *CPU, "--json")
    facts = json.loads(capsys.readouterr().out)
    assert (facts["image"], facts["missed"]) == ("elsewhere.png", [])


def test_images_and_splits_that_are_not_there_get_a_sentence(run, project: Path) -> None:
    with pytest.raises(DataError, match=r"no image “9\.png”"):
        run("trace", project, "9.png", *CPU)
    with pytest.raises(DataError, match="test split has no annotated object"):
        run("missed", project, "--split", "test", *CPU)


def test_an_image_name_that_two_images_share_is_refused(run, project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "1.png").write_bytes((tmp_path / "pictures" / "1.png").read_bytes())
    with ProjectStore.open(project) as store, store.change("Add") as change:
        image_id = change.add_image(other / "1.png", 96, 64)
        change.put_annotation(Annotation(image_id, 64, 96))
    with pytest.raises(DataError, match=r"2 images are called “1\.png”"):
        run("trace", project, "1.png", *CPU)
