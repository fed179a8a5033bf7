"""Reading pixels: any ordinary image file comes out as H x W x 3 uint8 RGB, the way a viewer shows it.

* EXIF orientation is applied.
* Gray is repeated three times; palettes and 1-bit images are looked up; CMYK and the rest are converted.
* Transparency is laid over white.
* More than 8 bits per channel are stretched linearly, over all channels together: the image's lowest value becomes 0
  and its highest 255, so that a 12-bit camera image in a 16-bit file is not nearly black.
* Of an image of several pages or frames, the first is taken.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.domain.annotation import Split
from engine.errors import DataError, ImageReadError, UserError
from engine.project.pixels import TURNED, Pixels, deep_color, deep_turn, is_deep_color, orientation, rgb, turned
from engine.project.records import Changed
from engine.project.store import ProjectStore

# What Pillow may open: no format that runs a program (EPS) or is not an image (PDF, fonts).
_FORMATS = ("JPEG", "PNG", "BMP", "DIB", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000")
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".jp2",
))  # fmt: skip

# A 20,000 x 20,000 image has 400 million.  A file of a few kilobytes can claim any number.
MAX_PIXELS = 500_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit, which would refuse a third of that


def read_image(path: Path | str) -> Pixels:
    """The pixels of an image file, H x W x 3 uint8 RGB (see the module's text for the conversions).

    Raises:
        ImageReadError: when the file is missing, truncated, not an image, or too large.
    """
    with _opened(path) as image:
        if is_deep_color(image):
            turn = deep_turn(image)
            image.load()  # cv2 does not notice a truncated file
            return turned(deep_color(Path(path)), turn)
        image.load()
        return turned(rgb(image), orientation(image))  # after load(), which turns some formats itself


def image_size(path: Path | str) -> tuple[int, int]:
    """``(height, width)`` as :func:`read_image` will give it, from the header alone.

    Raises:
        ImageReadError: when the file is missing, not an image, or too large.
    """
    with _opened(path) as image:
        width, height = image.size
        turns = orientation(image) in TURNED and image.format != "TIFF"  # whose size Pillow has turned already
        return (width, height) if turns else (height, width)


def thumbnail(path: Path | str, size: int) -> Pixels:
    """A small picture, h x w x 3 uint8 RGB with ``max(h, w) <= size``; JPEGs are decoded at a fraction of their size.

    Raises:
        ImageReadError: as :func:`read_image`.
    """
    with _opened(path) as image:
        if is_deep_color(image):
            turn = deep_turn(image)
            small = Image.fromarray(deep_color(Path(path)))
        else:
            image.draft("RGB", (size, size))
            image.load()
            turn = orientation(image)
            small = image if image.mode == "RGB" else Image.fromarray(rgb(image))
        small.thumbnail((size, size))
        return turned(np.asarray(small), turn)


def content_hash(path: Path | str) -> str:
    """Hash of a file's bytes (BLAKE2b, 32 hex digits): equal files, equal hash.

    Raises:
        ImageReadError: when the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise ImageReadError(f"The file cannot be read: {error.strerror}.", path=path) from error


def find_images(folder: Path | str) -> list[Path]:
    """Image files in `folder` and below, in the order a person would number them.

    Hidden files and folders are left out, and so are links to folders and a project's own ``runs``.
    """
    found: list[Path] = []
    for base, folders, files in os.walk(folder):
        own = {"runs"} if "project.sqlite" in files else set()
        folders[:] = [f for f in folders if not f.startswith(".") and f not in own]
        found += (Path(base, f) for f in files if not f.startswith(".") and Path(f).suffix.lower() in IMAGE_SUFFIXES)
    return sorted(found, key=lambda p: natural_key(p.as_posix()))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key that puts ``2.jpg`` before ``10.jpg``."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]


# --- opening ------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path | str) -> Iterator[Image.Image]:
    """Open an image file and word every way its reading can fail, inside the block too."""
    if not Path(path).is_file():
        what = "is a folder" if Path(path).is_dir() else "is missing"
        raise ImageReadError(f"The image {what}.", path=path, hint="Put it back, or take it out of the project.")
    try:
        image = Image.open(path, formats=_FORMATS)
        with image:
            _check_size(image, path)
            yield image
    except UnidentifiedImageError as error:
        raise ImageReadError("This is not an image that can be read.", path=path) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ImageReadError("The image is too large to be read into memory.", path=path) from error
    except OSError as error:
        raise ImageReadError(f"The image cannot be read: {_reason(error)}.", path=path) from error
    except (ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, cv2.error) as error:
        # what Pillow's decoders raise on damaged files
        raise ImageReadError("The image file is damaged.", path=path) from error


def _check_size(image: Image.Image, path: Path | str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageReadError(
            f"The image says it has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million can be read.",
            path=path,
        )


def _reason(error: OSError) -> str:
    if error.strerror:
        return error.strerror
    text = str(error)
    return "it is truncated or damaged" if "truncated" in text or "broken" in text or not text else text


# --- into a project -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AddReport:
    """What came of adding files.

    Attributes:
        image_ids: of the images that are new, in order.
        skipped: files left out, each with the reason.
        changed: what views refresh from; None when nothing was added.
    """

    image_ids: tuple[int, ...]
    skipped: tuple[tuple[Path, str], ...]
    changed: Changed | None

    @property
    def added(self) -> int:
        return len(self.image_ids)


def add_images(
    store: ProjectStore,
    source: Path | str | Iterable[Path | str],
    *,
    split: Split = Split.NONE,
    progress: Callable[[int, int], None] | None = None,
) -> AddReport:
    """Refer to the images of a folder, or to the files given, as one change.

    Files that cannot be read and files that are in the project already are left out, with the reason.

    Args:
        progress: called with (files looked at, files in all).

    Raises:
        ProjectError: when the project cannot be changed.
    """
    paths = _paths(source)
    known = {store.image_path(record.id) for record in store.images()}
    skipped: list[tuple[Path, str]] = []
    facts: list[tuple[Path, tuple[int, int], str]] = []
    for done, path in enumerate(paths):  # the slow part, before the change makes others wait
        if progress is not None:
            progress(done, len(paths))
        try:
            _check_new(path, known)
            facts.append((path, image_size(path), content_hash(path)))
            known.add(path)
        except UserError as error:
            skipped.append((path, error.message))
    return _add(store, facts, tuple(skipped), split)


def _check_new(path: Path, known: set[Path]) -> None:
    if path in known:
        raise DataError("It is in the project already.")
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError("Its name is not valid Unicode; rename it.") from error


def _add(
    store: ProjectStore,
    facts: list[tuple[Path, tuple[int, int], str]],
    skipped: tuple[tuple[Path, str], ...],
    split: Split,
) -> AddReport:
    label = f"Add {facts[0][0].name}" if len(facts) == 1 else f"Add {len(facts)} images"
    with store.change(label) as change:
        ids = [
            change.add_image(path, width, height, split=split, content_hash=digest)
            for path, (height, width), digest in facts
        ]
    return AddReport(tuple(ids), skipped, change.changed)


def _paths(source: Path | str | Iterable[Path | str]) -> list[Path]:
    if isinstance(source, str | Path):
        source = find_images(source) if Path(source).is_dir() else [source]
    return [Path(os.path.abspath(path)) for path in source]  # noqa: PTH100
