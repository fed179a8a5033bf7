"""Mask R-CNN (He et al. 2017, arXiv:1703.06870) on torchvision's modules; Faster R-CNN without the mask branch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from engine.config import DetectConfig, Layers
from engine.model.backbones import LITE0_FEATURE_STD, Backbone
from engine.model.roi_heads import Heads, RawDetections, Target
from engine.model.roi_pool import RoiPool


@dataclass(frozen=True)
class Architecture:
    """What the network is made of; stored in every checkpoint, so that it can be built again.

    Attributes:
        classes: number of classes without background.
        masks: with the mask branch.
        anchor_sizes: side of the square anchor in input pixels, one per pyramid level (strides 4 to 64).
        feature_std: what the body's features are divided by before the pyramid, one per stride 4 to 32; empty for 1.
        fpn_channels, head_channels: width of the pyramid and of the box head.
        rois_per_image: proposals sampled for the second stage while training (1:3 positive to negative).
    """

    classes: int
    masks: bool = True
    anchor_sizes: tuple[int, ...] = (32, 64, 128, 256, 512)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    feature_std: tuple[float, ...] = LITE0_FEATURE_STD
    fpn_channels: int = 128
    head_channels: int = 512
    rois_per_image: int = 128
    image_size: int = 512

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Architecture:
        """The architecture of a checkpoint; the first ones did not divide their features."""
        whole = {"feature_std": [], **data}
        lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in whole.items()}
        return cls(**lists)


class MaskRCNN(nn.Module):
    """The network on images that are already resized, normalised and padded.

    Training and detection are two methods; module and parameter names are torchvision's.
    """

    def __init__(self, architecture: Architecture, *, pretrained: bool = True) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = Backbone(
            out_channels=architecture.fpn_channels, pretrained=pretrained, feature_std=architecture.feature_std
        )
        self.rpn = _build_rpn(architecture)
        self.roi_heads = _build_heads(architecture)

    def losses(self, images: Tensor, image_sizes: list[tuple[int, int]], targets: list[Target]) -> dict[str, Tensor]:
        """The losses of one batch, each a mean, all float32 scalars.

        Args:
            images: float [B, 3, H, W], normalised, padded at the right and bottom.
            image_sizes: (height, width) of each image inside the padding.
            targets: ground truth in input pixels.
        """
        features = self.backbone(images)
        proposals, losses = self.rpn(ImageList(images, image_sizes), features, targets)
        losses.update(self.roi_heads.training_losses(features, proposals, image_sizes, targets))
        return {name: loss.float() for name, loss in losses.items()}

    @torch.inference_mode()
    def detect(self, images: Tensor, image_sizes: list[tuple[int, int]]) -> list[RawDetections]:
        """Detections of one batch, in input pixels (see :meth:`losses` for the arguments)."""
        features = self.backbone(images)
        proposals, _ = self.rpn(ImageList(images, image_sizes), features)
        found: list[RawDetections] = self.roi_heads.detect(features, proposals, image_sizes)
        return found

    def set_detection(self, config: DetectConfig) -> None:
        """Thresholds of :meth:`detect`."""
        self.roi_heads.score_thresh = config.score_threshold
        self.roi_heads.nms_thresh = config.nms_threshold
        self.roi_heads.detections_per_img = config.max_detections

    def train(self, mode: bool = True) -> MaskRCNN:
        """Batch-norm statistics stay frozen while training, as matterport has it; its affine part learns."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def set_trainable(self, layers: Layers) -> list[nn.Parameter]:
        """Freeze everything that `layers` leaves out; returns the parameters that learn.

        ``heads`` is everything behind the backbone's body (pyramid, RPN, box and mask heads); ``k+`` adds the blocks
        that produce stride ``2**k`` and above; ``all`` adds the rest.
        """
        self.backbone.body.requires_grad_(False)
        first = {Layers.HEADS: 6, Layers.FROM_5: 5, Layers.FROM_4: 4, Layers.FROM_3: 3, Layers.ALL: 1}[layers]
        for stage in range(first, 6):
            for module in self.backbone.stage_modules(stage):
                module.requires_grad_(True)
        return [p for p in self.parameters() if p.requires_grad]


def _build_rpn(a: Architecture) -> RegionProposalNetwork:
    """Thresholds of the paper: positive from IoU 0.7, negative below 0.3, 256 anchors, half of them positive."""
    anchors = AnchorGenerator(tuple((s,) for s in a.anchor_sizes), (a.anchor_ratios,) * len(a.anchor_sizes))
    return RegionProposalNetwork(
        anchors,
        RPNHead(a.fpn_channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 1000, "testing": 1000},
        post_nms_top_n={"training": 1000, "testing": 500},
        nms_thresh=0.7,
    )


def _build_heads(a: Architecture) -> Heads:
    mask_parts: dict[str, Any] = {}
    if a.masks:
        mask_parts = {
            "mask_roi_pool": RoiPool(14),
            "mask_head": MaskRCNNHeads(a.fpn_channels, (a.fpn_channels,) * 4, 1),
            "mask_predictor": MaskRCNNPredictor(a.fpn_channels, a.fpn_channels, a.classes + 1),
        }
    return Heads(
        box_roi_pool=RoiPool(7),
        box_head=TwoMLPHead(a.fpn_channels * 49, a.head_channels),
        box_predictor=FastRCNNPredictor(a.head_channels, a.classes + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=a.rois_per_image,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=100,
        **mask_parts,
    )
