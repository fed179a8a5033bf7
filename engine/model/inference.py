"""One detection step for everybody: validation, detection and the service run this very function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.config import DetectConfig
from engine.domain.prediction import Detections, Prediction
from engine.model.device import Device
from engine.model.inputs import prepare
from engine.model.mask_rcnn import MaskRCNN
from engine.model.masks_out import paste
from engine.model.roi_heads import RawDetections
from engine.project.images import read_image

Image = npt.NDArray[np.uint8]


def detect_batch(
    network: MaskRCNN,
    device: Device,
    images: Sequence[Image],
    *,
    category_ids: Sequence[int],
    config: DetectConfig,
    image_ids: Sequence[int] | None = None,
) -> list[Detections]:
    """Detections of `images` (H x W x 3 uint8 RGB each), in their own pixels.

    Args:
        category_ids: category of each network label, starting with label 1.
        image_ids: what to call the images, zeros when left out.
    """
    network.set_detection(config)
    batch, sizes = prepare(images, device, network.architecture)
    with device.autocast():
        raw = network.detect(batch, sizes)
    ids = image_ids or [0] * len(images)
    return [
        _to_detections(found, image.shape[:2], size, image_id, category_ids, config.mask_threshold)
        for found, image, size, image_id in zip(raw, images, sizes, ids, strict=True)
    ]


def detect_stream(
    network: MaskRCNN,
    device: Device,
    images: Iterable[tuple[int, Image | Path]],
    *,
    category_ids: Sequence[int],
    config: DetectConfig,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[Detections]]:
    """Detections of any number of ``(image id, image or file)``, one batch in memory; the last may be short.

    Ends early when `cancelled`.

    Raises:
        ImageReadError: when a file cannot be read.
    """
    source = iter(images)
    while batch := list(islice(source, config.batch_size)):
        if cancelled():
            return
        pixels = [read_image(image) if isinstance(image, Path) else image for _, image in batch]
        ids = [image_id for image_id, _ in batch]
        yield detect_batch(network, device, pixels, category_ids=category_ids, config=config, image_ids=ids)


def _to_detections(
    raw: RawDetections,
    shape: tuple[int, ...],
    size: tuple[int, int],
    image_id: int,
    category_ids: Sequence[int],
    mask_threshold: float,
) -> Detections:
    height, width = shape[0], shape[1]
    ratio = np.array([width / size[1], height / size[0]] * 2, dtype=np.float32)
    boxes = raw["boxes"].float().cpu().numpy() * ratio
    scores = raw["scores"].float().cpu().tolist()
    labels, rois = raw["labels"].cpu().tolist(), raw["rois"].cpu().tolist()
    masks = raw["masks"].float().cpu().numpy()[:, 0] if "masks" in raw else None
    predictions = []
    for index, box in enumerate(boxes):
        mask = None if masks is None else paste(masks[index], box, height, width, mask_threshold)
        if mask is not None and mask.is_empty:
            continue  # nothing to show, store or match
        x0, y0, x1, y1 = (float(v) for v in box)
        category_id = category_ids[labels[index] - 1]
        predictions.append(Prediction(0, image_id, category_id, scores[index], (x0, y0, x1, y1), mask, rois[index]))
    return Detections(image_id, height, width, tuple(predictions))
