"""A new project with the sample pictures, as *Open the sample project* and ``demo`` make it."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from engine.domain.annotation import Split
from engine.errors import ProjectError
from engine.formats.importing import import_file
from engine.project.opening import FILE_NAME
from engine.project.store import ProjectStore
from engine.sample.generator import COCO_NAME, VIA_NAME

NAME = "Washers, nuts and gaskets"
SPLITS = (Split.TRAIN, Split.VAL)


def create_sample_project(folder: Path | str) -> ProjectStore:
    """Copy the shipped pictures into `folder` and import their annotations, training and validation set apart.

    The annotations lie beside the copied pictures, as COCO and as VIA, so that importing can be tried out.

    Raises:
        ProjectError: when there is a project in `folder` already, or it cannot be written.
    """
    folder = Path(folder)
    if (folder / FILE_NAME).exists():
        raise ProjectError("There is a project in this folder already.", path=folder, hint="Choose another folder.")
    try:
        for split in SPLITS:
            _copy_pictures(split, folder / split.value)
    except OSError as error:
        raise ProjectError(f"The sample pictures cannot be copied: {error.strerror}.", path=folder) from error
    store = ProjectStore.create(folder, name=NAME)
    try:
        for split in SPLITS:
            import_file(store, store.folder / split.value / COCO_NAME, split=split)
    except BaseException:
        store.close()
        raise
    return store


def _copy_pictures(split: Split, target: Path) -> None:
    source = resources.files("resources") / "sample" / split.value
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.name.endswith(".jpg") or item.name in (COCO_NAME, VIA_NAME):
            with resources.as_file(item) as file:
                shutil.copyfile(file, target / item.name)
