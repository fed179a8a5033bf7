"""Pictures of a training sample: its objects, its positive anchors, and the mask targets of its ROIs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.domain.annotation import Category
from engine.domain.mask import Mask
from engine.review.pictures import Drawn, overlay
from engine.training.samples import Sample
from engine.training.targets import AnchorTargets, RoiTargets

RGB = npt.NDArray[np.uint8]

ANCHOR_COLOR = (255, 140, 0)
ROIS_SHOWN = 8
_SHOWN_SIDE = 768  # small inputs are enlarged to about this, by whole factors, so that pixels stay square
_TILE = 168  # six screen pixels for each cell of a mask target
_GAP = 8
_TEXT = 14
_PAPER = (245, 245, 245)
_INK = (20, 20, 20)


def objects_picture(sample: Sample, categories: Sequence[Category]) -> RGB:
    """The sample with outlines (of holes too), boxes and class names."""
    factor = _factor(sample.image)
    canvas = overlay(_enlarged(sample.image, factor), _drawn(sample, categories, factor), long_side=1 << 20)
    canvas = canvas.copy()
    for box, label in zip(sample.target["boxes"].tolist(), sample.target["labels"].tolist(), strict=True):
        _rectangle(canvas, box, factor, _rgb(categories[label - 1].color))
    gone = f", {len(sample.vanished)} vanished" if sample.vanished else ""
    return _captioned(canvas, f"{len(sample.instance_ids)} objects{gone}")


def anchors_picture(sample: Sample, anchors: AnchorTargets) -> RGB:
    """The sample with its positive anchors; the others are counted."""
    factor = _factor(sample.image)
    canvas = _enlarged(sample.image, factor)
    for box in anchors.positive.tolist():
        _rectangle(canvas, box, factor, ANCHOR_COLOR)
    text = (
        f"anchors: {len(anchors.positive)} positive ({anchors.drawn_positive} learned from), {anchors.negative}"
        f" negative ({anchors.drawn_negative}), {anchors.ignored} ignored"
    )
    return _captioned(canvas, text)


def rois_picture(sample: Sample, rois: RoiTargets, categories: Sequence[Category]) -> RGB:
    """Some positive ROIs: what each sees of the sample beside the mask that it is to answer."""
    shown = _spread(len(rois.boxes))
    tiles = [_tile(sample, rois, index, categories) for index in shown]
    text = f"{len(rois.boxes)} of {rois.drawn} ROIs are positive"
    if not tiles:
        return _captioned(_enlarged(sample.image, _factor(sample.image)), text)
    return _captioned(np.concatenate(tiles, axis=0), f"{text}; {len(tiles)} shown")


def _tile(sample: Sample, rois: RoiTargets, index: int, categories: Sequence[Category]) -> RGB:
    """Crop and target side by side, with a frame."""
    x0, y0, x1, y1 = rois.boxes[index].tolist()
    scale = np.array([_TILE / max(x1 - x0, 1e-6), _TILE / max(y1 - y0, 1e-6)])
    matrix = np.array([[scale[0], 0, -x0 * scale[0]], [0, scale[1], -y0 * scale[1]]])
    matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5  # OpenCV's coordinates name pixel centres
    crop = cv2.warpAffine(sample.image, matrix, (_TILE, _TILE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    parts = [crop]
    if len(rois.masks):
        values = (rois.masks[index].numpy() * 255).round().astype(np.uint8)
        cells = cv2.resize(values, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST)
        parts.append(cv2.cvtColor(cells, cv2.COLOR_GRAY2RGB))
    framed = [cv2.copyMakeBorder(p, _GAP, _GAP, _GAP, _GAP, cv2.BORDER_CONSTANT, value=_PAPER) for p in parts]
    label = int(sample.target["labels"][rois.matched[index]])
    return _captioned(np.concatenate(framed, axis=1), categories[label - 1].name)


def _spread(count: int) -> list[int]:
    """Indices of the ROIs to show, over all of them: they are drawn in no order, but objects' own boxes come last."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, ROIS_SHOWN))}) if count else []


def _drawn(sample: Sample, categories: Sequence[Category], factor: int) -> list[Drawn]:
    height, width = (side * factor for side in sample.image.shape[:2])
    masks: list[Mask | None] = [
        Mask.from_crop(_enlarged(m.pixels.numpy(), factor), m.x0 * factor, m.y0 * factor, height, width)
        for m in sample.target["masks"]
    ] or [None] * len(sample.instance_ids)
    objects = zip(sample.target["boxes"].tolist(), sample.target["labels"].tolist(), masks, strict=True)
    return [
        Drawn(
            (box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor),
            mask,
            categories[label - 1].color,
            categories[label - 1].name,
        )
        for box, label, mask in objects
    ]


def _factor(image: RGB) -> int:
    return max(1, round(_SHOWN_SIDE / int(max(image.shape[:2]))))


def _enlarged(pixels: RGB, factor: int) -> RGB:
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _rectangle(canvas: RGB, box: Sequence[float], factor: int, color: tuple[int, int, int]) -> None:
    x0, y0, x1, y1 = (round(v * factor) for v in box)
    cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), color, 1)


def _captioned(canvas: RGB, text: str) -> RGB:
    """`canvas` with a line of text below it, widened where the text needs it."""
    font = ImageFont.load_default(_TEXT)
    width = max(canvas.shape[1], int(font.getlength(text)) + 2 * _GAP)
    picture = Image.new("RGB", (width, canvas.shape[0] + _TEXT + 2 * _GAP), _PAPER)
    picture.paste(Image.fromarray(canvas), (0, 0))
    ImageDraw.Draw(picture).text((_GAP, canvas.shape[0] + _GAP - 2), text, font=font, fill=_INK)
    return np.asarray(picture, dtype=np.uint8)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
