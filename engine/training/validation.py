"""Validation after an epoch: detect on the validation images, COCO AP in original pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.events import EpochValidated
from engine.model.device import Device
from engine.model.inference import detect_stream
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenImage
from engine.review.evaluation import evaluate


def validate(
    network: MaskRCNN,
    device: Device,
    images: Sequence[FrozenImage],
    categories: Sequence[Category],
    *,
    epoch: int,
    step: int,
    cancelled: Callable[[], bool],
) -> EpochValidated | None:
    """AP of `network` on `images`; None when it was cancelled half-way."""
    start = time.monotonic()
    boxes_only = not network.architecture.masks
    named = ((i.image_id, i.path) for i in images)
    ids = [c.id for c in categories]
    batches = detect_stream(network, device, named, category_ids=ids, config=DetectConfig(), cancelled=cancelled)
    found = [detections for batch in batches for detections in batch]
    if len(found) < len(images):
        return None
    result = evaluate([i.annotation for i in images], found, categories, boxes_only=boxes_only)
    key = "box_ap" if boxes_only else "mask_ap"
    return EpochValidated(
        epoch=epoch,
        step=step,
        mask_ap=result.mask_ap,
        mask_ap50=result.mask_ap50,
        box_ap=result.box_ap,
        box_ap50=result.box_ap50,
        per_class={name: values.get(key) for name, values in result.per_class.items()},
        seconds=time.monotonic() - start,
    )
