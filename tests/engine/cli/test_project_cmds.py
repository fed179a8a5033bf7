"""new, import, split and export as a person or a program runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from PIL import Image

from engine.cli import project_cmds
from engine.errors import DataError, FormatError, ProjectError, UserError
from engine.project.store import ProjectStore

BALLOON = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "balloon"


@pytest.fixture
def run():
    """Runs a command; gives its exit code."""
    app = typer.Typer(pretty_exceptions_enable=False)
    project_cmds.register(app)
    return lambda *args: app(args=[str(a) for a in args], standalone_mode=False) or 0


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Ten pictures with a VIA file beside them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shape = {"name": "polygon", "all_points_x": [2, 12, 12, 2], "all_points_y": [2, 2, 9, 9]}
    entries = {}
    for number in range(10):
        Image.new("L", (40, 30), 20 * number).save(folder / f"{number}.png")
        label = "nut" if number % 2 else "fig"
        regions = [{"shape_attributes": shape, "region_attributes": {"class": label}}]
        entries[f"{number}.png-1"] = {"filename": f"{number}.png", "size": -1, "regions": regions}
    (folder / "via.json").write_text(json.dumps(entries))
    return folder


def test_a_project_is_made_filled_divided_and_exported(run, pictures, tmp_path, capsys):
    project = tmp_path / "project"
    assert run("new", project, "--images", pictures, "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 10

    assert run("import", project, pictures / "via.json", "--leave-out", "fig", "--split", "train", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert {k: report[k] for k in ("images", "instances", "classes")} == {
        "images": 10,
        "instances": 5,
        "classes": {"nut": 5},
    }
    assert any(f["kind"] == "note" and "left out" in f["text"] for f in report["findings"])

    assert run("split", project, "--val", "0.2", "--seed", "3", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"train": 8, "val": 2, "test": 0, "none": 0}

    assert run("export", project, tmp_path / "out.json", "--format", "coco", "--json") == 0
    assert json.loads(capsys.readouterr().out)["instances"] == 5
    data = json.loads((tmp_path / "out.json").read_text())
    assert {a["iscrowd"] for a in data["annotations"]} == {0}
    assert {a["area"] for a in data["annotations"]} == {70}

    assert run("export", project, tmp_path / "via.json", "--format", "via") == 0
    assert len(json.loads((tmp_path / "via.json").read_text())) == 10


def test_people_read_sentences_on_stderr_and_stdout_stays_empty(run, pictures, tmp_path, capsys):
    run("new", tmp_path / "p", "--images", pictures)
    run("import", tmp_path / "p", pictures / "via.json")
    told = capsys.readouterr()
    assert told.out == ""
    assert "Imported 10 instances in 10 images (fig 5, nut 5)." in told.err


def test_a_number_of_validation_images_is_taken_as_a_number(run, pictures, tmp_path):
    run("new", tmp_path / "p", "--images", pictures)
    run("split", tmp_path / "p", "--val", "3")
    with ProjectStore.open(tmp_path / "p") as store:
        assert sum(r.split == "val" for r in store.images()) == 3


@pytest.mark.parametrize("val", ["0", "0.0", "nonsense", "10", "-1"])
def test_a_split_that_leaves_a_set_empty_is_refused(run, pictures, tmp_path, val):
    run("new", tmp_path / "p", "--images", pictures)
    with pytest.raises(DataError):
        run("split", tmp_path / "p", "--val", val)


def test_an_import_without_any_picture_tells_what_to_do_and_exits_with_one(run, pictures, tmp_path, capsys):
    file = tmp_path / "elsewhere" / "via.json"
    file.parent.mkdir()
    file.write_bytes((pictures / "via.json").read_bytes())
    run("new", tmp_path / "p")
    assert run("import", tmp_path / "p", file, "--json") == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["images"] == 0
    assert "--images" in told.err
    assert run("import", tmp_path / "p", file, "--images", pictures) == 0


def test_mistakes_are_sentences(run, pictures, tmp_path):
    run("new", tmp_path / "p")
    with pytest.raises(ProjectError):
        run("new", tmp_path / "p")
    with pytest.raises(ProjectError):
        run("import", tmp_path / "nothing", pictures / "via.json")
    with pytest.raises(FormatError):
        run("import", tmp_path / "p", pictures / "0.png")
    with pytest.raises(DataError, match="no folder or image"):
        run("new", tmp_path / "q", "--images", tmp_path / "nothing")
    assert not (tmp_path / "q").exists()
    with pytest.raises(UserError, match="no name for a JSON file"):
        run("export", tmp_path / "p", tmp_path / "p" / "project.sqlite")


@pytest.mark.realdata
@pytest.mark.skipif(not BALLOON.is_dir(), reason=f"the balloon set is not here ({BALLOON})")
def test_balloon_train_and_val_give_74_images_and_305_instances(run, tmp_path, capsys):
    project = tmp_path / "p"
    run("new", project)
    found = []
    for part in ("train", "val"):
        capsys.readouterr()
        assert run("import", project, BALLOON / part / "via_region_data.json", "--split", part, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert sum(report["images"] for report in found) == 74
    assert sum(report["instances"] for report in found) == 305
    assert sum(f["count"] for r in found for f in r["findings"] if f["kind"] == "clipped") == 13
