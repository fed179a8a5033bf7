"""A job's way back: the run that another machine trained becomes a run of the project, after it was verified."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import RunError
from engine.events import AttemptEnded
from engine.project.checkpoint_files import checkpoint_facts
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.jobs import JobFacts, Progress, read_job, write_run
from engine.project.records import ImageRecord
from engine.project.runs import RunFolder, RunState
from engine.project.whole_folder import check_space, whole_folder

if TYPE_CHECKING:
    from engine.project.store import ProjectStore


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came of it.

    Attributes:
        run: the run in the project.
        state: how its last attempt ended.
        strangers: names of images that are no longer in the project; the run keeps the job's copies.
    """

    run: RunFolder
    state: RunState
    strangers: tuple[str, ...]


def unpack_job(store: ProjectStore, job: Path, *, progress: Progress | None = None) -> Unpacked:
    """Copy a trained job into ``runs/<id>`` of the project; its data then refers to the project's own images.

    Args:
        job: a folder that :func:`engine.project.jobs.pack_job` made, copied back from where it was trained.
        progress: called with (files copied, files in all).

    Raises:
        RunError: no job, a job of another project, still running, without a checkpoint, trained on other data than was
            packed, a run that is in the project already, or a disk that cannot be read or written.
    """
    job = Path(job).absolute()
    facts, trained = read_job(job), RunFolder(job)
    out = store.folder / "runs" / facts.run
    if out.exists():
        raise RunError(f"Run {facts.run} is in the project already.", path=out)
    _check_ended(trained)
    dataset = trained.dataset()
    _check_data(trained, facts, dataset)
    config = trained.config.model_copy(update={"weights": facts.weights})  # the job's own copy stays behind
    records = {record.id: record for record in store.images()}
    known = [_in_project(image, records.get(image.image_id), store) for image in dataset.images]
    if not any(known):
        raise RunError(
            f"None of the job's images is in this project: it was packed from “{facts.project}”.",
            path=job,
            hint="Name the project it came from.",
        )
    strangers = [image for image, mine in zip(dataset.images, known, strict=True) if mine is None]
    placed = [mine or _relative(image, job) for image, mine in zip(dataset.images, known, strict=True)]
    files = [*_run_files(trained), *(i.path for i in strangers if i.path.is_file())]
    _check_inside(files, job)
    with whole_folder(out) as folder:
        check_space(files, folder)
        for done, file in enumerate(files):
            if progress is not None:
                progress(done, len(files))
            _copy(file, folder / file.relative_to(job))
        write_run(folder, replace(dataset, images=tuple(placed)), config)
        os.utime(folder / "config.json", (facts.created, facts.created))  # the list of runs goes by it
    run = RunFolder(out)
    return Unpacked(run, run.state(), tuple(i.path.name for i in strangers))


# --- checks -------------------------------------------------------------------------------------------------------


def _check_ended(trained: RunFolder) -> None:
    if trained.is_live():
        raise RunError(
            "This job is still being trained.", path=trained.path, hint="Wait for its end, or stop it first."
        )
    if _checkpoints(trained):
        return
    ends = [e for e in trained.events() if isinstance(e, AttemptEnded)]
    if not ends:
        reason = "it has not been trained yet" if not trained.events() else "it ended before its first epoch was over"
    else:
        reason = f"it {ends[-1].outcome} before its first checkpoint"
        reason += f": {ends[-1].reason.rstrip('.')}" if ends[-1].reason else ""
    raise RunError(f"This job has no checkpoint: {reason}.", path=trained.path, hint="Start it with launch.sh.")


def _check_data(trained: RunFolder, facts: JobFacts, dataset: FrozenDataset) -> None:
    """The packed data, the data that is there and the data that each checkpoint was trained on are one and the same."""
    if dataset.digest != facts.data_digest:
        raise RunError(
            "The job's data is no longer what was packed, so its figures would say nothing about this project.",
            path=trained.path / "data" / "dataset.json",
            hint="Copy the job again, or pack and train it anew.",
        )
    for path in _checkpoints(trained):
        if checkpoint_facts(path).get("data_digest") != facts.data_digest:
            raise RunError(
                "This checkpoint was trained on other data than the job's.",
                path=path,
                hint="Leave it out of the job, or pack and train it anew.",
            )


def _check_inside(files: list[Path], job: Path) -> None:
    """Files come from elsewhere: a link among them must not bring in what lies outside the job."""
    root = job.resolve()
    for file in files:
        if not file.resolve().is_relative_to(root):
            raise RunError(
                "This file of the job is a link that leads out of it.", path=file, hint="Put the file itself there."
            )


# --- what is brought back -----------------------------------------------------------------------------------------


def _checkpoints(trained: RunFolder) -> list[Path]:
    return sorted((trained.path / "checkpoints").glob("*.safetensors"))


def _run_files(trained: RunFolder) -> Iterator[Path]:
    for path in (trained.events_path, trained.output_path):
        if path.is_file():
            yield path
    yield from _checkpoints(trained)


def _in_project(image: FrozenImage, record: ImageRecord | None, store: ProjectStore) -> FrozenImage | None:
    """`image` with the project's own file; None when the project's image of that id is another one, or gone."""
    size = (image.annotation.height, image.annotation.width)
    if record is None or record.name != image.path.name or (record.height, record.width) != size:
        return None
    return replace(image, path=store.image_path(record.id))


def _relative(image: FrozenImage, job: Path) -> FrozenImage:
    """`image` with the copy that goes with the run."""
    if not image.path.is_relative_to(job):
        raise RunError(f"The job names an image outside its folder: {image.path}.", path=job)
    return replace(image, path=image.path.relative_to(job))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
