"""Finding the pictures an annotation file names, without ever leaving the folders it may speak about.

A name in a file is untrusted: an absolute path or a ``..`` is reduced to its last part and looked for inside the
allowed folders only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.project.images import IMAGE_SUFFIXES

_MOST_FILES = 300_000
_DEEPEST = 8
_DRIVE_OR_SCHEME = re.compile(r"^([A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True, slots=True)
class SafeName:
    """A picture's name made harmless.

    Attributes:
        relative: path without ``..``, drive or root; "" when nothing is left of it.
        reduced: the file's name pointed outside, and only its last part was kept.
    """

    relative: str
    reduced: bool

    @property
    def base(self) -> str:
        """The last part."""
        return PurePosixPath(self.relative).name


def safe_name(raw: str) -> SafeName:
    """`raw` as a relative path inside a folder."""
    text = raw.strip().replace("\\", "/")
    if not text.isprintable() or any("\ud800" <= c <= "\udfff" for c in text):
        return SafeName("", False)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    outside = text.startswith("/") or ".." in parts or bool(_DRIVE_OR_SCHEME.match(text))
    if outside:
        last = re.split(r"[?#]", parts[-1])[0] if "://" in text and parts else (parts[-1] if parts else "")
        kept = "" if last == ".." or re.fullmatch(r"[A-Za-z]:", last) else last
        return SafeName(kept, True)
    return SafeName("/".join(parts), False)


class ImageFinder:
    """Looks pictures up below some folders, in order; never follows a link out of them.

    Attributes:
        roots: the folders that may be read.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self.roots: tuple[Path, ...] = tuple(dict.fromkeys(Path(os.path.abspath(r)) for r in roots))  # noqa: PTH100
        self._indexes: dict[Path, dict[str, list[Path]]] = {}

    def candidates(self, name: SafeName) -> Sequence[Path]:
        """Where the picture may be: one path when it is clear, several when pictures share the name, none if missing.

        A path that fits exactly below a root wins; then one that ends with the name's folders; then the base name.
        """
        if not name.relative:
            return ()
        for root in self.roots:
            direct = root / name.relative
            if self._is_inside(direct, root):
                return (direct,)
        for root in self.roots:
            found = self._index(root).get(name.base.casefold(), [])
            tail = f"/{name.relative}".casefold()
            closest = [path for path in found if path.as_posix().casefold().endswith(tail)]
            if closest or found:
                return tuple(closest or found)
        return ()

    def _is_inside(self, path: Path, root: Path) -> bool:
        """Whether `path` is a file that, links followed, lies below `root`."""
        try:
            return path.is_file() and path.resolve().is_relative_to(root.resolve())
        except (OSError, ValueError, RuntimeError):  # too long a name, a loop of links
            return False

    def _index(self, root: Path) -> dict[str, list[Path]]:
        """Base name, case folded -> image files below `root`; walked once, bounded in depth and number."""
        if root not in self._indexes:
            index: dict[str, list[Path]] = {}
            for path in _image_files(root):
                if self._is_inside(path, root):
                    index.setdefault(path.name.casefold(), []).append(path)
            self._indexes[root] = index
        return self._indexes[root]


def _image_files(root: Path) -> Iterable[Path]:
    seen = 0
    for folder, folders, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < _DEEPEST else []
        for file in sorted(files):
            seen += 1
            if Path(file).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(folder) / file
        if seen > _MOST_FILES:
            return


def default_roots(file: Path) -> list[Path]:
    """Folders that go with an annotation file: its own, and the one above where the file lies in ``annotations/``."""
    folder = file.parent
    above = [folder.parent] if folder.name.lower() in {"annotations", "annotation", "labels", "via", "json"} else []
    return [folder, *above]
