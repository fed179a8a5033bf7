"""The first stage: torchvision's region proposal network, its losses as sums and counts, its steps on record."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own idiom)
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import boxes as box_ops

from engine.model.losses import LossParts
from engine.model.record import FirstStage, Record
from engine.model.roi_heads import Target
from engine.model.sampler import KeyedSampler

BETA = 1 / 9  # where the smooth L1 loss turns linear (torchvision's and Detectron's value)


class Rpn(RegionProposalNetwork):  # type: ignore[misc]  # torchvision is untyped
    """torchvision's network; the sampling, the division of the losses and what can be recorded are ours.

    Attributes:
        sampled: anchors that the losses of the last batch were summed over.
    """

    fg_bg_sampler: KeyedSampler
    sampled: int = 0
    _record: Record | None = None

    def propose(self, images: ImageList, features: dict[str, Tensor], record: Record | None = None) -> list[Tensor]:
        """Proposals of each image, float [P, 4] xyxy in input pixels, highest score first; none has a gradient."""
        self._record = record
        try:
            proposals: list[Tensor] = self(images, features)[0]
        finally:
            self._record = None
        if record is not None:
            record.anchors = self.anchor_generator(images, list(features.values()))[0]
        return proposals

    def filter_proposals(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: list[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """torchvision's arithmetic to the letter, with the anchor of every box carried along.

        Args:
            proposals: float [B, A, 4] xyxy in input pixels, the anchors after regression.
            objectness: [B * A, 1], logits.

        Returns:
            Boxes [P, 4] and scores [P] of each image, highest score first.
        """
        logits = objectness.detach().reshape(len(proposals), -1)
        ranked = self._get_top_n_idx(logits, num_anchors_per_level)
        image = torch.arange(len(proposals), device=proposals.device)[:, None]
        scores = torch.sigmoid(logits[image, ranked])
        chosen = []
        for k, (anchor, score, size) in enumerate(zip(ranked, scores, image_shapes, strict=True)):
            boxes = box_ops.clip_boxes_to_image(proposals[k, anchor], size)
            usable, kept = self._survivors(boxes, score, _level_of(anchor, num_anchors_per_level))
            if self._record is not None:
                self._record.first = FirstStage(
                    counts=num_anchors_per_level,
                    objectness=logits[k],
                    boxes=proposals[k],
                    ranked=anchor,
                    usable=anchor[usable],
                    kept=anchor[kept],
                    limit=self.post_nms_top_n(),
                )
            kept = kept[: self.post_nms_top_n()]
            chosen.append((boxes[kept], score[kept]))
        return [boxes for boxes, _ in chosen], [score for _, score in chosen]

    def _survivors(self, boxes: Tensor, scores: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """Indices of the boxes that are compared, and of those that no better one of their level suppresses."""
        usable = box_ops.remove_small_boxes(boxes, self.min_size)
        usable = usable[scores[usable] >= self.score_thresh]
        kept = box_ops.batched_nms(boxes[usable], scores[usable], level[usable], self.nms_thresh)
        return usable, usable[kept]

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Sums over the sampled anchors (torchvision: the same, divided by their number)."""
        positive_masks, negative_masks = self.fg_bg_sampler(labels)
        positive = torch.where(torch.cat(positive_masks))[0]
        sampled = torch.cat([positive, torch.where(torch.cat(negative_masks))[0]])
        self.sampled = len(sampled)
        box_loss = F.smooth_l1_loss(
            pred_bbox_deltas[positive].float(), torch.cat(regression_targets)[positive], beta=BETA, reduction="sum"
        )
        objectness_loss = F.binary_cross_entropy_with_logits(
            objectness.flatten()[sampled].float(), torch.cat(labels)[sampled], reduction="sum"
        )
        return objectness_loss, box_loss


def tell_recall(parts: LossParts, proposals: list[Tensor], targets: list[Target]) -> None:
    """Shares of the objects that some proposal covers with IoU 0.5 and 0.7."""
    best = [
        box_ops.box_iou(t["boxes"], p).amax(dim=1) if len(p) else t["boxes"].new_zeros(len(t["boxes"]))
        for t, p in zip(targets, proposals, strict=True)
    ]
    covered = torch.cat(best)
    parts.tell("rpn_recall50", covered >= 0.5)
    parts.tell("rpn_recall70", covered >= 0.7)


def _level_of(anchor: Tensor, counts: list[int]) -> Tensor:
    """Pyramid level of each anchor, int64 as long as `anchor`."""
    ends = torch.tensor(counts, device=anchor.device).cumsum(0)
    return torch.bucketize(anchor, ends, right=True)
