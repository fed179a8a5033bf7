"""The second stage: torchvision's ROI heads, with mask targets from crops and the ROI of every detection kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own idiom)
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads, maskrcnn_inference
from torchvision.ops import boxes as box_ops
from torchvision.ops import roi_align

from engine.model.losses import LossParts
from engine.model.record import Record, SecondStage, lap
from engine.model.sampler import KeyedSampler


@dataclass(frozen=True, slots=True)
class MaskCrop:
    """Dense mask of one instance in the network's input, only where the instance is.

    Attributes:
        pixels: uint8 [h, w], 0 or 1.  Framed by zeros except where it ends at the image's border, so that sampling
            it gives what sampling the full-size mask would give.
        x0, y0: input pixel of its top-left corner.
    """

    pixels: Tensor
    x0: int
    y0: int


class Target(TypedDict):
    """Ground truth of one image, in input pixels: boxes float [N, 4] xyxy, labels int64 [N] from 1, N crops."""

    boxes: Tensor
    labels: Tensor
    masks: list[MaskCrop]


class RawDetections(TypedDict, total=False):
    """Network output of one image, in input pixels, highest score first.

    boxes float [N, 4] xyxy; scores float [N]; labels int64 [N]; rois int64 [N] (index of the proposal);
    masks float [N, 1, M, M], probabilities of the predicted class (absent in boxes-only networks).
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    rois: Tensor
    masks: Tensor


def mask_targets(crops: list[MaskCrop], boxes: Tensor, matched: Tensor, size: int) -> Tensor:
    """ROI targets float [K, size, size] for `boxes` [K, 4], each from the crop of its `matched` instance.

    Equals ``roi_align`` of the full-size masks (torchvision's ``project_masks_on_boxes``): a crop answers every sample
    as the full-size mask would, since it is framed by zeros.
    """
    targets = boxes.new_zeros((len(boxes), size, size), dtype=torch.float32)
    for index in sorted(set(matched.tolist())):
        crop = crops[index]
        rows = torch.where(matched == index)[0]
        offset = boxes.new_tensor([crop.x0, crop.y0, crop.x0, crop.y0], dtype=torch.float32)
        local = boxes[rows].float() - offset
        rois = torch.cat([local.new_zeros((len(rows), 1)), local], dim=1)
        pixels = crop.pixels.to(device=boxes.device, dtype=torch.float32)[None, None]
        targets[rows] = roi_align(pixels, rois, (size, size), 1.0)[:, 0]
    return targets


def add_box_losses(
    parts: LossParts, logits: Tensor, deltas: Tensor, labels: list[Tensor], regression: list[Tensor]
) -> None:
    """Cross entropy over all ROIs; smooth L1 over the positive ones' own class, divided by all (He et al. 2017)."""
    label, wanted = torch.cat(labels), torch.cat(regression)
    positive = torch.where(label > 0)[0]
    own = deltas.float().reshape(len(label), -1, 4)[positive, label[positive]]
    parts.add("loss_classifier", F.cross_entropy(logits.float(), label, reduction="sum"), len(label))
    parts.add("loss_box_reg", F.smooth_l1_loss(own, wanted[positive], beta=1 / 9, reduction="sum"), len(label))
    right = logits.argmax(dim=1) == label
    parts.tell("roi_positives", label > 0)
    parts.tell("class_accuracy", right)
    parts.tell("foreground_accuracy", right[positive])


def add_mask_loss(
    parts: LossParts,
    logits: Tensor,
    boxes: list[Tensor],
    crops: list[list[MaskCrop]],
    labels: list[Tensor],
    matched: list[Tensor],
) -> None:
    """Binary cross entropy of the true class's channel (He et al. 2017, section 3); 0 without positives."""
    size = logits.shape[-1]
    targets = torch.cat([mask_targets(c, b, m, size) for c, b, m in zip(crops, boxes, matched, strict=True)])
    channel = torch.cat([own[m] for own, m in zip(labels, matched, strict=True)])
    own = logits[torch.arange(len(channel), device=channel.device), channel].float()
    loss = F.binary_cross_entropy_with_logits(own, targets, reduction="sum") if len(channel) else logits.sum() * 0
    parts.add("loss_mask", loss, targets.numel())
    parts.tell("mask_accuracy", (own > 0) == (targets >= 0.5))


