from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.domain.boxes import box_ious
from engine.domain.trace import AnchorFate, CandidateFate, Trace
from engine.model.record import Record
from engine.prediction.predictor import Predictor
from tests.engine.prediction.traced_network import picture, random_predictor

SIZES = ((48, 60), (60, 48), (64, 64), (130, 100), (6, 90))


@pytest.fixture(scope="module", params=["masks", "boxes only", "NMS across classes"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    scope = "all" if request.param == "NMS across classes" else "class"
    return random_predictor(masks=request.param != "boxes only", nms_scope=scope, nms_threshold=0.2, max_detections=30)


@pytest.fixture(scope="module")
def traced(predictor: Predictor) -> Trace:
    return predictor.trace(picture(5, 120, 150), 9)


@pytest.mark.parametrize("size", SIZES)
def test_a_trace_ends_in_exactly_what_detection_finds(predictor: Predictor, size: tuple[int, int]) -> None:
    image = picture(size[0], *size)
    (found,) = predictor.detect([image], [4])
    assert len(found) >= 3
    assert predictor.trace(image, 4).found == found


def test_pixels_of_every_kind_that_detection_takes_are_traced(predictor: Predictor) -> None:
    gray = picture(7, 48, 60)[:, :, 0]
    (found,) = predictor.detect([gray], [4])
    assert predictor.trace(gray, 4).found == found


def test_every_prediction_leads_back_to_its_candidate_roi_and_anchor(traced: Trace) -> None:
    seen = set()
    for candidate, place in zip(traced.masks.candidate, traced.masks.prediction, strict=True):
        if place < 0:
            continue
        prediction, candidates = traced.found.predictions[place], traced.candidates
        roi, label = int(candidates.roi[candidate]), int(candidates.label[candidate])
        assert prediction.box_xyxy == tuple(candidates.boxes_xyxy[candidate].tolist())
        assert prediction.score == float(candidates.scores[candidate]) == float(traced.rois.probabilities[roi, label])
        assert (prediction.roi, prediction.category_id) == (roi, traced.category_of(label))
        assert np.array_equal(traced.rois.regressed_xyxy[roi, label], candidates.boxes_xyxy[candidate])
        anchor = traced.rois.anchor[roi]
        assert np.array_equal(traced.anchors.regressed_xyxy[anchor], traced.rois.boxes_xyxy[roi])
        seen.add(int(place))
    assert seen == set(range(len(traced.found)))


def test_fates_add_up_and_keep_the_limits(traced: Trace) -> None:
    limits, fates = traced.limits, traced.anchors.fate
    for level in traced.levels:
        own = fates[level.first : level.first + level.anchors]
        assert np.count_nonzero(own > AnchorFate.OUTRANKED) == min(limits.pre_nms, level.anchors)
    assert sum(level.anchors for level in traced.levels) == len(fates)
    assert np.count_nonzero(fates == AnchorFate.PROPOSED) == len(traced.rois.anchor) == limits.post_nms
    detected = len(traced.candidates_of(CandidateFate.DETECTED, CandidateFate.EMPTY_MASK))
    assert detected == len(traced.masks.candidate) == limits.max_detections
    assert len(traced.candidates_of(CandidateFate.DETECTED)) == len(traced.found)
    assert len(traced.candidates_of(CandidateFate.OVER_LIMIT)) > 0
    assert (traced.candidates.scores > limits.score_threshold).all()


def test_suppressors_are_better_boxes_that_were_kept_and_overlap_too_much(traced: Trace) -> None:
    candidates, anchors, limits = traced.candidates, traced.anchors, traced.limits
    for boxes, scores, fate, by_whom, gone, kept, threshold in (
        (anchors.regressed_xyxy, anchors.scores, anchors.fate, anchors.suppressor,
         AnchorFate.SUPPRESSED, AnchorFate.OVER_LIMIT, limits.rpn_nms_threshold),
        (candidates.boxes_xyxy, candidates.scores, candidates.fate, candidates.suppressor,
         CandidateFate.SUPPRESSED, CandidateFate.OVER_LIMIT, limits.nms_threshold),
    ):  # fmt: skip
        removed = np.flatnonzero(fate == gone)
        assert len(removed) >= 5
        assert (by_whom[fate != gone] == -1).all()
        assert (fate[by_whom[removed]] >= kept).all()
        assert (scores[by_whom[removed]] >= scores[removed]).all()
        for k in removed[:50]:
            assert box_ious(boxes[[k]], boxes[[by_whom[k]]])[0, 0] > threshold - 1e-3


def test_classes_suppress_each_other_only_where_asked(predictor: Predictor, traced: Trace) -> None:
    removed = np.flatnonzero(traced.candidates.fate == CandidateFate.SUPPRESSED)
    own = traced.candidates.label[removed]
    other = traced.candidates.label[traced.candidates.suppressor[removed]]
    assert (own != other).any() == (predictor.config.nms_scope == "all")


def test_boxes_are_pixels_of_the_image_and_levels_strides_of_the_input(traced: Trace) -> None:
    assert (traced.input_height, traced.input_width) == (51, 64)
    assert [level.stride for level in traced.levels] == [4, 8, 16, 32, 64]
    assert [level.channels for level in traced.levels] == [16] * 5
    first = traced.anchors.boxes_xyxy[traced.levels[2].first]
    centre = (first[:2] + first[2:]) / 2
    np.testing.assert_allclose(centre, 0, atol=1e-3)
    side = np.sqrt(np.prod(first[2:] - first[:2]))
    np.testing.assert_allclose(side, 32 * 150 / 64, rtol=0.05)
    for boxes in (traced.anchors.regressed_xyxy, traced.rois.boxes_xyxy, traced.candidates.boxes_xyxy):
        assert boxes.min() >= 0
        assert boxes[:, [0, 2]].max() <= 150 + 1e-3
        assert boxes[:, [1, 3]].max() <= 120 + 1e-3
        assert boxes.max() > 100


def test_probabilities_are_the_softmax_of_the_logits_and_masks_lie_between_0_and_1(traced: Trace) -> None:
    shown = torch.from_numpy(traced.rois.logits).softmax(-1).numpy()
    np.testing.assert_allclose(traced.rois.probabilities, shown, atol=1e-6)
    masks = traced.masks.probabilities
    assert masks.shape in {(30, 28, 28), (30, 0, 0)}
    if masks.size:
        assert 0 <= masks.min() < 0.5 < masks.max() <= 1


def test_each_step_has_its_time_in_the_order_of_the_pipeline(predictor: Predictor, traced: Trace) -> None:
    steps = ["resize", "backbone", "proposals", "ROI crops", "box head", "thresholds and NMS", "mask head", "paste"]
    if not predictor.trace(picture(1)).masks.probabilities.size:
        steps.remove("mask head")
    assert list(traced.seconds) == steps
    assert all(seconds > 0 for seconds in traced.seconds.values())


def test_a_box_whose_mask_is_smaller_than_asked_for_is_no_prediction_and_says_so() -> None:
    (found,) = random_predictor(max_detections=30).detect([picture(5, 120, 150)])
    middle = int(np.median([p.mask.area for p in found.predictions if p.mask is not None]))
    predictor = random_predictor(min_area=middle, max_detections=30)
    traced = predictor.trace(picture(5, 120, 150))
    empty = traced.candidates_of(CandidateFate.EMPTY_MASK)
    assert 0 < len(empty) < 30
    assert len(traced.found) == 30 - len(empty)
    assert traced.found == predictor.detect([picture(5, 120, 150)])[0]


def test_an_image_without_any_candidate_is_traced_to_nothing() -> None:
    traced = random_predictor(score_threshold=1.0).trace(picture(2))
    assert len(traced.found) == len(traced.candidates.roi) == len(traced.masks.candidate) == 0
    assert len(traced.rois.anchor) > 0


def test_an_unfinished_record_is_no_trace() -> None:
    from engine.prediction.trace import _there

    with pytest.raises(ValueError, match="not recorded"):
        _there(Record(torch.device("cpu")).first)
