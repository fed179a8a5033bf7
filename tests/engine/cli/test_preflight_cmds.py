"""preflight, the warnings of train, and split by group, as a person or a program runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.cli.app import build_app
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.errors import DataError, UserError
from engine.project.runs import RunFolder, list_runs
from engine.project.store import ProjectStore


@pytest.fixture
def run():
    """Runs a command; gives its exit code."""
    app = build_app()
    return lambda *args: app(args=[str(a) for a in args], standalone_mode=False) or 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Eight pictures in four folders, each with two objects; two folders are for validation."""
    with ProjectStore.create(tmp_path / "project") as store, store.change("Fill") as change:
        nut = change.add_category("nut")
        for number in range(8):
            path = tmp_path / "project" / f"f{number // 2}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            patches = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(patches).resize((96, 64), Image.Resampling.BICUBIC).save(path)
            image_id = change.add_image(path, 96, 64, split=Split.TRAIN if number < 4 else Split.VAL)
            masks = [Mask.from_box((4, 4, 44, 44), 64, 96), Mask.from_box((50, 10, 90, 60), 64, 96)]
            instances = tuple(Instance.from_mask(m, nut.id) for m in masks)
            change.put_annotation(Annotation(image_id, 64, 96, instances))
    return tmp_path / "project"


def out(capsys: pytest.CaptureFixture[str]) -> str:
    """What the person was told, without line breaks of the terminal."""
    return " ".join(capsys.readouterr().err.split())


def test_preflight_tells_each_finding_with_its_weight(run, project: Path, capsys) -> None:
    assert run("preflight", project, "--set", "image_size=96") == 0
    told = out(capsys)
    assert "Warning: Validation has only 4 images" in told
    assert "Warning: Validation has fewer than 10 objects of “nut” (8)" in told


def test_preflight_gives_a_program_kind_level_text_and_images(run, project: Path, capsys) -> None:
    (project / "f1" / "3.png").unlink()
    assert run("preflight", project, "--set", "image_size=96", "--json") == 1
    first, *others = json.loads(capsys.readouterr().out)
    assert (first["kind"], first["level"], first["images"]) == ("unreadable-image", "refuse", ["3.png"])
    assert {f["level"] for f in others} == {"warn"}


def test_a_setting_that_does_not_exist_is_refused(run, project: Path) -> None:
    with pytest.raises(UserError, match="cannot be used"):
        run("preflight", project, "--set", "imagesize=96")


def test_good_data_is_said_to_be_good(run, project: Path, capsys) -> None:
    with ProjectStore.open(project) as store, store.change("More validation") as change:
        for record in store.images()[:2]:
            change.set_split(record.id, Split.VAL)
    assert run("preflight", project, "--set", "image_size=96") == 0
    assert "Nothing stands out" in out(capsys)


def test_train_tells_what_stands_out_before_it_starts(run, project: Path, capsys, monkeypatch) -> None:
    def told_so_far(folder: RunFolder, *, resume: bool) -> None:
        raise RuntimeError(out(capsys))

    monkeypatch.setattr("engine.cli.train_cmds._train_with_progress", told_so_far)
    with pytest.raises(RuntimeError, match=r"Warning: Validation has only 4 images.*Run 2"):
        run("train", project, "--set", "image_size=96")
    assert len(list_runs(project)) == 1


@pytest.mark.parametrize("fault", ["missing", "no validation"])
def test_train_refuses_what_cannot_work_with_the_reason_and_makes_no_run(run, project: Path, fault: str) -> None:
    if fault == "missing":
        (project / "f1" / "3.png").unlink()
    else:
        with ProjectStore.open(project) as store, store.change("Spoil") as change:
            for record in store.images():
                change.set_split(record.id, Split.TRAIN)
    with pytest.raises(DataError, match=r"3\.png \(The image is missing\)|The validation split has no object"):
        run("train", project, "--set", "image_size=96")
    assert list_runs(project) == []


def test_a_split_by_folder_prints_its_groups(run, project: Path, capsys) -> None:
    assert run("split", project, "--val", "0.3", "--group-by", "folder", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"], facts["val"]) == (6, 2)
    assert [(g["name"], len(g["images"])) for g in facts["groups"]] == [(f"f{n}", 2) for n in range(4)]
    assert sorted(g["split"] for g in facts["groups"]) == ["train", "train", "train", "val"]
    assert run("split", project, "--group-by", "folder") == 0
    assert "(4 groups by folder)" in out(capsys)


def test_a_split_by_name_and_by_picture_is_asked_for_in_one_command(run, project: Path, capsys) -> None:
    assert run("split", project, "--group-by", "name", "--pattern", "^([0-3])", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["groups"]) == 8
    assert run("split", project, "--group-by", "similar", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["groups"]) == 8


def test_a_pattern_that_cannot_be_used_is_refused_and_the_split_stays(run, project: Path) -> None:
    for arguments in (("--pattern", "(a)"), ("--group-by", "name", "--pattern", "(a")):
        with pytest.raises(DataError, match="pattern"):
            run("split", project, *arguments)
    with ProjectStore.open(project, read_only=True) as store:
        assert [r.split for r in store.images()] == [Split.TRAIN] * 4 + [Split.VAL] * 4
