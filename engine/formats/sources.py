"""Which annotation files a chosen file or folder stands for, and the set each of them is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.domain.annotation import Split
from engine.errors import FormatError
from engine.formats.locate import default_roots
from engine.formats.reading import SUFFIXES

_SPLIT_WORDS = {
    "train": Split.TRAIN, "training": Split.TRAIN,
    "val": Split.VAL, "valid": Split.VAL, "validation": Split.VAL,
    "test": Split.TEST, "testing": Split.TEST,
}  # fmt: skip
_USUAL_FILES = ("via_region_data.json", "_annotations.coco.json", "annotations.json", "instances.json")


@dataclass(frozen=True, slots=True)
class Source:
    """One annotation file to read.

    Attributes:
        file: the annotation file.
        roots: folders its pictures may lie in.
        split: the set that folder or file name speaks of, if they do.
    """

    file: Path
    roots: tuple[Path, ...]
    split: Split | None = None


def find_sources(path: Path) -> tuple[Source, ...]:
    """The annotation files behind `path`: itself, or those of a folder (with ``train/`` and ``val/``, or flat).

    Raises:
        FormatError: when it is missing, or the folder does not make clear which files are meant.
    """
    if not path.exists():
        raise FormatError(f"{path.name} does not exist.", path=path)
    if not path.is_dir():
        return (_source(path, ()),)
    parts = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and folder.name.lower() in _SPLIT_WORDS]
    files = [file for folder in parts if (file := _only_file(folder)) is not None]
    if not files:
        files = _coco_layout(path)
    if not files:
        only = _only_file(path)
        files = [only] if only is not None else []
    if not files:
        hint = "Choose a VIA or COCO file, or a folder that holds one (or has train and val folders that do)."
        raise FormatError(f"There is no annotation file in {path.name}.", path=path, hint=hint)
    order = list(Split)
    sources = [_source(file, (path,)) for file in files]
    return tuple(sorted(sources, key=lambda s: order.index(s.split or Split.NONE)))


def split_of(file: Path) -> Split | None:
    """The set that a file speaks of: by its folder (``val/x.json``) or a word of its name (``instances_val2017``)."""
    for text in (file.parent.name, file.stem):
        words = {_SPLIT_WORDS[w] for w in re.split(r"[^a-z]+", text.lower()) if w in _SPLIT_WORDS}
        if len(words) == 1:
            return words.pop()
    return None


def _source(file: Path, more_roots: tuple[Path, ...]) -> Source:
    return Source(file, tuple(dict.fromkeys([*default_roots(file), *more_roots])), split_of(file))


def _annotation_files(folder: Path) -> list[Path]:
    files = (f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    return sorted(f for f in files if f.suffix.lower() in SUFFIXES)


def _only_file(folder: Path) -> Path | None:
    """The one annotation file of a folder, or the one with a usual name; None when there is none.

    Raises:
        FormatError: when several could be meant.
    """
    files = _annotation_files(folder)
    usual = [f for f in files if f.name.lower() in _USUAL_FILES]
    if len(files) > 1 and len(usual) == 1:
        return usual[0]
    if len(files) > 1:
        names = ", ".join(f.name for f in files[:5])
        raise FormatError(f"{folder.name} holds several annotation files: {names}.", path=folder, hint="Choose one.")
    return files[0] if files else None


def _coco_layout(path: Path) -> list[Path]:
    """``annotations/instances_*.json`` of a COCO folder."""
    folder = path / "annotations"
    if not folder.is_dir():
        return []
    files = _annotation_files(folder)
    instances = [f for f in files if f.stem.lower().startswith("instances")]
    if instances:
        return instances
    return files if len(files) == 1 else []
