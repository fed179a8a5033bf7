"""The very same forward as detection, with every step kept and put into pixels of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torchvision.ops import clip_boxes_to_image

from engine.config import DetectConfig
from engine.domain.prediction import Detections
from engine.domain.trace import (
    AnchorFate,
    AnchorTrace,
    CandidateFate,
    CandidateTrace,
    Floats,
    Ints,
    LevelTrace,
    Limits,
    MaskTrace,
    RoiTrace,
    Trace,
)
from engine.model.device import Device
from engine.model.inference import cut_out, image_per_input, run_network
from engine.model.mask_rcnn import MaskRCNN
from engine.model.record import Record
from engine.prediction.suppression import suppressors

Value = TypeVar("Value")


def trace_image(
    network: MaskRCNN,
    device: Device,
    image: npt.NDArray[np.uint8],
    *,
    category_ids: Sequence[int],
    config: DetectConfig,
    image_id: int = 0,
) -> Trace:
    """Detect on `image` (H x W x 3 uint8 RGB) as a whole and keep every step.

    Args:
        category_ids: category of each network label, starting with label 1.
    """
    record = Record(device.torch_device)
    raw = run_network(network, device, [image], config=config, record=record)
    shape = (image.shape[0], image.shape[1])
    (found,) = cut_out(raw, [shape], [image_id], category_ids=category_ids, config=config)
    record.lap("paste")
    return _trace_of(record, found, tuple(category_ids), _limits(network, config))


def _trace_of(record: Record, found: Detections, category_ids: tuple[int, ...], limits: Limits) -> Trace:
    ratio = image_per_input((found.height, found.width), record.input_size)
    candidates = _candidates(record, ratio, limits)
    masks = _masks(record, found, candidates, category_ids)
    candidates.fate[masks.candidate[masks.prediction < 0]] = CandidateFate.EMPTY_MASK
    return Trace(
        category_ids=category_ids,
        input_height=record.input_size[0],
        input_width=record.input_size[1],
        limits=limits,
        levels=_levels(record),
        anchors=_anchors(record, ratio, limits),
        rois=_rois(record, ratio),
        candidates=candidates,
        masks=masks,
        found=found,
        seconds=dict(record.seconds),
    )


def _limits(network: MaskRCNN, config: DetectConfig) -> Limits:
    return Limits(
        pre_nms=network.rpn.pre_nms_top_n(),
        rpn_nms_threshold=network.rpn.nms_thresh,
        post_nms=network.rpn.post_nms_top_n(),
        score_threshold=config.score_threshold,
        nms_threshold=config.nms_threshold,
        nms_scope=config.nms_scope,
        max_detections=config.max_detections,
        mask_threshold=config.mask_threshold,
        min_area=config.min_area,
    )


def _levels(record: Record) -> tuple[LevelTrace, ...]:
    counts = _there(record.first).counts
    starts = np.cumsum([0, *counts[:-1]]).tolist()
    return tuple(
        LevelTrace(name, *shape, round(record.padded_size[0] / shape[1]), first, count)
        for (name, shape), first, count in zip(record.features.items(), starts, counts, strict=True)
    )


def _anchors(record: Record, ratio: Floats, limits: Limits) -> AnchorTrace:
    first = _there(record.first)
    boxes = _floats(clip_boxes_to_image(first.boxes, record.input_size))
    level = np.repeat(np.arange(len(first.counts), dtype=np.int64), first.counts)
    kept = _ints(first.kept)
    fate = np.full(len(boxes), AnchorFate.OUTRANKED, dtype=np.int64)
    fate[_ints(first.ranked)] = AnchorFate.TOO_SMALL
    fate[_ints(first.usable)] = AnchorFate.SUPPRESSED
    fate[kept] = AnchorFate.OVER_LIMIT
    fate[kept[: first.limit]] = AnchorFate.PROPOSED
    return AnchorTrace(
        boxes_xyxy=_floats(_there(record.anchors)) * ratio,
        scores=_floats(first.objectness.float().sigmoid()),
        regressed_xyxy=boxes * ratio,
        level=level,
        fate=fate,
        suppressor=_by_whom(boxes, level, fate == AnchorFate.SUPPRESSED, kept, limits.rpn_nms_threshold),
    )


def _rois(record: Record, ratio: Floats) -> RoiTrace:
    first, second = _there(record.first), _there(record.second)
    return RoiTrace(
        anchor=_ints(first.kept[: first.limit]),
        boxes_xyxy=_floats(_there(record.proposals)) * ratio,
        level=_ints(_there(record.levels)),
        logits=_floats(_there(record.logits)),
        probabilities=_floats(second.scores),
        regressed_xyxy=_floats(second.boxes) * ratio,
    )


def _candidates(record: Record, ratio: Floats, limits: Limits) -> CandidateTrace:
    second = _there(record.second)
    roi, label, kept = _ints(second.rois), _ints(second.labels), _ints(second.kept)
    boxes, scores = _floats(second.boxes)[roi, label], _floats(second.scores)[roi, label]
    fate = np.full(len(roi), CandidateFate.TOO_SMALL, dtype=np.int64)
    fate[_ints(second.usable)] = CandidateFate.SUPPRESSED
    fate[kept] = CandidateFate.OVER_LIMIT
    fate[kept[: second.limit]] = CandidateFate.DETECTED
    gone = fate == CandidateFate.SUPPRESSED
    by_whom = _by_whom(boxes, _ints(second.groups), gone, kept, limits.nms_threshold)
    return CandidateTrace(roi, label, scores, boxes * ratio, fate, by_whom)


def _masks(record: Record, found: Detections, candidates: CandidateTrace, category_ids: tuple[int, ...]) -> MaskTrace:
    second = _there(record.second)
    chosen = _ints(second.kept)[: second.limit]
    place = {(p.roi, p.category_id): k for k, p in enumerate(found.predictions)}
    pairs = ((int(candidates.roi[k]), category_ids[candidates.label[k] - 1]) for k in chosen)
    prediction = np.array([place.get(pair, -1) for pair in pairs], dtype=np.int64)
    none = np.zeros((len(chosen), 0, 0), dtype=np.float32)
    return MaskTrace(chosen, none if record.masks is None else _floats(record.masks)[:, 0], prediction)


def _by_whom(boxes: Floats, groups: Ints, gone: npt.NDArray[np.bool_], kept: Ints, threshold: float) -> Ints:
    """The suppressor of every box that is `gone`, -1 for the others."""
    by_whom = np.full(len(boxes), -1, dtype=np.int64)
    removed = np.flatnonzero(gone)
    by_whom[removed] = suppressors(boxes, groups, kept=kept, removed=removed, threshold=threshold)
    return by_whom


def _there(value: Value | None) -> Value:
    """What the forward has recorded."""
    if value is None:
        raise ValueError("the forward was not recorded")
    return value


def _floats(tensor: Tensor) -> Floats:
    array: npt.NDArray[Any] = tensor.detach().float().cpu().numpy()
    return np.asarray(array, dtype=np.float32)


def _ints(tensor: Tensor) -> Ints:
    array: npt.NDArray[Any] = tensor.detach().cpu().numpy()
    return np.asarray(array, dtype=np.int64)
