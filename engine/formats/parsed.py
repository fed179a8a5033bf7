"""What a file of another tool says, before it meets a project or a picture: neutral frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.domain.annotation import BoxXYXY
from engine.domain.polygons import Ring


class FileFormat(StrEnum):
    """The formats that can be imported, as a person names them."""

    VIA_JSON = "VIA annotations (JSON)"
    VIA_PROJECT = "VIA project (JSON)"
    VIA_CSV = "VIA annotations (CSV)"
    COCO = "COCO instances (JSON)"
    SEGMENT_ANYTHING = "Segment Anything annotations (JSON)"


@dataclass(frozen=True, slots=True)
class ParsedRegion:
    """One object, in exactly one of three shapes.

    Attributes:
        outlines: rings in image pixels; the object is their union, each filled even-odd.
        box_xyxy: only a box is known, or the shape is a rectangle.
        rle: COCO run lengths ``{"size": [H, W], "counts": ...}``, not decoded and not trusted yet.
        label: class name; "" when the file says none (or says it in `attributes`).
        attributes: VIA's region attributes: name to the values chosen.
    """

    outlines: tuple[Ring, ...] = ()
    box_xyxy: BoxXYXY | None = None
    rle: Mapping[str, Any] | None = None
    label: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def extent(self) -> BoxXYXY:
        """Box ``(x0, y0, x1, y1)`` around outlines and box; zeros where there are none."""
        points = [point for ring in self.outlines for point in ring]
        if self.box_xyxy is not None:
            points += [self.box_xyxy[:2], self.box_xyxy[2:]]
        if not points:
            return (0.0, 0.0, 0.0, 0.0)
        xs, ys = zip(*points, strict=True)
        return (min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, slots=True)
class ParsedImage:
    """One picture the file speaks of.

    Attributes:
        name: as the file writes it: untrusted, may hold folders.
        byte_size: size of the picture's file in bytes, if told (VIA).
        size: ``(height, width)`` the annotations were made on, if told (COCO).
        negative: the file says that nothing is on it (a Maskwright export does).
    """

    name: str
    regions: tuple[ParsedRegion, ...] = ()
    byte_size: int | None = None
    size: tuple[int, int] | None = None
    negative: bool = False


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """Everything one file says.

    Attributes:
        class_order: class names the file declares, in its order; others follow as they occur.
        declared: region attributes with a closed list of options (VIA projects), in the file's order.
    """

    format: FileFormat
    images: tuple[ParsedImage, ...]
    class_order: tuple[str, ...] = ()
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
