"""How a network came to the detections of one image: every step as plain arrays, in that image's own pixels.

Steps refer to each other by index: a detection to its candidate, a candidate to its ROI, a ROI to its anchor; what was
suppressed, to what suppressed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.domain.prediction import Detections

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class AnchorFate(IntEnum):
    """How far an anchor's box came, in the order of the pipeline."""

    OUTRANKED = 0  # its score is not among the best of its level
    TOO_SMALL = 1  # nothing of its box lies inside the image
    SUPPRESSED = 2  # a better box of its level covers it
    OVER_LIMIT = 3  # enough better ones of all levels were there
    PROPOSED = 4


class CandidateFate(IntEnum):
    """How far a ROI's box of one class came, in the order of the pipeline."""

    TOO_SMALL = 0  # nothing of its box lies inside the image
    SUPPRESSED = 1  # a better box covers it
    OVER_LIMIT = 2  # as many better ones as an image may have
    EMPTY_MASK = 3  # no pixel of its mask was set, or fewer than were asked for
    DETECTED = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What the steps cut by; scores and IoUs in [0, 1].

    Attributes:
        pre_nms: boxes of each level that go on to the suppression of proposals.
        rpn_nms_threshold: IoU that two proposals of a level may have.
        post_nms: proposals.
        score_threshold: what a ROI's class has to exceed.
        nms_threshold: IoU that two detections may have, of one class or (`nms_scope` "all") of any.
        max_detections: boxes that get a mask.
        mask_threshold: probability from which a pixel is set.
        min_area: pixels that a mask (box, without masks) needs at least.
    """

    pre_nms: int
    rpn_nms_threshold: float
    post_nms: int
    score_threshold: float
    nms_threshold: float
    nms_scope: Literal["class", "all"]
    max_detections: int
    mask_threshold: float
    min_area: int


@dataclass(frozen=True, slots=True)
class LevelTrace:
    """One level of the feature pyramid.

    Attributes:
        name: the pyramid's.
        channels, height, width: of the features.
        stride: input pixels from one cell to the next.
        first, anchors: its anchors are these in the list of all.
    """

    name: str
    channels: int
    height: int
    width: int
    stride: int
    first: int
    anchors: int


@dataclass(frozen=True, slots=True, eq=False)
class AnchorTrace:
    """All A anchors and what the region proposal network made of them.

    Attributes:
        boxes_xyxy: float32 [A, 4]; anchors may reach out of the image.
        scores: float32 [A] in [0, 1], "here is an object".
        regressed_xyxy: float32 [A, 4], cut to the image.
        level: int64 [A], index of the pyramid level.
        fate: int64 [A], :class:`AnchorFate`.
        suppressor: int64 [A], the anchor whose box suppressed it, else -1.
    """

    boxes_xyxy: Floats
    scores: Floats
    regressed_xyxy: Floats
    level: Ints
    fate: Ints
    suppressor: Ints


@dataclass(frozen=True, slots=True, eq=False)
class RoiTrace:
    """The P proposals, highest score first, and what the box head said of each; C classes, background first.

    Attributes:
        anchor: int64 [P], the anchor it was made from.
        boxes_xyxy: float32 [P, 4], which is the crop that the box head sees.
        level: int64 [P], the pyramid level that it is pooled from.
        logits, probabilities: float32 [P, C + 1].
        regressed_xyxy: float32 [P, C + 1, 4], its box if it were of that class, cut to the image.
    """

    anchor: Ints
    boxes_xyxy: Floats
    level: Ints
    logits: Floats
    probabilities: Floats
    regressed_xyxy: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CandidateTrace:
    """The K pairs of a ROI and a class whose probability is above the score threshold.

    Attributes:
        roi: int64 [K].
        label: int64 [K], the network's label, from 1.
        scores: float32 [K] in [0, 1].
        boxes_xyxy: float32 [K, 4].
        fate: int64 [K], :class:`CandidateFate`.
        suppressor: int64 [K], the candidate that suppressed it, else -1.
    """

    roi: Ints
    label: Ints
    scores: Floats
    boxes_xyxy: Floats
    fate: Ints
    suppressor: Ints


@dataclass(frozen=True, slots=True, eq=False)
class MaskTrace:
    """The D boxes that are left, highest score first, and their masks.

    Attributes:
        candidate: int64 [D].
        probabilities: float32 [D, M, M] in [0, 1] over each one's box; M is 0 in a boxes-only network.
        prediction: int64 [D], place among the image's predictions, -1 where none was made of it.
    """

    candidate: Ints
    probabilities: Floats
    prediction: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One image's way through the network; boxes are pixels of the image.

    Attributes:
        category_ids: category of each of the network's labels, starting with label 1.
        input_height, input_width: pixels that the image was resized to.
        limits: what the steps cut by.
        found: the outcome, the very values that detection gives.
        seconds: time of each step, in order.
    """

    category_ids: tuple[int, ...]
    input_height: int
    input_width: int
    limits: Limits
    levels: tuple[LevelTrace, ...]
    anchors: AnchorTrace
    rois: RoiTrace
    candidates: CandidateTrace
    masks: MaskTrace
    found: Detections
    seconds: Mapping[str, float]

    def anchors_of(self, *fates: AnchorFate) -> Ints:
        """Anchors that came exactly that far, highest score first."""
        return _sorted(np.isin(self.anchors.fate, fates), self.anchors.scores)

    def candidates_of(self, *fates: CandidateFate) -> Ints:
        """Candidates that came exactly that far, highest score first."""
        return _sorted(np.isin(self.candidates.fate, fates), self.candidates.scores)

    def category_of(self, label: int) -> int:
        """Category of a label of the network (from 1)."""
        return self.category_ids[label - 1]

    def label_of(self, category_id: int) -> int | None:
        """The network's label of a category, None when it never learned it."""
        return self.category_ids.index(category_id) + 1 if category_id in self.category_ids else None


def _sorted(mask: npt.NDArray[Any], scores: Floats) -> Ints:
    chosen = np.flatnonzero(mask)
    return np.asarray(chosen[np.argsort(-scores[chosen], kind="stable")], dtype=np.int64)
