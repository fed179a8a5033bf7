"""The one mask value: an immutable, full-image, run-length encoded binary mask.

The same value goes from the brush through undo, store, training targets, predictions, overlap tests, evaluation and
every file format that can hold it.  Pixels outside the object, holes included, are simply not set.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rlemasklib import BoolFunc, RLEMask

BoxInt = tuple[int, int, int, int]


class Mask:
    """Binary mask of one object in image pixels; immutable and hashable.

    Backed by COCO run lengths (column-major, first run background).  Pixel ``(x, y)`` covers the square
    ``[x, x+1) x [y, y+1)``; boxes are half-open ``(x0, y0, x1, y1)``.
    """

    __slots__ = ("__dict__", "_rle")  # __dict__ only serves cached_property

    def __init__(self, rle: RLEMask) -> None:
        """Take over `rle`; the caller must not change it afterwards."""
        self._rle = rle

    # --- making one -------------------------------------------------------------------------------------------

    @classmethod
    def empty(cls, height: int, width: int) -> Mask:
        """Mask of `height` x `width` with no pixel set."""
        return cls(RLEMask.zeros((height, width)))

    @classmethod
    def from_array(cls, array: npt.NDArray[Any]) -> Mask:
        """Encode `array` (H x W, bool or integer, nonzero = object)."""
        if array.ndim != 2:
            raise ValueError(f"a mask is H x W, got shape {array.shape}")
        return cls(RLEMask.from_array(np.asfortranarray(array != 0, dtype=np.uint8)))

    @classmethod
    def from_crop(cls, crop: npt.NDArray[Any], x0: int, y0: int, height: int, width: int) -> Mask:
        """Place `crop` (h x w, nonzero = object) with its top-left pixel at ``(x0, y0)``; what falls outside is cut."""
        cx0, cy0 = max(0, -x0), max(0, -y0)
        cx1 = min(crop.shape[1], width - x0)
        cy1 = min(crop.shape[0], height - y0)
        if cx1 <= cx0 or cy1 <= cy0:
            return cls.empty(height, width)
        part = cls.from_array(crop[cy0:cy1, cx0:cx1])
        return part.padded(x0 + cx0, y0 + cy0, height, width)

    @classmethod
    def from_box(cls, box: Sequence[float], height: int, width: int) -> Mask:
        """Fill the half-open `box` ``(x0, y0, x1, y1)``, rounded to whole pixels and clipped to the image."""
        x0, y0, x1, y1 = (round(v) for v in box)
        x0, x1 = sorted((min(max(x0, 0), width), min(max(x1, 0), width)))
        y0, y1 = sorted((min(max(y0, 0), height), min(max(y1, 0), height)))
        return cls(RLEMask.from_bbox((x0, y0, x1 - x0, y1 - y0), imshape=(height, width)))

    @classmethod
    def from_counts(cls, counts: Sequence[int] | npt.NDArray[Any], height: int, width: int) -> Mask:
        """From COCO's uncompressed counts (column-major).

        Raises:
            ValueError: when the runs do not add up to ``height * width``.
        """
        return cls(RLEMask.from_counts(np.asarray(counts, dtype=np.uint32), (height, width), order="F"))

    @classmethod
    def from_coco(cls, rle: dict[str, Any]) -> Mask:
        """From a COCO RLE dict ``{"size": [H, W], "counts": list | str | bytes}``.

        Raises:
            ValueError: when the dict is not an RLE or the runs do not cover the image exactly.
        """
        height, width = (int(v) for v in rle["size"])
        counts = rle["counts"]
        if isinstance(counts, list):
            return cls.from_counts(counts, height, width)
        raw = counts.encode("ascii") if isinstance(counts, str) else bytes(counts)
        mask = cls(RLEMask.from_dict({"size": [height, width], "counts": raw}))
        if int(np.sum(mask._rle.counts_view, dtype=np.uint64)) != height * width:
            raise ValueError("the run lengths do not cover the image")
        return mask

    # --- writing it down --------------------------------------------------------------------------------------

    def to_coco(self, *, compressed: bool = True) -> dict[str, Any]:
        """COCO RLE dict; `compressed` gives an ASCII string, otherwise a list of integers."""
        if compressed:
            return {"size": [self.height, self.width], "counts": self.to_bytes().decode("ascii")}
        return {"size": [self.height, self.width], "counts": [int(v) for v in self._rle.counts_view]}

    def to_bytes(self) -> bytes:
        """COCO's compressed counts; with the image size it gives the mask back (:meth:`from_bytes`)."""
        return bytes(self._rle.to_dict()["counts"])

    @classmethod
    def from_bytes(cls, data: bytes, height: int, width: int) -> Mask:
        """Inverse of :meth:`to_bytes`."""
        return cls.from_coco({"size": [height, width], "counts": data})

    def to_array(self) -> npt.NDArray[np.bool_]:
        """Dense copy, H x W bool.  Costs memory in proportion to the image: prefer :meth:`decode_crop`."""
        return np.asarray(self._rle.to_array(), dtype=bool)

    def decode_crop(self, box: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Dense copy of the half-open `box` ``(x0, y0, x1, y1)``; what lies outside the image is False."""
        x0, y0, x1, y1 = (int(v) for v in box)
        out = np.zeros((max(0, y1 - y0), max(0, x1 - x0)), dtype=bool)
        ix0, iy0, ix1, iy1 = max(x0, 0), max(y0, 0), min(x1, self.width), min(y1, self.height)
        if ix0 < ix1 and iy0 < iy1:
            inner = self._rle.crop(np.array([ix0, iy0, ix1 - ix0, iy1 - iy0]))
            out[iy0 - y0 : iy1 - y0, ix0 - x0 : ix1 - x0] = inner.to_array()
        return out

    # --- facts ------------------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        return int(self._rle.shape[0])

    @property
    def width(self) -> int:
        return int(self._rle.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """``(height, width)`` of the image."""
        return self.height, self.width

    @property
    def rle(self) -> RLEMask:
        """The wrapped value, for reading only."""
        return self._rle

    @functools.cached_property
    def area(self) -> int:
        """Number of set pixels; holes do not count."""
        return int(self._rle.area())

    @property
    def is_empty(self) -> bool:
        return self.area == 0

    @functools.cached_property
    def box(self) -> BoxInt:
        """Tight half-open box ``(x0, y0, x1, y1)``; ``(0, 0, 0, 0)`` when empty."""
        if self.is_empty:
            return (0, 0, 0, 0)
        x, y, w, h = map(int, self._rle.bbox().tolist())
        return (x, y, x + w, y + h)

    def contains_point(self, x: int, y: int) -> bool:
        """Whether pixel ``(x, y)`` is set (False outside the image)."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return False
        return bool(self.decode_crop((x, y, x + 1, y + 1))[0, 0])

    # --- algebra ----------------------------------------------------------------------------------------------

    def __or__(self, other: Mask) -> Mask:
        return Mask(self._rle | self._same_size(other)._rle)

    def __and__(self, other: Mask) -> Mask:
        return Mask(self._rle & self._same_size(other)._rle)

    def __sub__(self, other: Mask) -> Mask:
        return Mask(self._rle - self._same_size(other)._rle)

    def __xor__(self, other: Mask) -> Mask:
        return Mask(self._rle ^ self._same_size(other)._rle)

    def __invert__(self) -> Mask:
        return Mask(~self._rle)

    def _same_size(self, other: Mask) -> Mask:
        if self.shape != other.shape:
            raise ValueError(f"masks of different images: {self.shape} and {other.shape}")
        return other

    @staticmethod
    def union_of(masks: Iterable[Mask], height: int, width: int) -> Mask:
        """Union of any number of masks of one image."""
        rles = [m._rle for m in masks]
        return Mask(RLEMask.merge_many(rles, BoolFunc.OR)) if rles else Mask.empty(height, width)

    def intersection_area(self, other: Mask) -> int:
        """Number of pixels set in both."""
        if not boxes_touch(self.box, self._same_size(other).box):
            return 0
        return (self & other).area

    def iou(self, other: Mask) -> float:
        """Intersection over union in [0, 1]; 0 for two empty masks."""
        shared = self.intersection_area(other)
        union = self.area + other.area - shared
        return shared / union if union else 0.0

    # --- holes and parts --------------------------------------------------------------------------------------

    @functools.cached_property
    def holes(self) -> tuple[Mask, ...]:
        """Enclosed background regions, each a mask: 4-connected background that does not reach the outside.

        The object counts as 8-connected, so a diagonal pair of pixels closes a hole (as in ``cv2.findContours``).
        """
        return tuple(Mask(part) for part in (self.filled - self)._rle.connected_components(connectivity=4))

    @property
    def filled(self) -> Mask:
        """This mask with every hole filled."""
        if self.is_empty:
            return self
        x0, y0 = self.box[:2]
        tight = self.cropped(self.box)
        framed = ~tight.padded(1, 1, tight.height + 2, tight.width + 2)
        (outside,) = framed._rle.connected_components(connectivity=4, filter_fn=_at_left_border)
        return (~Mask(outside)).translated(x0 - 1, y0 - 1, self.height, self.width)

    def hole_at(self, x: int, y: int) -> Mask | None:
        """The hole that contains pixel ``(x, y)``, if any."""
        return next((hole for hole in self.holes if hole.contains_point(x, y)), None)

    def parts(self) -> tuple[Mask, ...]:
        """8-connected components, largest first."""
        found = [Mask(part) for part in self._rle.connected_components(connectivity=8)]
        return tuple(sorted(found, key=lambda m: -m.area))

    # --- geometry ---------------------------------------------------------------------------------------------

    def cropped(self, box: BoxInt) -> Mask:
        """The part inside the half-open `box`, as a mask of the box's size (`box` lies inside the image)."""
        x0, y0, x1, y1 = box
        return Mask(self._rle.crop(np.array([x0, y0, x1 - x0, y1 - y0])))

    def padded(self, left: int, top: int, height: int, width: int) -> Mask:
        """This mask placed at ``(left, top)`` inside an image of `height` x `width` (it must fit)."""
        bottom, right = height - self.height - top, width - self.width - left
        if min(left, top, bottom, right) < 0:
            raise ValueError("the mask does not fit into the image")
        return Mask(self._rle.pad(top, bottom, left, right))

    def translated(self, dx: int, dy: int, height: int | None = None, width: int | None = None) -> Mask:
        """Moved by whole pixels into an image of `height` x `width` (default: the same); what leaves it is cut."""
        height = self.height if height is None else height
        width = self.width if width is None else width
        x0, y0 = max(0, -dx), max(0, -dy)
        x1, y1 = min(self.width, width - dx), min(self.height, height - dy)
        if x1 <= x0 or y1 <= y0:
            return Mask.empty(height, width)
        return self.cropped((x0, y0, x1, y1)).padded(x0 + dx, y0 + dy, height, width)

    # --- identity ---------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return self.shape == other.shape and bool(self._rle == other._rle)

    def __hash__(self) -> int:
        return hash((self.shape, self.to_bytes()))

    def __repr__(self) -> str:
        return f"Mask({self.width}x{self.height}, area={self.area}, box={self.box})"


def _at_left_border(areas: object, boxes: npt.NDArray[Any], centroids: object) -> npt.NDArray[np.bool_]:
    """Of connected components (boxes N x 4, x y w h) those that reach the first column."""
    touching: npt.NDArray[np.bool_] = boxes[:, 0] == 0
    return touching


def boxes_touch(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether two half-open ``(x0, y0, x1, y1)`` boxes share any area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
