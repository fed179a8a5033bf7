"""Where a training's first weights are: a name, a checkpoint of a run (``run:ID@EPOCH``), or a file."""

from __future__ import annotations

from pathlib import Path

from engine.config import WEIGHTS
from engine.errors import RunError
from engine.project.runs import CheckpointName, open_run

_RUN = "run:"


def weights_path(weights: str, project_folder: Path) -> Path | None:
    """The file that `weights` stands for, None when it is a name.

    Raises:
        RunError: when the run, its checkpoint or the file does not exist.
    """
    if weights in WEIGHTS:
        return None
    if not weights.startswith(_RUN):
        path = Path(weights).expanduser()
    else:
        run_id, _, epoch = weights.removeprefix(_RUN).partition("@")
        path = open_run(project_folder, run_id).checkpoint(_checkpoint_name(epoch or "best"))
    if not path.is_file():
        raise RunError(f"The weights “{weights}” do not exist.", path=path, hint="Choose another epoch or file.")
    return path


def settle_weights(weights: str, project_folder: Path) -> str:
    """`weights` written so that it means the same from any folder and at any time, once it is known to exist.

    Raises:
        RunError: as :func:`weights_path`.
    """
    path = weights_path(weights, project_folder)
    if path is None:
        return weights
    if not weights.startswith(_RUN):
        return str(path.absolute())
    return f"{_RUN}{path.parents[1].name}@{weights.partition('@')[2] or 'best'}"


def is_of_project(path: Path, project_folder: Path) -> bool:
    """Whether a checkpoint was made by a run of this project, so that its category ids are the project's."""
    return (Path(project_folder) / "runs").resolve() in path.resolve().parents


def _checkpoint_name(text: str) -> CheckpointName:
    if text == "best":
        return "best"
    return "last" if text == "last" else int(text)