class Heads(RoIHeads):  # type: ignore[misc]  # torchvision is untyped
    """torchvision's ROI heads; only the training step and what a detection keeps are ours."""

    fg_bg_sampler: KeyedSampler
    nms_across_classes = False  # boxes suppress those of other classes too

    def add_losses(
        self,
        parts: LossParts,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_sizes: list[tuple[int, int]],
        targets: list[Target],
    ) -> None:
        """Add ``loss_classifier``, ``loss_box_reg`` and, with a mask branch, ``loss_mask``."""
        proposals, matched, labels, regression = self.select_training_samples(proposals, targets)
        pooled = self.box_head(self.box_roi_pool(features, proposals, image_sizes))
        logits, deltas = self.box_predictor(pooled)
        add_box_losses(parts, logits, deltas, labels, regression)
        if self.has_mask():
            positive = [torch.where(own > 0)[0] for own in labels]
            boxes = [b[p] for b, p in zip(proposals, positive, strict=True)]
            add_mask_loss(
                parts,
                self._mask_logits(features, boxes, image_sizes),
                boxes,
                [t["masks"] for t in targets],
                [t["labels"] for t in targets],
                [m[p] for m, p in zip(matched, positive, strict=True)],
            )

    def detect(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_sizes: list[tuple[int, int]],
        record: Record | None = None,
    ) -> list[RawDetections]:
        """Boxes with class, score and ROI index; masks for the boxes that are left."""
        pooled = self.box_roi_pool(features, proposals, image_sizes)
        lap(record, "ROI crops")
        logits, deltas = self.box_predictor(self.box_head(pooled))
        lap(record, "box head")
        if record is not None:
            record.proposals, record.levels = proposals[0], self.box_roi_pool.levels(proposals)
            record.logits = logits
        found = self._select(logits.float(), deltas.float(), proposals, image_sizes, record)
        lap(record, "thresholds and NMS")
        if self.has_mask():
            mask_logits = self._mask_logits(features, [f["boxes"] for f in found], image_sizes)
            masks = maskrcnn_inference(mask_logits.float(), [f["labels"] for f in found])
            for detections, probabilities in zip(found, masks, strict=True):
                detections["masks"] = probabilities
            if record is not None:
                record.masks = masks[0]
            lap(record, "mask head")
        return found

    def _mask_logits(
        self, features: dict[str, Tensor], boxes: list[Tensor], image_sizes: list[tuple[int, int]]
    ) -> Tensor:
        pooled = self.mask_roi_pool(features, boxes, image_sizes)
        logits: Tensor = self.mask_predictor(self.mask_head(pooled))
        return logits

    def _select(
        self,
        logits: Tensor,
        deltas: Tensor,
        proposals: list[Tensor],
        image_sizes: list[tuple[int, int]],
        record: Record | None,
    ) -> list[RawDetections]:
        """torchvision's ``postprocess_detections``, with the ROI index carried along."""
        counts = [len(p) for p in proposals]
        boxes_of = torch.split(self.box_coder.decode(deltas, proposals), counts)
        scores_of = torch.split(F.softmax(logits, -1), counts)
        return [self._select_one(b, s, z, record) for b, s, z in zip(boxes_of, scores_of, image_sizes, strict=True)]

    def _select_one(
        self, all_boxes: Tensor, all_scores: Tensor, image_size: tuple[int, int], record: Record | None
    ) -> RawDetections:
        all_boxes = box_ops.clip_boxes_to_image(all_boxes, image_size)
        roi, label = torch.where(all_scores[:, 1:] > self.score_thresh)
        label = label + 1
        boxes, scores = all_boxes[roi, label], all_scores[roi, label]
        groups = torch.zeros_like(label) if self.nms_across_classes else label
        usable = box_ops.remove_small_boxes(boxes, min_size=1e-2)
        kept = usable[box_ops.batched_nms(boxes[usable], scores[usable], groups[usable], self.nms_thresh)]
        if record is not None:
            limit = self.detections_per_img
            record.second = SecondStage(all_boxes, all_scores, roi, label, usable, groups, kept, limit)
        keep = kept[: self.detections_per_img]
        return RawDetections(boxes=boxes[keep], scores=scores[keep], labels=label[keep], rois=roi[keep])
