import json
from pathlib import Path

import pytest

from engine.config import WEIGHTS
from engine.model import published
from engine.model.downloads import DownloadError
from engine.project.runs import list_runs
from main import main


def offline(*_arguments: object, **_options: object) -> Path:
    raise DownloadError("The weights “coco” could not be downloaded: no connection.")


def test_the_named_weights_are_listed_with_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    published.local_copy("coco").parent.mkdir(parents=True)
    published.local_copy("coco").touch()
    assert main(["weights", "--json"]) == 0
    files = {facts["name"]: facts["file"] for facts in json.loads(capsys.readouterr().out)}
    assert tuple(files) == WEIGHTS
    assert files["lite0"] == "packaged"
    assert files["coco"] == str(published.local_copy("coco"))
    assert files["coco-v2"] is None


def test_named_weights_are_downloaded_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bring(_url: str, target: Path, *, progress, **_options: object) -> Path:
        progress(1, 2)
        target.parent.mkdir(parents=True)
        target.touch()
        return target

    monkeypatch.setattr(published, "download", bring)
    assert main(["weights", "resnet101-imagenet", "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert Path(facts["file"]).name == "resnet101-63fe2227.pth"


def test_a_name_that_is_none_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "vgg"]) != 0
    assert "resnet50-imagenet-v1" in capsys.readouterr().err


def test_a_training_without_its_weights_is_refused_before_there_is_a_run(
    drawn_project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "download", offline)
    assert main(["train", str(drawn_project), "--weights", "coco"]) != 0
    assert "could not be downloaded" in capsys.readouterr().err
    assert main(["train", str(drawn_project), "--weights", "run:last@best"]) != 0
    assert "no training run yet" in capsys.readouterr().err
    assert list_runs(drawn_project) == []
