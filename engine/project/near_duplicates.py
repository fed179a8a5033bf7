"""Images that show the same picture: copies that were resized, recompressed or slightly brightened.

An image's signature is the perceptual hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010): the 8 x 8 lowest frequencies of a 32 x 32 gray picture, each bit telling whether a frequency is above
their median (and more than noise).  The mean brightness has no bit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import ImageReadError
from engine.project.images import thumbnail
from engine.project.pixels import Pixels

Progress = Callable[[int, int], None]

# Of 64 bits.  A photograph that is halved, shrunk to a third, recompressed at quality 30, 15 % brighter or of 20 % more
# contrast changes 4 of them at most; different pictures of the balloon set, the sample project and a set of fruits
# differ in 15 at least, so the border is set between.  Of pictures cut by 2 % at every side, which change up to 10,
# most are found; mirrored and turned ones are not.
SAME_PICTURE_BITS = 8
_SIDE = 32
_THUMBNAIL = 64
_NOISE = 0.1  # frequencies below this share of the standard deviation are none; a drawing has only a few
_FLATTEST = 2.0  # standard deviation in gray levels below which the frequencies are noise


def signature(path: Path) -> int | None:
    """64-bit perceptual hash of an image file, upright; None for a picture without structure (a blank page).

    A file that did not change since is not read again.

    Raises:
        ImageReadError: when it cannot be read.
    """
    try:
        stat = path.stat()
    except OSError:
        stat = None
    if stat is None:
        return _hash_of(thumbnail(path, _THUMBNAIL))  # says what is wrong with the file
    return _signature(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1 << 16)
def _signature(path: Path, _changed: int, _size: int) -> int | None:
    return _hash_of(thumbnail(path, _THUMBNAIL))


def _hash_of(pixels: Pixels) -> int | None:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    if small.std() < _FLATTEST:
        return None
    low = np.asarray(cv2.dct(small))[:8, :8].ravel()
    bits = low > max(float(np.median(low[1:])), _NOISE * float(small.std()))
    bits[0] = False
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def signatures(paths: Sequence[Path], *, progress: Progress | None = None) -> list[int | None]:
    """:func:`signature` of each file; None for those that cannot be read, too.

    Args:
        progress: called with (files looked at, files in all).
    """
    found: list[int | None] = []
    for done, path in enumerate(paths):
        if progress is not None:
            progress(done, len(paths))
        try:
            found.append(signature(path))
        except ImageReadError:
            found.append(None)
    return found


def similar_pairs(found: Sequence[int | None], *, bits: int = SAME_PICTURE_BITS) -> list[tuple[int, int]]:
    """Pairs of positions ``(i, j)``, ``i < j``, that connect all signatures which differ in at most `bits`.

    As few pairs as do it: of a thousand frames of one camera, 999 and not half a million.  None is like nothing.
    """
    positions = np.array([i for i, value in enumerate(found) if value is not None], dtype=np.int64)
    values = np.array([value for value in found if value is not None], dtype=np.uint64)
    left = np.arange(len(values))  # not reached yet
    pairs: list[tuple[int, int]] = []
    while len(left):
        reached, left = [left[0]], left[1:]
        while reached and len(left):
            at = reached.pop()
            near = _bit_counts(values[left] ^ values[at]) <= bits
            pairs += [(int(positions[min(at, n)]), int(positions[max(at, n)])) for n in left[near]]
            reached += list(left[near])
            left = left[~near]
    return sorted(pairs)


def _bit_counts(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Number of set bits in each value: added up in pairs, fours, eights, then bytes by one product."""
    u = np.uint64
    values = values - ((values >> u(1)) & u(0x5555555555555555))
    values = (values & u(0x3333333333333333)) + ((values >> u(2)) & u(0x3333333333333333))
    values = (values + (values >> u(4))) & u(0x0F0F0F0F0F0F0F0F)
    return (values * u(0x0101010101010101)) >> u(56)


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Positions 0 to `count` - 1 in groups: what a chain of `pairs` connects is together (union-find).

    Groups and their members come in rising order; a position in no pair is a group of its own.
    """
    parents = list(range(count))

    def root(position: int) -> int:
        while parents[position] != position:
            parents[position] = parents[parents[position]]
            position = parents[position]
        return position

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parents[high] = low
    groups: dict[int, list[int]] = {}
    for position in range(count):
        groups.setdefault(root(position), []).append(position)
    return list(groups.values())
