"""Boxes of a trace as evidence: each with its place, score and class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import BoxXYXY
from engine.domain.trace import Trace
from engine.review.missed import BoxEvidence


def anchor_evidence(trace: Trace, index: int, iou: float, *, regressed: bool = True) -> BoxEvidence:
    """An anchor, as it was or as what regression made of it."""
    anchors = trace.anchors
    boxes = anchors.regressed_xyxy if regressed else anchors.boxes_xyxy
    return BoxEvidence("anchor", index, _box(boxes[index]), float(anchors.scores[index]), iou)


def roi_evidence(trace: Trace, index: int, label: int, iou: float) -> BoxEvidence:
    """A ROI as it was proposed, with its probability of a class."""
    rois = trace.rois
    chance = float(rois.probabilities[index, label])
    return BoxEvidence("roi", index, _box(rois.boxes_xyxy[index]), chance, iou, trace.category_of(label))


def candidate_evidence(trace: Trace, index: int, iou: float) -> BoxEvidence:
    """A ROI's box of one class."""
    candidates = trace.candidates
    category = trace.category_of(int(candidates.label[index]))
    box = _box(candidates.boxes_xyxy[index])
    return BoxEvidence("candidate", index, box, float(candidates.scores[index]), iou, category)


def prediction_evidence(trace: Trace, index: int, iou: float) -> BoxEvidence:
    """One of the predictions."""
    prediction = trace.found.predictions[index]
    return BoxEvidence("prediction", index, prediction.box_xyxy, prediction.score, iou, prediction.category_id)


def _box(row: npt.NDArray[np.float32]) -> BoxXYXY:
    x0, y0, x1, y1 = (float(v) for v in row)
    return (x0, y0, x1, y1)
