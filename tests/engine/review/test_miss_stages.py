"""Misses explained from made-up steps of a network, where two objects compete for the same boxes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.domain.annotation import Annotation, BoxXYXY, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.domain.trace import (
    AnchorFate,
    AnchorTrace,
    CandidateFate,
    CandidateTrace,
    LevelTrace,
    Limits,
    MaskTrace,
    RoiTrace,
    Trace,
)
from engine.review.miss_stages import explain_misses
from engine.review.miss_words import ADVICE, TITLES, miss_words
from engine.review.missed import BoxEvidence, Miss, MissRule, MissStage

DOG, CAT = 4, 9
NAMES = {DOG: "dog", CAT: "cat"}
SIDE = 100
LEFT: BoxXYXY = (10, 10, 40, 50)
RIGHT: BoxXYXY = (18, 10, 48, 50)  # overlaps LEFT by 0.58
FAR: BoxXYXY = (60, 60, 95, 95)


@dataclass
class Story:
    """Steps to be turned into a trace; each anchor becomes a proposal unless another fate is given."""

    anchors: list[tuple[BoxXYXY, float, AnchorFate, int]] = field(default_factory=list)
    rois: list[tuple[BoxXYXY, tuple[float, float, float]]] = field(default_factory=list)
    candidates: list[tuple[int, int, CandidateFate, int]] = field(default_factory=list)

    def roi(self, box: BoxXYXY, chances: tuple[float, float, float]) -> int:
        """A proposal from an anchor that is the same box; gives its index."""
        self.anchors.append((box, 0.9, AnchorFate.PROPOSED, -1))
        self.rois.append((box, chances))
        return len(self.rois) - 1

    def lost_anchor(self, box: BoxXYXY, fate: AnchorFate, *, score: float = 0.5, suppressor: int = -1) -> None:
        self.anchors.append((box, score, fate, suppressor))

    def candidate(self, roi: int, label: int, fate: CandidateFate, suppressor: int = -1) -> int:
        self.candidates.append((roi, label, fate, suppressor))
        return len(self.candidates) - 1

    def trace(self) -> Trace:
        detected = [k for k, c in enumerate(self.candidates) if c[2] is CandidateFate.DETECTED]
        return Trace(
            category_ids=(DOG, CAT),
            input_height=SIDE,
            input_width=SIDE,
            limits=Limits(1000, 0.7, 500, 0.05, 0.5, "class", 100, 0.5, 0),
            levels=(LevelTrace("0", 8, 25, 25, 4, 0, len(self.anchors)),),
            anchors=self._anchors(),
            rois=self._rois(),
            candidates=self._candidates(),
            masks=MaskTrace(ints(detected), np.zeros((len(detected), 0, 0), np.float32), np.arange(len(detected))),
            found=Detections(1, SIDE, SIDE, tuple(self._prediction(k) for k in detected)),
            seconds={},
        )

    def _anchors(self) -> AnchorTrace:
        boxes = floats([a[0] for a in self.anchors]).reshape(-1, 4)
        scores, fates = floats([a[1] for a in self.anchors]), ints([int(a[2]) for a in self.anchors])
        return AnchorTrace(
            boxes, scores, boxes, np.zeros(len(boxes), np.int64), fates, ints([a[3] for a in self.anchors])
        )

    def _rois(self) -> RoiTrace:
        boxes = floats([r[0] for r in self.rois]).reshape(-1, 4)
        chances = floats([r[1] for r in self.rois]).reshape(-1, 3)
        none = np.zeros(len(boxes), np.int64)
        return RoiTrace(none, boxes, none, np.log(chances), chances, np.repeat(boxes[:, None], 3, axis=1))

    def _candidates(self) -> CandidateTrace:
        roi, label = ints([c[0] for c in self.candidates]), ints([c[1] for c in self.candidates])
        rois = self._rois()
        fates, by_whom = ints([int(c[2]) for c in self.candidates]), ints([c[3] for c in self.candidates])
        return CandidateTrace(roi, label, rois.probabilities[roi, label], rois.boxes_xyxy[roi], fates, by_whom)

    def _prediction(self, candidate: int) -> Prediction:
        roi, label = self.candidates[candidate][:2]
        box = self.rois[roi][0]
        return Prediction(
            0, 1, (DOG, CAT)[label - 1], self.rois[roi][1][label], box, Mask.from_box(box, SIDE, SIDE), roi
        )


def floats(values: list) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def ints(values: list) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def annotated(*objects: tuple[BoxXYXY, int]) -> Annotation:
    instances = [Instance.from_mask(Mask.from_box(b, SIDE, SIDE), c, id=f"{k}") for k, (b, c) in enumerate(objects)]
    return Annotation(1, SIDE, SIDE, tuple(instances))


def missed(story: Story, *objects: tuple[BoxXYXY, int], **rule: float) -> dict[str, Miss]:
    return {m.instance_id: m for m in explain_misses(story.trace(), annotated(*objects), MissRule(**rule))}


def test_a_neighbours_detection_that_suppressed_the_object_is_the_rival_not_a_poor_mask() -> None:
    story = Story()
    right = story.candidate(story.roi(RIGHT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    left = story.candidate(story.roi(LEFT, (0.05, 0.93, 0.02)), 1, CandidateFate.SUPPRESSED, right)
    found = missed(story, (RIGHT, DOG), (LEFT, DOG))
    assert list(found) == ["1"]
    miss = found["1"]
    assert miss.stage is MissStage.NMS
    assert (miss.last and miss.last.index, miss.rival and miss.rival.index) == (left, right)
    assert miss.facts["iou"] == pytest.approx(22 / 38)
    assert miss.facts["score"] == pytest.approx(0.93)


def test_a_neighbours_roi_is_no_evidence_for_the_object_that_lost_its_own_proposals() -> None:
    story = Story()
    story.candidate(story.roi(RIGHT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    story.lost_anchor(LEFT, AnchorFate.SUPPRESSED, score=0.8, suppressor=0)
    edge = Mask.from_box(LEFT, SIDE, SIDE) - Mask.from_box((12, 10, 40, 48), SIDE, SIDE)
    right, left = annotated((RIGHT, DOG), (LEFT, DOG)).instances
    (miss,) = explain_misses(story.trace(), Annotation(1, SIDE, SIDE, (right, left.with_mask(edge))))
    assert miss.stage is MissStage.PROPOSAL_NMS
    assert (miss.last and miss.last.index, miss.rival and miss.rival.index) == (1, 0)


def test_an_object_whose_only_box_became_its_neighbours_detection_shares_it() -> None:
    story = Story()
    story.candidate(story.roi(RIGHT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    assert missed(story, (RIGHT, DOG), (LEFT, DOG))["1"].stage is MissStage.TAKEN


def test_of_two_annotations_on_one_object_the_second_shares_the_first_ones_detection() -> None:
    story = Story()
    first = story.candidate(story.roi(RIGHT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    story.candidate(story.roi(RIGHT, (0.1, 0.85, 0.05)), 1, CandidateFate.SUPPRESSED, first)
    (miss,) = missed(story, (RIGHT, DOG), (RIGHT, DOG)).values()
    assert miss.stage is MissStage.TAKEN


def test_an_object_around_another_that_nms_left_one_box_for_was_suppressed() -> None:
    story = Story()
    inner = story.candidate(story.roi(LEFT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    story.candidate(story.roi(LEFT, (0.1, 0.85, 0.05)), 1, CandidateFate.SUPPRESSED, inner)
    frame = Mask.from_box(LEFT, SIDE, SIDE) - Mask.from_box((12, 12, 38, 48), SIDE, SIDE)
    inside, around = annotated((LEFT, DOG), (LEFT, DOG)).instances
    (miss,) = explain_misses(story.trace(), Annotation(1, SIDE, SIDE, (inside, around.with_mask(frame))))
    assert (miss.instance_id, miss.stage) == ("1", MissStage.NMS)


def test_a_roi_on_a_neighbour_of_another_class_does_not_speak_for_the_object() -> None:
    story = Story()
    story.roi(RIGHT, (0.01, 0.01, 0.98))  # on the cat, but below no threshold: undetected for other reasons
    story.roi(LEFT, (0.9, 0.06, 0.04))
    miss = missed(story, (RIGHT, CAT), (LEFT, DOG))["1"]
    assert miss.stage is MissStage.BACKGROUND
    assert miss.facts["background"] == pytest.approx(0.9)


def test_the_roi_that_is_most_surely_an_object_says_what_it_was_taken_for() -> None:
    story = Story()
    story.roi((10, 10, 40, 35), (0.9, 0.08, 0.02))  # loosely on it: background
    story.roi(LEFT, (0.02, 0.03, 0.95))
    miss = missed(story, (LEFT, DOG))["0"]
    assert miss.stage is MissStage.OTHER_CLASS
    assert miss.rival is not None
    assert (miss.rival.index, miss.rival.category_id) == (1, CAT)


def test_the_box_that_came_furthest_decides_which_step_lost_the_object() -> None:
    story = Story()
    story.lost_anchor(LEFT, AnchorFate.OUTRANKED, score=0.9)
    story.lost_anchor(LEFT, AnchorFate.OVER_LIMIT, score=0.1)
    story.roi(FAR, (0.9, 0.05, 0.05))
    assert missed(story, (LEFT, DOG))["0"].stage is MissStage.PROPOSAL_LIMIT
    far = story.candidate(story.roi(FAR, (0.01, 0.98, 0.01)), 1, CandidateFate.DETECTED)
    story.candidate(story.roi(LEFT, (0.1, 0.8, 0.1)), 1, CandidateFate.OVER_LIMIT)
    story.candidate(story.roi(LEFT, (0.05, 0.9, 0.05)), 1, CandidateFate.SUPPRESSED, far)
    assert missed(story, (LEFT, DOG))["0"].stage is MissStage.LIMIT


def test_a_well_covering_detection_below_the_score_asked_for_is_lost_to_the_threshold() -> None:
    story = Story()
    story.candidate(story.roi(LEFT, (0.6, 0.3, 0.1)), 1, CandidateFate.DETECTED)
    miss = missed(story, (LEFT, DOG))["0"]
    assert (miss.stage, miss.facts["score"]) == (MissStage.SCORE, pytest.approx(0.3))
    assert missed(story, (LEFT, DOG), min_score=0.2) == {}


def test_without_any_proposal_the_anchors_are_looked_at() -> None:
    story = Story()
    story.lost_anchor(FAR, AnchorFate.OUTRANKED)
    miss = missed(story, (LEFT, DOG))["0"]
    assert miss.stage is MissStage.NO_ANCHOR
    assert miss.facts["anchor_iou"] == 0


def test_every_step_has_a_title_an_advice_and_a_sentence_with_its_numbers() -> None:
    assert set(TITLES) == set(ADVICE) == set(MissStage)
    names = ("anchor_iou", "regressed_iou", "min_iou", "input_width", "input_height", "score", "rank", "pre_nms",
             "cutoff", "iou", "rpn_nms_threshold", "post_nms", "background", "roi_iou", "box_iou", "min_score",
             "nms_threshold", "max_detections", "mask_iou")  # fmt: skip
    rival = BoxEvidence("candidate", 17, FAR, 0.91, 0.12, CAT)
    facts = dict.fromkeys(names, 0.375)
    told = {s: miss_words(Miss(1, "a", DOG, LEFT, s, None, rival, facts), NAMES) for s in MissStage}
    assert len(set(told.values())) == len(MissStage)
    assert "“cat” (0.91" in told[MissStage.OTHER_CLASS]
    assert "candidate 17 (0.910; it overlaps the object by 0.12)" in told[MissStage.NMS]
    assert "“dog”" in told[MissStage.UNKNOWN_CLASS]
    assert all("0.38" in text or "0.375" in text for s, text in told.items()
               if s not in (MissStage.UNKNOWN_CLASS, MissStage.TAKEN))  # fmt: skip
