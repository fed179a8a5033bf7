"""EXIF orientation: annotations made on the stored pixels, moved onto the picture as it is shown.

Maskwright shows pictures as their EXIF tag says.  Some tools (and VIA in browsers before 2020) do not, so their
coordinates belong to the unrotated pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.domain.mask import Mask
from engine.domain.polygons import Ring
from engine.project.pixels import orientation


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels become the shown picture.

    Attributes:
        orientation: EXIF's number, 1 (as it is) to 8.
        height, width: of the stored pixels.
    """

    orientation: int
    height: int
    width: int

    @property
    def swaps_sides(self) -> bool:
        """Whether the shown picture has height and width exchanged."""
        return self.orientation >= 5

    def ring(self, ring: Ring) -> Ring:
        """A ring of the stored pixels on the shown picture."""
        move = _POINTS[self.orientation]
        return tuple(move(x, y, self.width, self.height) for x, y in ring)

    def box(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box ``(x0, y0, x1, y1)`` of the stored pixels on the shown picture."""
        (ax, ay), (bx, by) = self.ring(((box[0], box[1]), (box[2], box[3])))
        return (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))

    def mask(self, mask: Mask) -> Mask:
        """A mask of the stored pixels on the shown picture."""
        return Mask.from_array(_PIXELS[self.orientation](mask.to_array()))


def exif_turn(path: Path, shown: tuple[int, int]) -> Turn:
    """The turn of the picture at `path`, which is shown with `shown` = (height, width); reads the header only."""
    try:
        with Image.open(path) as image:
            tag = orientation(image)
    except Exception:  # Pillow raises whatever a damaged tag makes it stumble over; a picture without tag is upright
        tag = 1
    height, width = shown[::-1] if tag >= 5 else shown
    return Turn(tag, height, width)


# EXIF 2.3, tag 0x0112; (x, y) of stored pixels sized w x h
_POINTS: dict[int, Callable[[float, float, int, int], tuple[float, float]]] = {
    1: lambda x, y, w, h: (x, y),
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (h - y, x),
    7: lambda x, y, w, h: (h - y, w - x),
    8: lambda x, y, w, h: (y, w - x),
}
_Pixels = npt.NDArray[np.bool_]
_PIXELS: dict[int, Callable[[_Pixels], _Pixels]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}
