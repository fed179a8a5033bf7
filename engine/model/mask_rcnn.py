"""Mask R-CNN (He et al. 2017, arXiv:1703.06870) on torchvision's modules; Faster R-CNN without the mask branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead

from engine.config import DetectConfig, Layers
from engine.model.architecture import Architecture
from engine.model.backbones import Backbone
from engine.model.losses import LossParts
from engine.model.record import Record, lap
from engine.model.roi_heads import Heads, RawDetections, Target
from engine.model.roi_pool import RoiPool
from engine.model.rpn import Rpn, tell_recall
from engine.model.sampler import KeyedSampler


class MaskRCNN(nn.Module):
    """The network on images that are already resized, normalised and padded.

    Training and detection are two methods; module and parameter names are torchvision's.
    """

    def __init__(self, architecture: Architecture, *, pretrained: bool = True) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = Backbone(
            architecture.backbone,
            out_channels=architecture.fpn_channels,
            pretrained=pretrained,
            feature_std=architecture.feature_std,
            norm_layer=_norm_of(architecture),
        )
        self.rpn = _build_rpn(architecture)
        self.roi_heads = _build_heads(architecture)
        for norm in self._norms():
            norm.eps = architecture.bn_eps

    def loss_parts(
        self,
        images: Tensor,
        image_sizes: list[tuple[int, int]],
        targets: list[Target],
        keys: Sequence[int] | None = None,
    ) -> LossParts:
        """What some images of a batch contribute to its losses.

        Args:
            images: float [B, 3, H, W], normalised, padded at the right and bottom.
            image_sizes: (height, width) of each image inside the padding.
            targets: ground truth in input pixels.
            keys: seed of each image's sampling of anchors and ROIs; None draws from torch's global generator.
        """
        self.rpn.fg_bg_sampler.keys = self.roi_heads.fg_bg_sampler.keys = keys
        features = self.backbone(images)
        proposals, stage_one = self.rpn(ImageList(images, image_sizes), features, targets)
        parts = LossParts()
        for name, total in stage_one.items():
            parts.add(name, total, self.rpn.sampled)
        tell_recall(parts, proposals, targets)
        self.roi_heads.add_losses(parts, features, proposals, image_sizes, targets)
        return parts

    def losses(
        self,
        images: Tensor,
        image_sizes: list[tuple[int, int]],
        targets: list[Target],
        keys: Sequence[int] | None = None,
    ) -> dict[str, Tensor]:
        """The losses of one whole batch, each a mean, all float32 scalars (see :meth:`loss_parts`)."""
        return self.loss_parts(images, image_sizes, targets, keys).means()

    @torch.inference_mode()
    def detect(
        self, images: Tensor, image_sizes: list[tuple[int, int]], record: Record | None = None
    ) -> list[RawDetections]:
        """Detections of one batch, in input pixels (see :meth:`losses` for the arguments).

        Args:
            record: keeps every step; the batch is then a single image.
        """
        features = self.backbone(images)
        if record is not None:
            record.keep_sizes(images, image_sizes, features)
        lap(record, "backbone")
        proposals = self.rpn.propose(ImageList(images, image_sizes), features, record)
        lap(record, "proposals")
        found: list[RawDetections] = self.roi_heads.detect(features, proposals, image_sizes, record)
        return found

    def set_detection(self, config: DetectConfig) -> None:
        """Thresholds of :meth:`detect`."""
        self.roi_heads.score_thresh = config.score_threshold
        self.roi_heads.nms_thresh = config.nms_threshold
        self.roi_heads.nms_across_classes = config.nms_scope == "all"
        self.roi_heads.detections_per_img = config.max_detections

    def train(self, mode: bool = True) -> MaskRCNN:
        """Batch-norm statistics stay frozen while training, as matterport has it; its affine part learns."""
        super().train(mode)
        for norm in self._norms():
            norm.eval()
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

    def _norms(self) -> list[nn.BatchNorm2d]:
        return [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]


def _norm_of(a: Architecture) -> type[nn.BatchNorm2d] | None:
    """Batch norm in the pyramid and the heads, which only ``v2`` has."""
    return nn.BatchNorm2d if a.heads == "v2" else None


def _build_rpn(a: Architecture) -> Rpn:
    """Thresholds of the paper: positive from IoU 0.7, negative below 0.3, 256 anchors, half of them positive."""
    anchors = AnchorGenerator(tuple((s,) for s in a.anchor_sizes), (a.anchor_ratios,) * len(a.anchor_sizes))
    rpn = Rpn(
        anchors,
        RPNHead(a.fpn_channels, anchors.num_anchors_per_location()[0], conv_depth=2 if a.heads == "v2" else 1),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": a.pre_nms[0], "testing": a.pre_nms[1]},
        post_nms_top_n={"training": a.post_nms[0], "testing": a.post_nms[1]},
        nms_thresh=0.7,
    )
    rpn.fg_bg_sampler = KeyedSampler(256, 0.5, salt=0x52504E)
    return rpn


def _build_heads(a: Architecture) -> Heads:
    mask_parts: dict[str, Any] = {}
    if a.masks:
        mask_parts = {
            "mask_roi_pool": RoiPool(14),
            "mask_head": MaskRCNNHeads(a.fpn_channels, (a.fpn_channels,) * 4, 1, norm_layer=_norm_of(a)),
            "mask_predictor": MaskRCNNPredictor(a.fpn_channels, a.fpn_channels, a.classes + 1),
        }
    heads = Heads(
        box_roi_pool=RoiPool(7),
        box_head=_build_box_head(a),
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
    heads.fg_bg_sampler = KeyedSampler(a.rois_per_image, 0.25, salt=0x524F49)
    return heads


def _build_box_head(a: Architecture) -> nn.Module:
    head: nn.Module
    if a.heads == "v2":
        size, widths = (a.fpn_channels, 7, 7), [a.fpn_channels] * 4
        head = FastRCNNConvFCHead(size, widths, [a.head_channels], norm_layer=nn.BatchNorm2d)
    else:
        head = TwoMLPHead(a.fpn_channels * 49, a.head_channels)
    return head
