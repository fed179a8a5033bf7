"""What one training sample asks of the network: its anchors' and ROIs' targets, drawn with the sample's own key."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from engine.model.device import Device
from engine.model.inputs import batch_of
from engine.model.mask_rcnn import MaskRCNN
from engine.model.roi_heads import mask_targets
from engine.training.samples import Sample
from engine.training.step import to_device

MASK_SIDE = 28  # of the mask branch's output (He et al. 2017, figure 4)


@dataclass(frozen=True)
class AnchorTargets:
    """Targets of the first stage.

    Attributes:
        positive: float [K, 4] xyxy, anchors with IoU 0.7 or the best of some object.
        negative, ignored: numbers of anchors below 0.3 and in between.
        drawn_positive, drawn_negative: how many of them the losses are computed on.
    """

    positive: Tensor
    negative: int
    ignored: int
    drawn_positive: int
    drawn_negative: int


@dataclass(frozen=True)
class RoiTargets:
    """Targets of the second stage.

    Attributes:
        drawn: number of ROIs that the losses are computed on.
        boxes: float [K, 4] xyxy of the positive ones among them.
        matched: int64 [K], index of each one's object in the sample.
        masks: float [K, 28, 28] in [0, 1]; empty without a mask branch.
    """

    drawn: int
    boxes: Tensor
    matched: Tensor
    masks: Tensor


@torch.no_grad()
def targets_of(network: MaskRCNN, device: Device, sample: Sample) -> tuple[AnchorTargets, RoiTargets]:
    """Targets that `network`, in training mode, is given for `sample` when it is a batch of its own.

    In a batch with larger images the coarsest grid may differ a little, as the padding does.
    """
    target = to_device(sample.target, device)
    network.rpn.fg_bg_sampler.keys = network.roi_heads.fg_bg_sampler.keys = [sample.key]
    images, sizes = batch_of([sample.image], device, network.architecture)
    listed = ImageList(images, sizes)
    with device.autocast():
        features = network.backbone(images)
        proposals, _ = network.rpn(listed, features, [target])
    anchors = network.rpn.anchor_generator(listed, list(features.values()))
    labels, _ = network.rpn.assign_targets_to_anchors(anchors, [target])
    drawn_positive, drawn_negative = network.rpn.fg_bg_sampler(labels)
    label = labels[0]
    first = AnchorTargets(
        positive=anchors[0][label == 1].cpu(),
        negative=int((label == 0).sum()),
        ignored=int((label == -1).sum()),
        drawn_positive=int(drawn_positive[0].sum()),
        drawn_negative=int(drawn_negative[0].sum()),
    )
    boxes, matched, roi_labels, _ = network.roi_heads.select_training_samples(proposals, [target])
    positive = roi_labels[0] > 0
    own, objects = boxes[0][positive], matched[0][positive]
    masks = mask_targets(target["masks"], own, objects, MASK_SIDE) if target["masks"] else own.new_zeros((0,))
    return first, RoiTargets(len(boxes[0]), own.cpu(), objects.cpu(), masks.cpu())
