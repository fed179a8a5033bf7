"""One object planted for each step of a network whose answers are known; the step that loses it must be named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.domain.annotation import Annotation, BoxXYXY, Instance
from engine.domain.mask import Mask
from engine.domain.trace import AnchorFate, CandidateFate, Trace
from engine.prediction.missed import find_misses
from engine.prediction.predictor import Predictor
from engine.review.miss_stages import explain_misses
from engine.review.missed import Miss, MissRule, MissStage
from tests.engine.prediction.traced_network import DISC, RING, network_of, picture, plain_predictor, random_predictor

HEIGHT, WIDTH = 48, 60


def annotated(*boxes: BoxXYXY | np.ndarray, category_id: int = RING, masks: bool = True) -> Annotation:
    """Full boxes as objects, rounded to whole pixels."""
    objects = []
    for number, box in enumerate(boxes):
        mask = Mask.from_box([float(v) for v in box], HEIGHT, WIDTH)
        instance = Instance.from_mask(mask, category_id, id=str(number))
        objects.append(instance if masks else replace(instance, mask=None))
    return Annotation(1, HEIGHT, WIDTH, tuple(objects))


def only_miss(predictor: Predictor, annotation: Annotation, **rule: float) -> Miss:
    (miss,) = explain_misses(predictor.trace(picture(8), 1), annotation, MissRule(**rule))
    return miss


def a_proposal(trace: Trace, *, least: float = 12) -> np.ndarray:
    """The best proposal with sides of at least `least` pixels that is not the whole image."""
    sides = trace.rois.boxes_xyxy[:, 2:] - trace.rois.boxes_xyxy[:, :2]
    fits = (sides.min(axis=1) >= least) & (sides.max(axis=1) < 40)
    return trace.rois.boxes_xyxy[np.flatnonzero(fits)[0]]


def test_what_is_found_is_not_missed() -> None:
    predictor = plain_predictor(nms_threshold=1.0)
    trace = predictor.trace(picture(8), 1)
    assert explain_misses(trace, annotated(a_proposal(trace))) == ()


def test_a_class_that_the_network_never_learned() -> None:
    assert only_miss(plain_predictor(), annotated((5, 5, 30, 30), category_id=99)).stage is MissStage.UNKNOWN_CLASS


def test_an_object_far_smaller_than_all_anchors_has_no_anchor() -> None:
    miss = only_miss(plain_predictor(), annotated((20, 20, 24, 24)))
    assert miss.stage is MissStage.NO_ANCHOR
    assert 0 < miss.facts["anchor_iou"] < 0.5
    np.testing.assert_allclose(miss.facts["input_width"], 4 * 64 / 60, rtol=1e-6)
    assert miss.last is not None
    assert (miss.last.kind, miss.last.iou) == ("anchor", miss.facts["anchor_iou"])


def test_anchors_that_regression_moves_away_are_told_from_missing_ones() -> None:
    predictor = plain_predictor()
    with torch.no_grad():
        network_of(predictor).rpn.head.bbox_pred.bias.copy_(torch.tensor([0, 0, -1.0, -1.0] * 3))  # a third of the side
    miss = only_miss(predictor, annotated((8, 8, 56, 44)))
    assert miss.stage is MissStage.PROPOSAL_BOX
    assert miss.facts["anchor_iou"] >= 0.5 > miss.facts["regressed_iou"]


def lowest(trace: Trace, fate: AnchorFate) -> np.ndarray:
    """A box of that fate, of some size, that no other anchor's box covers which came further."""
    boxes, fates = trace.anchors.regressed_xyxy, trace.anchors.fate
    from engine.domain.boxes import box_ious

    for k in trace.anchors_of(fate)[::-1]:
        better = boxes[fates > fate]
        if (boxes[k, 2:] - boxes[k, :2]).min() >= 8 and box_ious(np.rint(boxes[[k]]), better).max() < 0.5:
            return boxes[k]
    raise AssertionError("the network has no such box")


def test_anchors_outranked_on_their_level() -> None:
    predictor = plain_predictor()
    network_of(predictor).rpn._pre_nms_top_n["testing"] = 3
    miss = only_miss(predictor, annotated(lowest(predictor.trace(picture(8)), AnchorFate.OUTRANKED)))
    assert miss.stage is MissStage.PROPOSAL_SCORE
    assert miss.facts["rank"] > miss.facts["pre_nms"] == 3
    assert miss.facts["score"] <= miss.facts["cutoff"]


