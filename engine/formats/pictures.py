"""Which picture of the disk or of the project an image of a file is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.domain.annotation import Split
from engine.errors import ImageReadError
from engine.formats.locate import ImageFinder, safe_name
from engine.formats.parsed import ParsedImage
from engine.formats.report import FindingLog
from engine.project.images import image_size
from engine.project.records import ImageRecord
from engine.project.store import ProjectStore

_TAIL = 1 << 16
_END_MARKS = {".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".jpe": b"\xff\xd9", ".png": b"IEND"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was found.

    Attributes:
        path: absolute path of the file.
        height, width: as shown.
        record: the project's image when it is one already.
    """

    path: Path
    height: int
    width: int
    record: ImageRecord | None


class PictureBook:
    """Finds pictures beside the file first, then in the project; says in the log what could not be found."""

    def __init__(self, store: ProjectStore, log: FindingLog) -> None:
        self._log = log
        self._by_path: dict[Path, ImageRecord] = {}
        self._by_name: dict[str, list[Path]] = {}
        for record in store.images():
            path = store.image_path(record.id)
            self._by_path[path] = record
            self._by_name.setdefault(path.name.casefold(), []).append(path)

    def find(self, image: ParsedImage, finder: ImageFinder, split: Split | None) -> Picture | None:
        """The picture of `image`; None, with the reason in the log."""
        path = self._path(image, finder, split)
        return None if path is None else self._opened(path, image)

    def _path(self, image: ParsedImage, finder: ImageFinder, split: Split | None) -> Path | None:
        name = safe_name(image.name)
        if name.reduced:
            text = "{n} name{s} led outside the folder; only the last part of the name was looked for"
            self._log.add("warning", text, image=name.base)
        found = finder.candidates(name) or self._in_project(name.relative)
        path = _the_one(found, image, split)
        if path is None and found:
            named = ", ".join(f"{p.parent.name}/{p.name}" for p in found[:3])
            text = f"{{n}} image{{s}} {{was}} skipped: several pictures have that name ({named}); name their folder"
            self._skip(image, text)
        elif path is None:
            self._skip(image, "{n} image{s} {was} skipped: not found beside the file, nor in the project")
        return path

    def _in_project(self, relative: str) -> Sequence[Path]:
        found = self._by_name.get(relative.rsplit("/", 1)[-1].casefold(), [])
        closest = [path for path in found if path.as_posix().casefold().endswith(f"/{relative}".casefold())]
        return closest or found

    def _opened(self, path: Path, image: ParsedImage) -> Picture | None:
        record = self._by_path.get(path)
        try:
            height, width = image_size(path)
        except ImageReadError as error:
            self._skip(image, f"{{n}} image{{s}} {{was}} skipped: {_as_clause(error.message)}")
            return None
        if record is not None and (record.height, record.width) != (height, width):
            self._skip(image, "{n} image{s} {was} skipped: the picture has another size than the project knows")
            return None
        if looks_cut_off(path):
            text = "{n} image{s} looked cut off; the annotations were imported, the pixels may not be readable"
            self._log.add("warning", text, image=path.name)
        return Picture(path, height, width, record)

    def _skip(self, image: ParsedImage, text: str) -> None:
        self._log.add("skipped", text, image=safe_name(image.name).base or "an unreadable name")
        lost = len(image.regions)
        self._log.add("skipped", "{n} region{s} {was} skipped with the image{s} they belong to", count=lost)


def _as_clause(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _the_one(found: Sequence[Path], image: ParsedImage, split: Split | None) -> Path | None:
    """The picture meant among those of one name: by its bytes, by the set's folder, by its size."""
    if len(found) <= 1:
        return found[0] if found else None
    tests = (
        lambda p: image.byte_size is not None and p.stat().st_size == image.byte_size,
        lambda p: split is not None and split.value in (part.lower() for part in p.parts),
        lambda p: image.size is not None and _size_or_none(p) == image.size,
    )
    for test in tests:
        matching = [path for path in found if test(path)]
        if len(matching) == 1:
            return matching[0]
    return None


def _size_or_none(path: Path) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except ImageReadError:
        return None


def looks_cut_off(path: Path) -> bool:
    """Whether a JPEG or PNG lacks its end mark; looks at the file's last 64 KiB only."""
    mark = _END_MARKS.get(path.suffix.lower())
    if mark is None:
        return False
    try:
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            return start in (b"\xff\xd8", b"\x89P") and mark not in file.read()
    except OSError:
        return False
