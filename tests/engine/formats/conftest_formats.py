"""Builders of small pictures and annotation files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image


def picture(path: Path, width: int = 40, height: int = 30, orientation: int = 1) -> Path:
    """A gray picture of that stored size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (width, height), (120, 130, 140))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def write_json(path: Path, data: Any) -> Path:
    """`data` as a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def polygon(points: list[tuple[float, float]], **attributes: Any) -> dict[str, Any]:
    """A VIA polygon region."""
    shape = {"name": "polygon", "all_points_x": [x for x, _ in points], "all_points_y": [y for _, y in points]}
    return {"shape_attributes": shape, "region_attributes": attributes}


def square(x: float, y: float, side: float, **attributes: Any) -> dict[str, Any]:
    """A VIA polygon region around a square."""
    return polygon([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], **attributes)


def via(*images: tuple[str, Any], size: int = -1) -> dict[str, Any]:
    """A VIA 2.x annotation JSON of (file name, regions)."""
    return {
        f"{name}{size}": {"filename": name, "size": size, "regions": regions, "file_attributes": {}}
        for name, regions in images
    }


def texts(report: Any, kind: str) -> list[str]:
    """The report's sentences of one kind."""
    return [finding.text for finding in report.findings if finding.kind == kind]