def test_proposals_suppressed_by_a_neighbour_name_it() -> None:
    predictor = plain_predictor()
    network_of(predictor).rpn.nms_thresh = 0.05
    trace = predictor.trace(picture(8))
    miss = only_miss(predictor, annotated(lowest(trace, AnchorFate.SUPPRESSED)))
    assert miss.stage is MissStage.PROPOSAL_NMS
    assert miss.last is not None
    assert miss.rival is not None
    assert trace.anchors.suppressor[miss.last.index] == miss.rival.index
    assert miss.rival.iou < 0.5 <= miss.last.iou
    assert miss.facts["iou"] > 0.05


def test_proposals_behind_the_limit() -> None:
    predictor = plain_predictor()
    network_of(predictor).rpn._post_nms_top_n["testing"] = 5
    miss = only_miss(predictor, annotated(lowest(predictor.trace(picture(8)), AnchorFate.OVER_LIMIT)))
    assert miss.stage is MissStage.PROPOSAL_LIMIT
    assert miss.facts["rank"] > miss.facts["post_nms"] == 5


@pytest.mark.parametrize(
    ("logits", "stage", "score"),
    [
        ((9, 0, 0), MissStage.BACKGROUND, 0.0),
        ((0, 0, 9), MissStage.OTHER_CLASS, 0.0),
        ((0.0, 0.1, 0.0), MissStage.SCORE, 0.36),
    ],
)
def test_rois_that_the_box_head_takes_for_something_else(
    logits: tuple[float, float, float], stage: MissStage, score: float
) -> None:
    predictor = plain_predictor(logits=logits, score_threshold=0.4)
    miss = only_miss(predictor, annotated(a_proposal(predictor.trace(picture(8)))))
    assert miss.stage is stage
    np.testing.assert_allclose(miss.facts["score"], score, atol=0.01)
    assert miss.last is not None
    assert (miss.last.kind, miss.last.category_id) == ("roi", RING)
    assert (miss.rival.category_id if miss.rival else None) == (DISC if stage is MissStage.OTHER_CLASS else None)


def test_a_good_detection_below_the_score_asked_for() -> None:
    predictor = plain_predictor(logits=(1, 0.5, -9), nms_threshold=1.0)  # background by a little
    miss = only_miss(predictor, annotated(a_proposal(predictor.trace(picture(8)))), min_score=0.5)
    assert miss.stage is MissStage.SCORE
    assert miss.last is not None
    assert miss.last.kind == "prediction"
    assert 0.05 < miss.facts["score"] < 0.5
    assert miss.facts["mask_iou"] > 0.5


def test_rois_whose_boxes_are_moved_off_the_object() -> None:
    predictor = plain_predictor()
    with torch.no_grad():  # label 1: half as large (deltas are divided by 5, torchvision's box coder)
        network_of(predictor).roi_heads.box_predictor.bbox_pred.bias[4:8] = torch.tensor([0, 0, -6.0, -6.0])
    trace = predictor.trace(picture(8))
    largest = trace.rois.boxes_xyxy[
        np.prod(trace.rois.boxes_xyxy[:, 2:] - trace.rois.boxes_xyxy[:, :2], axis=1).argmax()
    ]
    miss = only_miss(predictor, annotated(largest))
    assert miss.stage is MissStage.BOX
    assert miss.facts["roi_iou"] >= 0.5 > miss.facts["box_iou"]
    assert miss.facts["score"] > 0.9


def suppressed(trace: Trace) -> int:
    """A candidate that was suppressed by one that hardly covers it."""
    from engine.domain.boxes import box_ious

    boxes, fates = trace.candidates.boxes_xyxy, trace.candidates.fate
    for k in trace.candidates_of(CandidateFate.SUPPRESSED):
        if (boxes[k, 2:] - boxes[k, :2]).min() >= 8:
            ious = box_ious(np.rint(boxes[[k]]), boxes[fates == CandidateFate.DETECTED])
            if ious.max(initial=0) < 0.5:
                return int(k)
    raise AssertionError("the network has no such box")


def test_boxes_suppressed_by_a_neighbour_of_their_class_name_it() -> None:
    predictor = plain_predictor(nms_threshold=0.05)
    trace = predictor.trace(picture(8), 1)
    miss = only_miss(predictor, annotated(trace.candidates.boxes_xyxy[suppressed(trace)]))
    assert miss.stage is MissStage.NMS
    assert miss.rival is not None
    assert miss.last is not None
    assert trace.candidates.suppressor[miss.last.index] == miss.rival.index
    assert miss.rival.category_id == RING
    assert miss.facts["iou"] > miss.facts["nms_threshold"] == 0.05


