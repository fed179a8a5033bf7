"""Overlays of objects on photographs: tinted masks (holes left open), outlines, labels.  No window needed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import Mask

RGB = npt.NDArray[np.uint8]
TINT = 0.42
TEXT_SIZE = 14
RIM = (25, 25, 25)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One object to draw.

    Attributes:
        box_xyxy: pixels of the photograph.
        mask: None draws the box instead.
        color: ``#rrggbb``.
        label: written at the top of the box; "" for none.
    """

    box_xyxy: BoxXYXY
    mask: Mask | None
    color: str
    label: str = ""


def overlay(photo: RGB, objects: Sequence[Drawn], *, long_side: int = 1280) -> RGB:
    """`photo` (H x W x 3 uint8) with `objects` over it, shrunk to `long_side` pixels if larger."""
    canvas = photo.copy()
    scale = min(1.0, long_side / max(canvas.shape[:2]))
    thickness = max(1, round(1 / scale))
    for item in objects:
        _draw_shape(canvas, item, thickness)
    if scale < 1:
        canvas = np.asarray(cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return _labelled(canvas, [(i.box_xyxy[0] * scale, i.box_xyxy[1] * scale, i) for i in objects if i.label])


def crop_box(boxes: Sequence[BoxXYXY], height: int, width: int, margin: float = 0.3) -> tuple[int, int, int, int]:
    """Half-open window around `boxes` with a margin of their size, inside the image."""
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[2] for b in boxes), max(b[3] for b in boxes)
    edge = margin * max(x1 - x0, y1 - y0) + 4
    left, top = max(0, int(x0 - edge)), max(0, int(y0 - edge))
    return left, top, min(width, int(np.ceil(x1 + edge))), min(height, int(np.ceil(y1 + edge)))


def cropped(photo: RGB, objects: Sequence[Drawn], window: tuple[int, int, int, int], *, size: int = 220) -> RGB:
    """The `window` of `photo` with `objects` over it, scaled to `size` pixels on its long side."""
    x0, y0, x1, y1 = window
    scale = size / max(x1 - x0, y1 - y0)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = cv2.resize(photo[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=how)
    canvas = np.asarray(part, dtype=np.uint8).copy()
    height, width = canvas.shape[:2]
    for item in objects:
        if item.mask is not None:
            small = item.mask.decode_crop(window).astype(np.float32)
            inside = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
            _tint(canvas, inside, item.color, 1)
        else:
            corners = [round((v - o) * scale) for v, o in zip(item.box_xyxy, (x0, y0, x0, y0), strict=True)]
            cv2.rectangle(canvas, corners[:2], corners[2:], _rgb(item.color), 2)
    return canvas


def data_uri(picture: RGB, quality: int = 85) -> str:
    """`picture` as a JPEG inside a ``data:`` address."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(picture, quality)).decode("ascii")


def jpeg(picture: RGB, quality: int = 88) -> bytes:
    """`picture` (H x W x 3 RGB) as JPEG bytes."""
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("the picture cannot be encoded")
    return bytes(data.tobytes())


def _draw_shape(canvas: RGB, item: Drawn, thickness: int) -> None:
    if item.mask is None:
        x0, y0, x1, y1 = (round(v) for v in item.box_xyxy)
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), _rgb(item.color), thickness + 1)
        return
    x0, y0, x1, y1 = item.mask.box
    _tint(canvas[y0:y1, x0:x1], item.mask.decode_crop(item.mask.box), item.color, thickness)


def _tint(region: RGB, inside: npt.NDArray[np.bool_], color: str, thickness: int) -> None:
    tone = np.array(_rgb(color), dtype=np.float32)
    region[inside] = np.rint(region[inside] * (1 - TINT) + tone * TINT).astype(np.uint8)
    outlines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    buffer = np.ascontiguousarray(region)
    cv2.drawContours(buffer, outlines, -1, RIM, thickness + 2, cv2.LINE_AA)  # shows on any ground
    cv2.drawContours(buffer, outlines, -1, _rgb(color), thickness, cv2.LINE_AA)
    region[...] = buffer


def _labelled(canvas: RGB, labels: Sequence[tuple[float, float, Drawn]]) -> RGB:
    if not labels:
        return canvas
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(TEXT_SIZE)
    placed: list[tuple[float, float, float, float]] = []
    for x, y, item in labels:
        _, _, right, bottom = draw.textbbox((0, 0), item.label, font=font)
        plate = _free_place(
            max(0.0, min(x, image.width - right - 6)), max(0.0, y - bottom - 5), right + 6, bottom + 5, placed
        )
        placed.append(plate)
        draw.rectangle(plate, fill=item.color)
        draw.text((plate[0] + 3, plate[1] + 1), item.label, font=font, fill=_ink(item.color))
    return np.asarray(image, dtype=np.uint8)


def _free_place(
    x: float, y: float, width: float, height: float, placed: Sequence[tuple[float, float, float, float]]
) -> tuple[float, float, float, float]:
    """Box of a label at (x, y), moved down past those that are there already."""
    for _ in placed:
        box = (x, y, x + width, y + height)
        below = [p[3] + 1 for p in placed if p[0] < box[2] and box[0] < p[2] and p[1] < box[3] and box[1] < p[3]]
        if not below:
            break
        y = max(below)
    return (x, y, x + width, y + height)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _ink(color: str) -> str:
    r, g, b = _rgb(color)
    return "#000000" if 0.299 * r + 0.587 * g + 0.114 * b > 130 else "#ffffff"
