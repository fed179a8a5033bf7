"""The whole loop without a window: new, import, train, detect, evaluate, overlaps, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from main import main

SETTINGS = ("image_size=128", "threads=1", "device=cpu", "amp=off", "warmup_steps=2", "batch_size=1")


@pytest.fixture
def coco(make_run, tmp_path: Path) -> Path:
    """The drawn pictures with a COCO file beside them."""
    dataset = make_run("unused").dataset()
    folder = tmp_path / "coco"
    folder.mkdir()
    images, annotations = [], []
    for image in dataset.images:
        image.path.rename(folder / image.path.name)
        a = image.annotation
        images.append({"id": a.image_id, "file_name": image.path.name, "height": a.height, "width": a.width})
        for i in a.instances:
            annotations.append({"id": len(annotations) + 1, "image_id": a.image_id, "category_id": i.category_id,
                                "iscrowd": 0, "segmentation": i.mask.to_coco()})  # fmt: skip
    categories = [{"id": c.id, "name": c.name} for c in dataset.categories]
    file = folder / "instances.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file


@pytest.mark.slow
def test_a_project_goes_from_files_to_predictions_and_back_to_files(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(tmp_path / "project")

    def run(*arguments: str) -> object:
        capsys.readouterr()
        assert main(list(arguments)) == 0, capsys.readouterr().err
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else None

    run("new", project, "--images", str(coco.parent))
    report = run("import", project, str(coco), "--json")
    assert (report["images"], report["instances"]) == (4, 8)
    run("split", project, "--val", "1", "--seed", "3")
    trained = run("train", project, "--stages", "all:2@5e-3", "--json", *(a for s in SETTINGS for a in ("--set", s)))
    assert trained["state"] == "finished"
    results = run("detect", project, "--score", "0.0", "--json")
    assert {"file_name", "category", "score", "bbox", "segmentation"} <= results[0].keys()
    facts = run("evaluate", project, "--split", "val", "--json")
    assert {"mask_ap", "mask_ap50", "box_ap", "box_ap50", "per_class"} <= facts.keys()
    assert isinstance(run("overlaps", project, "--json"), dict | list)
    run("export", project, str(tmp_path / "out.json"), "--format", "coco")
    exported = json.loads((tmp_path / "out.json").read_text())
    assert len(exported["annotations"]) == 8
    assert all(a["iscrowd"] == 0 for a in exported["annotations"])


def test_training_without_any_object_is_refused_with_a_sentence(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", str(tmp_path / "empty"), "--images", str(coco.parent)]) == 0
    assert main(["train", str(tmp_path / "empty")]) == 1
    assert "no object" in capsys.readouterr().err
    assert not list((tmp_path / "empty").glob("runs/*"))


def test_training_without_validation_objects_is_refused_with_a_sentence(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(tmp_path / "project")
    assert main(["new", project, "--images", str(coco.parent)]) == 0
    assert main(["import", project, str(coco), "--split", "train"]) == 0
    assert main(["train", project]) == 1
    assert "validation split" in capsys.readouterr().err


def test_an_unknown_preset_stage_or_setting_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in (
        (["--preset", "fast"], "fast"),
        (["--stages", "tail:3@1"], "tail:3@1"),
        (["--stages", "heads:3@1e-2,all:2@1e-3"], "rise"),
        (["--set", "speed=9"], "speed=9"),
        (["--set", "batch_size=none"], "batch_size"),
    ):
        assert main(["train", str(tmp_path), *arguments]) == 1
        assert word in capsys.readouterr().err
