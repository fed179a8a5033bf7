"""Which step lost an object: from the last step back to the first one that still had a box for it.

A box stands for the object when its IoU with the object's box is at least ``MissRule.box_iou``, wherever that box came
from: regression may well turn an anchor that hardly fits into a proposal that does.  The step that lost the object is
the one after the last that had such a box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Annotation, Instance
from engine.domain.boxes import box_ious
from engine.domain.trace import AnchorFate, CandidateFate, Ints, Trace
from engine.review.matching import match
from engine.review.miss_evidence import anchor_evidence, candidate_evidence, prediction_evidence, roi_evidence
from engine.review.miss_object import MissedObject
from engine.review.missed import BoxEvidence, Miss, MissRule, MissStage

_OF_ANCHOR = {
    AnchorFate.OUTRANKED: MissStage.PROPOSAL_SCORE,
    AnchorFate.TOO_SMALL: MissStage.PROPOSAL_SCORE,
    AnchorFate.SUPPRESSED: MissStage.PROPOSAL_NMS,
    AnchorFate.OVER_LIMIT: MissStage.PROPOSAL_LIMIT,
}
_OF_CANDIDATE = {
    CandidateFate.TOO_SMALL: MissStage.BOX,
    CandidateFate.SUPPRESSED: MissStage.NMS,
    CandidateFate.OVER_LIMIT: MissStage.LIMIT,
    CandidateFate.EMPTY_MASK: MissStage.MASK,
}


@dataclass(frozen=True, slots=True)
class _Verdict:
    stage: MissStage
    last: BoxEvidence | None = None
    rival: BoxEvidence | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def explain_misses(trace: Trace, annotation: Annotation, rule: MissRule | None = None) -> tuple[Miss, ...]:
    """Why each object of an image that no prediction matches was missed, in the annotation's order.

    Predictions are matched as in evaluation: best score first, each takes the free object of its class that it
    overlaps most.
    """
    rule = rule or MissRule()
    matching = match(annotation, trace.found.predictions, min_iou=rule.min_iou, min_score=rule.min_score)
    taken = frozenset(m.position for m in matching.matches)
    return tuple(_explain(trace, annotation, annotation.get(i), rule, taken) for i in matching.missed)


def _explain(trace: Trace, annotation: Annotation, instance: Instance, rule: MissRule, taken: frozenset[int]) -> Miss:
    label = trace.label_of(instance.category_id)
    if label is None:
        verdict = _Verdict(MissStage.UNKNOWN_CLASS)
    else:
        item = MissedObject(trace, annotation, instance, label, rule, taken)
        verdict = next(v for v in (step(item) for step in _BACKWARDS) if v is not None)
    return Miss(
        image_id=annotation.image_id,
        instance_id=instance.id,
        category_id=instance.category_id,
        box_xyxy=instance.box_xyxy,
        stage=verdict.stage,
        last=verdict.last,
        rival=verdict.rival,
        facts={name: float(value) for name, value in verdict.facts.items()},
    )


# --- the steps, the last one first; None: nothing stood for the object any more -------------------------------------


def _in_mask(item: MissedObject) -> _Verdict | None:
    """It was detected, but the mask is poor."""
    good = item.trace.candidates.scores >= item.rule.min_score
    found = np.flatnonzero(item.candidates & item.detected & good & ~item.of_others).tolist()
    if not found:
        return None
    return _of_prediction(item, MissStage.MASK, max(found, key=item.overlap_of))


def _in_another(item: MissedObject) -> _Verdict | None:
    """Its detection is another object's as well, and counts for that."""
    found = np.flatnonzero(item.candidates & item.of_others).tolist()
    good = [k for k in found if item.overlap_of(k) >= item.rule.min_iou]
    return _of_prediction(item, MissStage.TAKEN, max(good, key=item.overlap_of)) if good else None


