"""A training packed for a machine that never saw the project: one run folder with its images in it.

``JOB/`` is a run folder (:class:`engine.project.runs.RunFolder`) and more::

    config.json  data/dataset.json  checkpoints/     as in runs/<id>, image paths relative to the folder
    images/                                          what the run learns from and is measured on
    weights/                                         what it starts from, when that is a file or a run's checkpoint
    launch.sh  job.slurm  README.txt                 how it is started
    job.json                                         :class:`JobFacts`, what the way back is checked against
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.config import WEIGHTS as NAMED_WEIGHTS
from engine.config import TrainConfig
from engine.domain.annotation import Split
from engine.errors import DataError, RunError
from engine.project.dataset import FrozenDataset, FrozenImage, freeze, stays_inside
from engine.project.job_texts import LAUNCH, readme, slurm_script
from engine.project.trainable import check_trainable
from engine.project.weights_choice import settle_weights, weights_path
from engine.project.whole_folder import check_space, is_free, whole_folder

if TYPE_CHECKING:
    from engine.project.store import ProjectStore

IMAGES = "images"
WEIGHTS = "weights"
DOWNLOADED = NAMED_WEIGHTS[1:]  # the first comes as a package
Progress = Callable[[int, int], None]
_NAMED = 5  # file names that a sentence lists


class JobFacts(BaseModel):
    """What a job says about itself, in ``job.json``.

    Attributes:
        run: id that the run gets in the project.
        project: the project's name, for people.
        data_digest: of the frozen data, as in the checkpoints that are trained on it.
        created: seconds since the epoch.
        images: number of images in the folder.
        weights: what the run starts from, as the project knows it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")  # becomes a folder's name: no dot, no separator
    project: str
    data_digest: str
    created: float
    images: int
    weights: str = "lite0"


def pack_job(
    store: ProjectStore, config: TrainConfig, out: Path, *, link: bool = False, progress: Progress | None = None
) -> JobFacts:
    """Write a job folder.  Only images that say something are in it: the rest is not trained on.

    Args:
        out: a folder that is empty or does not exist.
        link: hard links instead of copies where the drive allows it.
        progress: called with (images packed, images in all).

    Raises:
        DataError: when the data does not allow a training, or image files are missing.
        RunError: when `out` is not empty or cannot be written, or the weights to start from do not exist.
    """
    everything = freeze(store)
    check_trainable(everything)
    dataset = replace(everything, images=tuple(i for i in everything.images if _is_needed(i)))
    out = Path(out).resolve()
    if not is_free(out):
        raise RunError("The job's folder is not empty.", path=out, hint="Choose a new folder.")
    _check_present(dataset.images)
    start = weights_path(config.weights, store.folder)
    placed = tuple(_packed(image, path) for image, path in _places(dataset.images))
    facts = _facts(store, dataset, config)
    with whole_folder(out) as folder:
        files = [i.path for i in dataset.images] + ([start] if start else [])
        check_space(files, folder, link=link)
        for done, (image, packed) in enumerate(zip(dataset.images, placed, strict=True)):
            if progress is not None:
                progress(done, len(placed))
            _place(image.path, folder / packed.path, link=link)
        write_run(folder, replace(dataset, images=placed), _with_weights(config, start, folder, link=link))
        _write_texts(folder, facts, config)
    return facts


def read_job(job: Path) -> JobFacts:
    """What the job in folder `job` says about itself.

    Raises:
        RunError: when there is no job, or a newer version packed it.
    """
    file = Path(job) / "job.json"
    if not file.is_file():
        hint = "Name the folder that “pack” made: the one with job.json in it."
        raise RunError("There is no job in this folder.", path=job, hint=hint)
    try:
        return JobFacts.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError("The job's description cannot be read.", path=file, hint="Copy the job again.") from error


# --- what goes where ----------------------------------------------------------------------------------------------


def _is_needed(image: FrozenImage) -> bool:
    says_something = bool(image.annotation.instances) or image.annotation.negative
    return says_something and image.split in (Split.TRAIN, Split.VAL)


def _places(images: Sequence[FrozenImage]) -> Iterable[tuple[FrozenImage, Path]]:
    """Where each image lies in the job.

    File names stay what they are, since the data's digest knows them; a name that is taken, on a drive that does not
    tell upper from lower case, goes into a folder of the image's own.
    """
    taken = {str(image.image_id) for image in images}
    for image in images:
        name = image.path.name
        key = unicodedata.normalize("NFC", name).casefold()
        yield image, Path(IMAGES, str(image.image_id), name) if key in taken else Path(IMAGES, name)
        taken.add(key)


def _packed(image: FrozenImage, path: Path) -> FrozenImage:
    if not stays_inside(path.as_posix()):
        raise DataError(
            f"The name of the image {image.path.name} would lead out of the job.", path=image.path, hint="Rename it."
        )
    return replace(image, path=path)


def _facts(store: ProjectStore, dataset: FrozenDataset, config: TrainConfig) -> JobFacts:
    now = time.time()
    # A few random digits: two people may pack in one second, and both runs come back.
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(2)}"
    return JobFacts(
        run=run,
        project=store.name,
        data_digest=dataset.digest,
        created=now,
        images=len(dataset.images),
        weights=settle_weights(config.weights, store.folder),
    )


# --- checks -------------------------------------------------------------------------------------------------------


def _check_present(images: Sequence[FrozenImage]) -> None:
    missing = [image.path for image in images if not image.path.is_file()]
    if missing:
        names = ", ".join(path.name for path in missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise DataError(
            f"{len(missing)} of the images cannot be found: {names}.",
            path=missing[0],
            hint="Put them back, or remove them from the project.",
        )


# --- writing ------------------------------------------------------------------------------------------------------


def _place(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source.resolve(), target)  # resolved: a link to a symbolic link would lead out of the folder
        except OSError:  # another drive, or one without hard links
            pass
        else:
            return
    shutil.copyfile(source, target)


def _with_weights(config: TrainConfig, start: Path | None, folder: Path, *, link: bool) -> TrainConfig:
    """`config` that starts from the job's own copy of the weights; launch.sh runs in the job's folder."""
    if start is None:
        return config
    inside = Path(WEIGHTS, f"start{start.suffix}")
    _place(start, folder / inside, link=link)
    return config.model_copy(update={"weights": inside.as_posix()})


def write_run(folder: Path, dataset: FrozenDataset, config: TrainConfig) -> None:
    """Data and configuration as :class:`engine.project.runs.RunFolder` reads them.

    Raises:
        OSError: when they cannot be written.
    """
    for name in ("data", "checkpoints"):
        (folder / name).mkdir(exist_ok=True)
    dataset.save(folder / "data" / "dataset.json")
    fitting = config.model_copy(update={"boxes_only": dataset.boxes_only})
    (folder / "config.json").write_text(fitting.model_dump_json(indent=2), encoding="utf-8")


def _write_texts(folder: Path, facts: JobFacts, config: TrainConfig) -> None:
    texts = {
        "launch.sh": LAUNCH,
        "job.slurm": slurm_script(facts.run),
        "README.txt": readme(
            project=facts.project,
            run=facts.run,
            images=facts.images,
            epochs=config.plan.epochs,
            download=config.weights if config.weights in DOWNLOADED else "",
        ),
        "job.json": facts.model_dump_json(indent=2),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    (folder / "launch.sh").chmod(0o755)
