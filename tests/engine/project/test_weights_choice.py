from pathlib import Path

import pytest

from engine.config import TrainConfig, train_config
from engine.errors import RunError, UserError
from engine.project.weights_choice import is_of_project, settle_weights, weights_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with one run that has the checkpoints ``best`` and of epoch 3."""
    folder = tmp_path / "project" / "runs" / "20260102-030405"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    for name in ("best", "epoch_0003"):
        (folder / "checkpoints" / f"{name}.safetensors").touch()
    return tmp_path / "project"


@pytest.mark.parametrize(
    "weights", ["lite0", "coco", "run:last@best", "run:20260102@12", "run:x", "weights/a.pth", "b.safetensors", "c.pt"]
)
def test_names_runs_and_files_can_be_chosen(weights: str) -> None:
    assert train_config(settings=(f"weights={weights}",)).weights == weights


@pytest.mark.parametrize("weights", ["", "resnet", "run:", "run:x@", "run:x@worst", "a.h5"])
def test_anything_else_is_refused_with_the_choices(weights: str) -> None:
    with pytest.raises(UserError, match="resnet101-imagenet, coco, coco-v2, run:ID@EPOCH, or a file"):
        train_config(settings=(f"weights={weights}",))


def test_a_configuration_from_before_there_was_a_choice_starts_from_the_packaged_weights() -> None:
    old = train_config().model_dump()
    for key in ("weights", "weights_names", "weights_bn_eps"):
        del old[key]
    assert TrainConfig.model_validate(old).weights == "lite0"


def test_the_newest_run_is_written_down_by_its_own_name(project: Path) -> None:
    assert settle_weights("run:last@3", project) == "run:20260102-030405@3"
    assert settle_weights("run:20260102-030405", project) == "run:20260102-030405@best"
    assert settle_weights("lite0", project) == "lite0"


def test_a_file_is_written_down_so_that_it_is_found_from_anywhere(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)
    Path("a.pth").touch()
    assert settle_weights("a.pth", project) == str(project.parent / "a.pth")


@pytest.mark.parametrize("weights", ["run:last@4", "run:last@last", "run:other@best", "missing.pth"])
def test_what_does_not_exist_is_refused(project: Path, weights: str) -> None:
    with pytest.raises(RunError, match=r"do not exist|no run"):
        settle_weights(weights, project)


def test_only_checkpoints_of_the_projects_own_runs_are_the_projects(project: Path, tmp_path: Path) -> None:
    path = weights_path("run:last@best", project)
    assert path is not None
    assert is_of_project(path, project)
    assert not is_of_project(path, tmp_path)
    assert not is_of_project(project / "a.safetensors", project)