def _of_prediction(item: MissedObject, stage: MissStage, candidate: int) -> _Verdict:
    iou = float(item.candidate_ious[candidate])
    last = prediction_evidence(item.trace, item.prediction_of(candidate), iou)
    facts = {"mask_iou": item.overlap_of(candidate), "min_iou": item.rule.min_iou, "box_iou": iou}
    return _Verdict(stage, last, None, facts)


def _behind_scores(item: MissedObject) -> _Verdict | None:
    """Good enough boxes of its class and its own were suppressed, over the limit, or without a mask."""
    return _of_candidates(item, item.own_candidates)


def _behind_scores_with_others(item: MissedObject) -> _Verdict | None:
    """The same for boxes that stand for another object as well."""
    return _of_candidates(item, item.candidates)


def _of_candidates(item: MissedObject, chosen: npt.NDArray[np.bool_]) -> _Verdict | None:
    candidates, limits = item.trace.candidates, item.trace.limits
    standing = np.flatnonzero(chosen & ~item.detected & (candidates.scores >= item.rule.min_score))
    if not len(standing):
        return None
    best = _furthest(standing, candidates.fate, candidates.scores)
    score, by_whom = candidates.scores[best], int(candidates.suppressor[best])
    last = candidate_evidence(item.trace, best, float(item.candidate_ious[best]))
    stage = _OF_CANDIDATE[CandidateFate(candidates.fate[best])]
    if stage is not MissStage.NMS:
        left = candidates.fate >= CandidateFate.OVER_LIMIT
        rank = int((candidates.scores[left] > score).sum()) + 1
        return _Verdict(stage, last, None, {"score": score, "rank": rank, "max_detections": limits.max_detections})
    rival = candidate_evidence(item.trace, by_whom, float(item.candidate_ious[by_whom]))
    iou = _iou(candidates.boxes_xyxy, by_whom, best)
    return _Verdict(stage, last, rival, {"score": score, "iou": iou, "nms_threshold": limits.nms_threshold})


def _below_score(item: MissedObject) -> _Verdict | None:
    """It was detected well, with a score that is not looked at."""
    scores = item.trace.candidates.scores
    found = np.flatnonzero(item.candidates & item.detected).tolist()
    good = [k for k in found if item.overlap_of(k) >= item.rule.min_iou]
    if not good:
        return None
    best = max(good, key=lambda k: float(scores[k]))
    last = prediction_evidence(item.trace, item.prediction_of(best), float(item.candidate_ious[best]))
    facts = {"score": scores[best], "min_score": item.rule.min_score, "mask_iou": item.overlap_of(best)}
    return _Verdict(MissStage.SCORE, last, None, facts)


def _in_box_head(item: MissedObject) -> _Verdict | None:
    """There were ROIs on it; the box head moved them off it, or took them for something else."""
    rois = item.rois
    if not len(rois):
        return None
    chances = item.trace.rois.probabilities[rois]
    needed = max(item.rule.min_score, item.trace.limits.score_threshold)
    own = chances[:, item.label]
    if own.max() >= needed:
        return _of_roi(item, int(rois[own.argmax()]), MissStage.BOX, needed)
    # The ROI that is an object most surely says what the network takes this one for.
    place = int((1 - chances[:, 0]).argmax())
    roi, winner = int(rois[place]), int(chances[place].argmax())
    if winner in (0, item.label):
        return _of_roi(item, roi, MissStage.BACKGROUND if winner == 0 else MissStage.SCORE, needed)
    return _of_roi(item, roi, MissStage.OTHER_CLASS, needed, winner)


def _of_roi(item: MissedObject, roi: int, stage: MissStage, min_score: float, winner: int | None = None) -> _Verdict:
    chances, iou = item.trace.rois.probabilities[roi], float(item.roi_ious[roi])
    facts = {
        "score": chances[item.label],
        "min_score": min_score,
        "background": chances[0],
        "roi_iou": iou,
        "box_iou": item.refined_ious[roi],
    }
    last = roi_evidence(item.trace, roi, item.label, iou)
    rival = roi_evidence(item.trace, roi, winner, iou) if winner is not None else None
    return _Verdict(stage, last, rival, facts)


