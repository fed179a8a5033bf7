"""A trace in figures: how many boxes each step left, and everything that is small enough for a JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.trace import AnchorFate, CandidateFate, Trace


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many boxes were left after a step."""

    title: str
    boxes: int


def step_counts(trace: Trace) -> tuple[StepCount, ...]:
    """Boxes left after each step of the pipeline, in order."""
    limits, anchor, candidate = trace.limits, trace.anchors.fate, trace.candidates.fate
    return (
        StepCount("anchors", len(anchor)),
        StepCount(f"best {limits.pre_nms} of each level", _count(anchor >= AnchorFate.TOO_SMALL)),
        StepCount("inside the image", _count(anchor >= AnchorFate.SUPPRESSED)),
        StepCount(f"after NMS at {limits.rpn_nms_threshold:g}", _count(anchor >= AnchorFate.OVER_LIMIT)),
        StepCount(f"best {limits.post_nms}: proposals", _count(anchor == AnchorFate.PROPOSED)),
        StepCount(f"with a class above {limits.score_threshold:g}", len(candidate)),
        StepCount("inside the image", _count(candidate >= CandidateFate.SUPPRESSED)),
        StepCount(f"after NMS at {limits.nms_threshold:g}", _count(candidate >= CandidateFate.OVER_LIMIT)),
        StepCount(f"best {limits.max_detections}", _count(candidate >= CandidateFate.EMPTY_MASK)),
        StepCount("predictions", len(trace.found)),
    )


def trace_json(trace: Trace, categories: Mapping[int, str]) -> dict[str, Any]:
    """Everything but the anchors that were outranked and the features; `categories` are names by id.

    Boxes are xyxy in pixels of the image; ``fate`` says how far a box came, ``suppressor`` what removed it.
    """
    names = [categories.get(c, "?") for c in trace.category_ids]
    return {
        "height": trace.found.height,
        "width": trace.found.width,
        "input": {"height": trace.input_height, "width": trace.input_width},
        "limits": asdict(trace.limits),
        "seconds": {name: round(value, 6) for name, value in trace.seconds.items()},
        "steps": [asdict(step) for step in step_counts(trace)],
        "levels": [_level(trace, index) for index in range(len(trace.levels))],
        "ranked": [_ranked(trace, k) for k in trace.anchors_of(*(f for f in AnchorFate if f > AnchorFate.OUTRANKED))],
        "classes": ["background", *names],
        "rois": [_roi(trace, index) for index in range(len(trace.rois.anchor))],
        "candidates": [_candidate(trace, k, names) for k in trace.candidates_of(*CandidateFate)],
        "detections": [_detection(trace, index) for index in range(len(trace.masks.candidate))],
    }


def _level(trace: Trace, index: int) -> dict[str, Any]:
    level = trace.levels[index]
    own = slice(level.first, level.first + level.anchors)
    fates = trace.anchors.fate[own]
    scores = trace.anchors.scores[own]
    return {
        **asdict(level),
        "best_score": round(float(scores.max()), 6),
        "median_score": round(float(np.median(scores)), 6),
        "fates": {fate.name.lower(): _count(fates == fate) for fate in AnchorFate},
    }


def _ranked(trace: Trace, index: int) -> dict[str, Any]:
    anchors = trace.anchors
    return {
        "anchor": int(index),
        "level": int(anchors.level[index]),
        "score": round(float(anchors.scores[index]), 6),
        "anchor_box": _box(anchors.boxes_xyxy[index]),
        "box": _box(anchors.regressed_xyxy[index]),
        "fate": AnchorFate(anchors.fate[index]).name.lower(),
        "suppressor": int(anchors.suppressor[index]),
    }


def _roi(trace: Trace, index: int) -> dict[str, Any]:
    rois = trace.rois
    label = int(rois.probabilities[index].argmax())
    return {
        "anchor": int(rois.anchor[index]),
        "level": int(rois.level[index]),
        "box": _box(rois.boxes_xyxy[index]),
        "label": label,
        "regressed_box": _box(rois.regressed_xyxy[index, label]) if label else None,
        "logits": _rounded(rois.logits[index]),
        "probabilities": _rounded(rois.probabilities[index]),
    }


def _candidate(trace: Trace, index: int, names: list[str]) -> dict[str, Any]:
    candidates = trace.candidates
    return {
        "candidate": int(index),
        "roi": int(candidates.roi[index]),
        "category": names[candidates.label[index] - 1],
        "score": round(float(candidates.scores[index]), 6),
        "box": _box(candidates.boxes_xyxy[index]),
        "fate": CandidateFate(candidates.fate[index]).name.lower(),
        "suppressor": int(candidates.suppressor[index]),
    }


def _detection(trace: Trace, index: int) -> dict[str, Any]:
    masks = trace.masks
    place = int(masks.prediction[index])
    mask = trace.found.predictions[place].mask if place >= 0 else None
    return {
        "candidate": int(masks.candidate[index]),
        "prediction": place,
        "mask_probabilities": [_rounded(row, 3) for row in masks.probabilities[index]],
        "segmentation": mask.to_coco() if mask is not None else None,
    }


def _count(chosen: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(chosen))


def _box(row: npt.NDArray[np.float32]) -> list[float]:
    return _rounded(row, 2)


def _rounded(values: npt.NDArray[np.float32], digits: int = 4) -> list[float]:
    return [round(float(v), digits) for v in values]
