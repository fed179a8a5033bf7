"""Pictures of a trace: anchors, proposals before and after suppression, ROI crops, 28 x 28 masks, the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from engine.domain.annotation import Category, palette_color
from engine.domain.trace import AnchorFate, CandidateFate, Trace
from engine.errors import UserError
from engine.review.contact_sheet import RGB, captioned, fitted, sheet
from engine.review.miss_words import TITLES
from engine.review.missed import Miss
from engine.review.pictures import Drawn, cropped, overlay

KEPT, SUPPRESSED, MISSED = "#009e73", "#d55e00", "#cc0000"
SHOWN_SCORE = 0.5
ANCHORS_OF_A_LEVEL = 12
PROPOSALS = 100
TILES = 24
_COLUMNS = 6
_TILE = 168  # six screen pixels for each cell of a mask of 28 x 28
_LONG_SIDE = 1280


def write_trace_pictures(
    trace: Trace, photo: RGB, categories: Mapping[int, Category], folder: Path, misses: Sequence[Miss] = ()
) -> list[Path]:
    """Write the six pictures as PNG files into `folder`.

    Args:
        photo: the traced image, H x W x 3 uint8.
        misses: objects that were missed, to be marked among the predictions.

    Raises:
        UserError: when the folder cannot be written to.
    """
    pictures = {
        "1_anchors": anchors_picture(trace, photo),
        "2_proposals_before_nms": ranked_picture(trace, photo),
        "3_proposals_after_nms": proposals_picture(trace, photo),
        "4_rois": rois_picture(trace, photo, categories),
        "5_masks": masks_picture(trace, photo, categories),
        "6_predictions": predictions_picture(trace, photo, categories, misses),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            Image.fromarray(picture).save(folder / f"{name}.png")
    except OSError as error:
        raise UserError(f"The pictures cannot be written: {error.strerror or error}.", path=folder) from error
    return [folder / f"{name}.png" for name in pictures]


def anchors_picture(trace: Trace, photo: RGB) -> RGB:
    """The best-scored anchors of each level, a colour for each."""
    boxes: list[npt.NDArray[np.float32]] = []
    colors: list[str] = []
    named: dict[int, str] = {}
    for index, level in enumerate(trace.levels):
        scores = trace.anchors.scores[level.first : level.first + level.anchors]
        best = level.first + np.argsort(-scores, kind="stable")[:ANCHORS_OF_A_LEVEL]
        named[len(boxes)] = f"stride {level.stride}"
        boxes += [trace.anchors.boxes_xyxy[k] for k in best]
        colors += [palette_color(index)] * len(best)
    text = f"{len(trace.anchors.scores)} anchors; the {ANCHORS_OF_A_LEVEL} best of each level are shown"
    return captioned(_outlined(photo, boxes, colors, named), text)


def ranked_picture(trace: Trace, photo: RGB) -> RGB:
    """The best boxes that suppression compares: kept ones green over suppressed ones in orange."""
    left = trace.anchors_of(AnchorFate.PROPOSED, AnchorFate.OVER_LIMIT)
    gone = trace.anchors_of(AnchorFate.SUPPRESSED)
    best = trace.anchors_of(AnchorFate.PROPOSED, AnchorFate.OVER_LIMIT, AnchorFate.SUPPRESSED)[:PROPOSALS]
    kept = np.isin(best, left)
    order = [*best[kept], *best[~kept]]
    colors = [KEPT] * int(kept.sum()) + [SUPPRESSED] * int((~kept).sum())
    text = f"{len(left) + len(gone)} boxes before NMS, {len(gone)} suppressed (orange); the {len(best)} best are shown"
    return captioned(_outlined(photo, [trace.anchors.regressed_xyxy[k] for k in order], colors), text)


def proposals_picture(trace: Trace, photo: RGB) -> RGB:
    """The best proposals."""
    shown = list(trace.rois.boxes_xyxy[:PROPOSALS])
    text = f"{len(trace.rois.boxes_xyxy)} proposals after NMS; the {len(shown)} best are shown"
    return captioned(_outlined(photo, shown, [KEPT] * len(shown)), text)


def rois_picture(trace: Trace, photo: RGB, categories: Mapping[int, Category]) -> RGB:
    """Crops of the ROIs that are objects most surely, with the pyramid's stride and the best class."""
    chances = trace.rois.probabilities
    best = np.argsort(chances[:, 0], kind="stable")[:TILES]
    tiles = []
    for roi in best:
        label = int(chances[roi].argmax())
        name = categories[trace.category_of(label)].name if label else "background"
        stride = trace.levels[trace.rois.level[roi]].stride
        crop = fitted(_crop(photo, trace.rois.boxes_xyxy[roi]), _TILE)
        tiles.append(captioned(crop, f"{name} {chances[roi, label]:.2f}, stride {stride}"))
    return captioned(sheet(tiles, _COLUMNS), f"{len(chances)} ROIs; the {len(tiles)} that are objects most surely")


