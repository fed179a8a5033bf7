"""The first stage: torchvision's region proposal network, its losses as sums and counts."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own idiom)
from torch import Tensor
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou

from engine.model.losses import LossParts
from engine.model.roi_heads import Target
from engine.model.sampler import KeyedSampler

BETA = 1 / 9  # where the smooth L1 loss turns linear (torchvision's and Detectron's value)


class Rpn(RegionProposalNetwork):  # type: ignore[misc]  # torchvision is untyped
    """torchvision's network; only the sampling and the division of the losses are ours.

    Attributes:
        sampled: anchors that the losses of the last batch were summed over.
    """

    fg_bg_sampler: KeyedSampler
    sampled: int = 0

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
        box_iou(t["boxes"], p).amax(dim=1) if len(p) else t["boxes"].new_zeros(len(t["boxes"]))
        for t, p in zip(targets, proposals, strict=True)
    ]
    covered = torch.cat(best)
    parts.tell("rpn_recall50", covered >= 0.5)
    parts.tell("rpn_recall70", covered >= 0.7)