def _among_proposals(item: MissedObject) -> _Verdict | None:
    """Regression made boxes of anchors that stand for it, but none of them became a proposal."""
    anchors = item.trace.anchors
    standing = np.flatnonzero((item.regressed_ious >= item.rule.box_iou) & (anchors.fate < AnchorFate.PROPOSED))
    if not len(standing):
        return None
    best = _furthest(standing, anchors.fate, anchors.scores)
    stage = _OF_ANCHOR[AnchorFate(anchors.fate[best])]
    last = anchor_evidence(item.trace, best, float(item.regressed_ious[best]))
    if stage is not MissStage.PROPOSAL_NMS:
        return _Verdict(stage, last, None, _ranking(item.trace, best, stage))
    by_whom = int(anchors.suppressor[best])
    rival = anchor_evidence(item.trace, by_whom, float(item.regressed_ious[by_whom]))
    iou, threshold = _iou(anchors.regressed_xyxy, by_whom, best), item.trace.limits.rpn_nms_threshold
    return _Verdict(stage, last, rival, {"score": last.score, "iou": iou, "rpn_nms_threshold": threshold})


def _ranking(trace: Trace, anchor: int, stage: MissStage) -> dict[str, Any]:
    """How an anchor's score stands among those that it competed with."""
    anchors, limits = trace.anchors, trace.limits
    score = anchors.scores[anchor]
    if stage is MissStage.PROPOSAL_LIMIT:
        left = anchors.scores[anchors.fate >= AnchorFate.OVER_LIMIT]
        return {"score": score, "rank": (left > score).sum() + 1, "post_nms": limits.post_nms}
    level = anchors.scores[anchors.level == anchors.level[anchor]]
    cutoff = np.sort(level)[-min(limits.pre_nms, len(level))]
    return {"score": score, "rank": (level > score).sum() + 1, "pre_nms": limits.pre_nms, "cutoff": cutoff}


def _before_proposals(item: MissedObject) -> _Verdict | None:
    """No anchor was made to fit it: either one fitted and was moved off it, or none ever did."""
    ious = item.ious(item.trace.anchors.boxes_xyxy)
    best = int(ious.argmax())
    x0, y0, x1, y1 = item.instance.box_xyxy
    facts = {
        "anchor_iou": ious[best],
        "regressed_iou": item.regressed_ious.max(),
        "min_iou": item.rule.box_iou,
        "input_width": (x1 - x0) * item.trace.input_width / item.trace.found.width,
        "input_height": (y1 - y0) * item.trace.input_height / item.trace.found.height,
    }
    stage = MissStage.PROPOSAL_BOX if ious[best] >= item.rule.box_iou else MissStage.NO_ANCHOR
    if facts["regressed_iou"] >= item.rule.box_iou:  # a proposal stood for it, and became another object's detection
        stage = MissStage.TAKEN
    return _Verdict(stage, anchor_evidence(item.trace, best, float(ious[best]), regressed=False), None, facts)


_BACKWARDS: tuple[Callable[[MissedObject], _Verdict | None], ...] = (
    _in_mask,
    _behind_scores,
    _in_another,
    _behind_scores_with_others,
    _below_score,
    _in_box_head,
    _among_proposals,
    _before_proposals,
)

# --- helpers --------------------------------------------------------------------------------------------------------


def _furthest(indices: Ints, fate: Ints, scores: npt.NDArray[np.float32]) -> int:
    """Which of `indices` came furthest; among equals the best score."""
    return int(max(indices.tolist(), key=lambda k: (int(fate[k]), float(scores[k]))))


def _iou(boxes: npt.NDArray[np.float32], a: int, b: int) -> float:
    return float(box_ious(boxes[[a]], boxes[[b]])[0, 0])
