"""A network so plain that its answers are known: what it says of every box is set by hand."""

from __future__ import annotations

import numpy as np
import torch

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.model.device import choose_device
from engine.model.mask_rcnn import Architecture, MaskRCNN
from engine.prediction.predictor import Predictor

RING, DISC = 7, 3  # ids in the store; the network's labels are 1 and 2
CATEGORIES = (Category(RING, "ring", "#e69f00"), Category(DISC, "disc", "#56b4e9"))
CPU = choose_device("cpu", amp="off")


def picture(seed: int, height: int = 48, width: int = 60) -> np.ndarray:
    """Coarse coloured noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(height // 6, width // 6, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((6, 6, 1), dtype=np.uint8))


def random_predictor(*, masks: bool = True, **config: object) -> Predictor:
    """Random weights, strong enough for scores, boxes and masks that differ from each other."""
    torch.manual_seed(3)
    network = MaskRCNN(_architecture(masks=masks), pretrained=True)
    with torch.no_grad():
        network.rpn.head.bbox_pred.weight.mul_(20)
        network.rpn.head.cls_logits.weight.mul_(20)
        network.roi_heads.box_predictor.cls_score.weight.mul_(15)
        network.roi_heads.box_predictor.bbox_pred.weight.mul_(20)
        if masks:
            network.roi_heads.mask_predictor.mask_fcn_logits.weight.mul_(5)
    return Predictor(network, CATEGORIES, config=DetectConfig.model_validate(config), device=CPU)


def plain_predictor(
    *, logits: tuple[float, float, float] = (0, 9, 0), mask: float = 9, masks: bool = True, **config: object
) -> Predictor:
    """Boxes stay what the anchors are, all ROIs get the same class `logits`, all masks fill their box (or nothing)."""
    torch.manual_seed(1)
    network = MaskRCNN(_architecture(masks=masks), pretrained=True)
    with torch.no_grad():
        network.rpn.head.cls_logits.weight.mul_(20)
        heads = network.roi_heads
        for layer in (network.rpn.head.bbox_pred, heads.box_predictor.bbox_pred, heads.box_predictor.cls_score):
            layer.weight.zero_()
            layer.bias.zero_()
        heads.box_predictor.cls_score.bias.copy_(torch.tensor(logits))
        if masks:
            heads.mask_predictor.mask_fcn_logits.weight.zero_()
            heads.mask_predictor.mask_fcn_logits.bias.fill_(mask)
    return Predictor(network, CATEGORIES, config=DetectConfig.model_validate(config), device=CPU)


def network_of(predictor: Predictor) -> MaskRCNN:
    """The network inside, to turn its screws."""
    return predictor._network


def _architecture(*, masks: bool) -> Architecture:
    return Architecture(
        classes=2,
        masks=masks,
        image_size=64,
        fpn_channels=16,
        head_channels=32,
        anchor_sizes=(12, 20, 32, 48, 64),
        pre_nms=(300, 300),
        post_nms=(100, 100),
    )