def masks_picture(trace: Trace, photo: RGB, categories: Mapping[int, Category]) -> RGB:
    """For each box that is left: its crop, the mask's probabilities over it, and the mask pasted into the image."""
    shown = range(min(TILES, len(trace.masks.candidate)))
    tiles = [_mask_tile(trace, photo, categories, index) for index in shown]
    text = (
        f"{len(trace.masks.candidate)} boxes are left; {len(tiles)} are shown with their masks before and after pasting"
    )
    return captioned(sheet(tiles, _COLUMNS // 2), text)


def predictions_picture(
    trace: Trace, photo: RGB, categories: Mapping[int, Category], misses: Sequence[Miss] = ()
) -> RGB:
    """What detection gives from a score of one half on, the best on top, and what it missed."""
    good = [p for p in trace.found.predictions if p.score >= SHOWN_SCORE]
    drawn = [
        Drawn(p.box_xyxy, p.mask, categories[p.category_id].color, f"{categories[p.category_id].name} {p.score:.2f}")
        for p in reversed(good)
    ]
    lost = [Drawn(m.box_xyxy, None, MISSED, f"missed: {TITLES[m.stage]}") for m in misses]
    gone = len(trace.candidates_of(CandidateFate.SUPPRESSED))
    text = f"{len(trace.found)} predictions, {len(good)} from {SHOWN_SCORE:g} on; {gone} boxes were suppressed by NMS"
    return captioned(overlay(photo, [*drawn, *lost], long_side=_LONG_SIDE), text)


def _mask_tile(trace: Trace, photo: RGB, categories: Mapping[int, Category], index: int) -> RGB:
    candidate, place = int(trace.masks.candidate[index]), int(trace.masks.prediction[index])
    box = trace.candidates.boxes_xyxy[candidate]
    category = categories[trace.category_of(int(trace.candidates.label[candidate]))]
    parts = [cv2.resize(_crop(photo, box), (_TILE, _TILE), interpolation=cv2.INTER_AREA)]
    if trace.masks.probabilities.shape[1]:
        parts.append(_cells(trace.masks.probabilities[index]))
    text = f"{category.name} {trace.candidates.scores[candidate]:.2f}"
    mask = trace.found.predictions[place].mask if place >= 0 else None
    if mask is not None:
        pasted = cropped(photo, [Drawn((0, 0, 0, 0), mask, category.color)], _window(photo, box), size=_TILE)
        parts.append(fitted(pasted, _TILE))
    return captioned(np.concatenate(parts, axis=1), text if place >= 0 else f"{text}, left out")


def _outlined(
    photo: RGB, boxes: Sequence[npt.NDArray[np.float32]], colors: Sequence[str], named: Mapping[int, str] | None = None
) -> RGB:
    """Thin boxes over `photo`, the first one on top; `named` ones are thicker and carry their name."""
    scale = min(1.0, _LONG_SIDE / max(photo.shape[:2]))
    canvas = np.asarray(
        cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
    ).copy()
    corners = [[round(float(v) * scale) for v in box] for box in boxes]
    for (x0, y0, x1, y1), color in reversed(list(zip(corners, colors, strict=True))):
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), ImageColor.getrgb(color), 1)
    labels = [
        Drawn((float(x0), float(y0), float(x1), float(y1)), None, colors[index], name)
        for index, name in (named or {}).items()
        for x0, y0, x1, y1 in [corners[index]]
    ]
    return overlay(canvas, labels)


def _crop(photo: RGB, box: npt.NDArray[np.float32]) -> RGB:
    x0, y0, x1, y1 = _window(photo, box)
    return photo[y0:y1, x0:x1]


def _window(photo: RGB, box: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    """The whole pixels that `box` touches, at least one."""
    height, width = photo.shape[:2]
    x0, y0 = min(int(max(box[0], 0)), width - 1), min(int(max(box[1], 0)), height - 1)
    x1, y1 = max(x0 + 1, int(np.ceil(min(box[2], width)))), max(y0 + 1, int(np.ceil(min(box[3], height))))
    return x0, y0, x1, y1


def _cells(probabilities: npt.NDArray[np.float32]) -> RGB:
    """Probabilities as grey cells, each a square of screen pixels."""
    grey = (probabilities * 255).round().astype(np.uint8)
    large = cv2.resize(grey, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
