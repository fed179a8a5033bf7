"""A missed object and everything in a trace that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Annotation, Instance
from engine.domain.boxes import box_ious
from engine.domain.prediction import Prediction
from engine.domain.trace import CandidateFate, Trace
from engine.review.candidates import as_candidates, overlap
from engine.review.missed import MissRule

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MissedObject:
    """One annotated object beside the trace of its image.

    Attributes:
        label: the network's label of its class.
        taken: predictions that other objects were found by.
    """

    trace: Trace
    annotation: Annotation
    instance: Instance
    label: int
    rule: MissRule
    taken: frozenset[int]

    def ious(self, boxes: npt.NDArray[Any]) -> Floats:
        """IoU of each of `boxes` [N, 4] with the object's box, [N]."""
        return np.asarray(box_ious(boxes, np.array([self.instance.box_xyxy]))[:, 0])

    @cached_property
    def regressed_ious(self) -> Floats:
        """Of what regression made of each anchor."""
        return self.ious(self.trace.anchors.regressed_xyxy)

    @cached_property
    def roi_ious(self) -> Floats:
        """Of each ROI as it was proposed."""
        return self.ious(self.trace.rois.boxes_xyxy)

    @cached_property
    def refined_ious(self) -> Floats:
        """Of each ROI's box after regression for the object's class."""
        return self.ious(self.trace.rois.regressed_xyxy[:, self.label])

    @cached_property
    def candidate_ious(self) -> Floats:
        """Of each candidate, of any class."""
        return self.ious(self.trace.candidates.boxes_xyxy)

    @cached_property
    def candidates(self) -> Bools:
        """Which candidates are of its class and stand for it."""
        return np.asarray(
            (self.trace.candidates.label == self.label) & (self.candidate_ious >= self.rule.box_iou), dtype=bool
        )

    @cached_property
    def own_candidates(self) -> Bools:
        """Those of them that stand for no other object as well as for this one."""
        return self.candidates & (self._best_of_others(self.trace.candidates.boxes_xyxy) < self.candidate_ious)

    @property
    def detected(self) -> Bools:
        """Which candidates became predictions, of any class."""
        return np.asarray(self.trace.candidates.fate == CandidateFate.DETECTED, dtype=bool)

    @cached_property
    def of_others(self) -> Bools:
        """Which candidates became predictions that other objects were found by."""
        masks = self.trace.masks
        return np.isin(np.arange(len(self.candidate_ious)), masks.candidate[np.isin(masks.prediction, [*self.taken])])

    @cached_property
    def rois(self) -> npt.NDArray[np.int64]:
        """ROIs that stand for it, before or after regression, and that no other object was found by.

        Those that cover another object more are left out, if any others are there: in training they would be asked for
        that one (Ren et al. 2015, arXiv:1506.01497, section 3.1.2).
        """
        standing = np.maximum(self.roi_ious, self.refined_ious) >= self.rule.box_iou
        standing[self.trace.candidates.roi[self.of_others]] = False
        own = standing & (self._best_of_others(self.trace.rois.boxes_xyxy) <= self.roi_ious)
        return np.flatnonzero(own if own.any() else standing)

    def prediction_of(self, candidate: int) -> int:
        """Place of a detected candidate among the predictions."""
        masks = self.trace.masks
        return int(masks.prediction[np.flatnonzero(masks.candidate == candidate)[0]])

    def overlap_of(self, candidate: int) -> float:
        """IoU of a detected candidate's mask (box, without masks) with the object."""
        return overlap(self.trace.found.predictions[self.prediction_of(candidate)], self._as_candidate).iou

    def _best_of_others(self, boxes: npt.NDArray[Any]) -> Floats:
        """The largest IoU of each of `boxes` with any other object's box, [N]."""
        others = [i.box_xyxy for i in self.annotation.instances if i.id != self.instance.id]
        ious = box_ious(boxes, np.array(others, dtype=np.float64).reshape(-1, 4))
        return np.asarray(ious.max(axis=1, initial=0.0))

    @cached_property
    def _as_candidate(self) -> Prediction:
        ids = [i.id for i in self.annotation.instances]
        return as_candidates(self.annotation)[ids.index(self.instance.id)]