def test_boxes_behind_the_limit_of_detections() -> None:
    predictor = plain_predictor(nms_threshold=1.0, max_detections=1)
    trace = predictor.trace(picture(8), 1)
    from engine.domain.boxes import box_ious

    far = box_ious(np.rint(trace.rois.boxes_xyxy), np.array([trace.found.predictions[0].box_xyxy]))[:, 0] < 0.3
    sides = (trace.rois.boxes_xyxy[:, 2:] - trace.rois.boxes_xyxy[:, :2]).min(axis=1) >= 8
    miss = only_miss(predictor, annotated(trace.rois.boxes_xyxy[np.flatnonzero(far & sides)[0]]))
    assert (miss.stage, miss.facts["max_detections"]) == (MissStage.LIMIT, 1)


def test_a_mask_that_covers_too_little_of_the_object() -> None:
    predictor = plain_predictor(nms_threshold=1.0)
    trace = predictor.trace(picture(8), 1)
    whole = annotated(a_proposal(trace))
    mask = whole.instances[0].mask
    assert mask is not None
    x0, y0, x1, y1 = mask.box
    thin = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for k in range(max(x1 - x0, y1 - y0)):  # a diagonal: its box is the whole box, its pixels are few
        thin[min(y0 + k, y1 - 1), min(x0 + k, x1 - 1)] = True
    miss = only_miss(predictor, replace(whole, instances=(whole.instances[0].with_mask(Mask.from_array(thin)),)))
    assert miss.stage is MissStage.MASK
    assert 0 < miss.facts["mask_iou"] < 0.5 <= miss.facts["box_iou"]


def test_a_box_without_any_pixel_of_a_mask() -> None:
    predictor = plain_predictor(mask=-9)
    miss = only_miss(predictor, annotated(a_proposal(predictor.trace(picture(8)))))
    assert miss.stage is MissStage.MASK
    assert "mask_iou" not in miss.facts


def test_two_annotations_on_one_object_share_its_detection() -> None:
    predictor = plain_predictor(nms_threshold=0.05)
    trace = predictor.trace(picture(8), 1)
    box = trace.found.predictions[0].box_xyxy
    miss = only_miss(predictor, annotated(box, box))
    assert miss.stage is MissStage.TAKEN


def test_boxes_alone_are_followed_like_masks() -> None:
    predictor = plain_predictor(logits=(9, 0, 0), masks=False)
    miss = only_miss(predictor, annotated(a_proposal(predictor.trace(picture(8))), masks=False))
    assert miss.stage is MissStage.BACKGROUND
    found = plain_predictor(masks=False, nms_threshold=1.0)
    trace = found.trace(picture(8), 1)
    assert explain_misses(trace, annotated(a_proposal(trace), masks=False)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_every_miss_of_a_random_network_on_random_objects_has_a_reason(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = np.stack([rng.uniform(0, WIDTH - 20, 12), rng.uniform(0, HEIGHT - 20, 12)], axis=1)
    boxes = np.concatenate([corners, corners + rng.uniform(4, 20, size=(12, 2))], axis=1)
    annotation = annotated(*boxes, category_id=(RING, DISC)[seed % 2])
    trace = random_predictor(max_detections=10).trace(picture(seed), 1)
    misses = explain_misses(trace, annotation, MissRule(min_score=0.3))
    assert len(misses) >= 6
    assert all(m.facts and m.last for m in misses)


def test_a_report_counts_misses_by_step_and_class_over_many_images(tmp_path: Path) -> None:
    images = []
    for number in (1, 2):
        Image.fromarray(picture(8)).save(tmp_path / f"{number}.png")
        tiny, unknown = annotated((20, 20, 24, 24)), annotated((5, 5, 30, 30), category_id=99)
        objects = (*tiny.instances, *(replace(i, id="unknown") for i in unknown.instances if number == 2))
        images.append((tmp_path / f"{number}.png", replace(tiny, image_id=number, instances=objects)))
    report = find_misses(plain_predictor(), images)
    assert report.by_stage() == {MissStage.UNKNOWN_CLASS: 1, MissStage.NO_ANCHOR: 2}
    assert report.by_category() == {RING: {MissStage.NO_ANCHOR: 2}, 99: {MissStage.UNKNOWN_CLASS: 1}}
    facts = report.to_json({RING: "ring"})
    assert (facts["images"], facts["objects"], facts["missed"]) == (2, 3, 3)
    assert [m["file_name"] for m in facts["misses"]] == ["1.png", "2.png", "2.png"]
    assert [c["category"] for c in facts["by_category"]] == ["ring", "?"]
