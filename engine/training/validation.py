"""Validation after an epoch: detect on the validation images, COCO AP in original pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.domain.prediction import Detections
from engine.events import EpochValidated
from engine.model.device import Device
from engine.model.inference import detect_batch
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenImage
from engine.project.images import read_image
from engine.review.evaluation import evaluate


def detections_of(
    network: MaskRCNN,
    device: Device,
    images: Sequence[FrozenImage],
    categories: Sequence[Category],
    config: DetectConfig,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Detections]:
    """Detect on frozen images, one batch in memory at a time; ends early when `cancelled`."""
    ids = [c.id for c in categories]
    for start in range(0, len(images), config.batch_size):
        if cancelled():
            return
        batch = images[start : start + config.batch_size]
        pixels = [read_image(i.path) for i in batch]
        yield from detect_batch(
            network, device, pixels, category_ids=ids, config=config, image_ids=[i.image_id for i in batch]
        )


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
    found = list(detections_of(network, device, images, categories, DetectConfig(), cancelled=cancelled))
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
