"""One detection step for everybody: validation, detection and the service run this very function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
from engine.model.record import Record, lap
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
    raw = run_network(network, device, images, config=config)
    shapes = [(image.shape[0], image.shape[1]) for image in images]
    return cut_out(raw, shapes, image_ids or [0] * len(images), category_ids=category_ids, config=config)


@dataclass(frozen=True, slots=True)
class RawBatch:
    """What the network says of a batch, in input pixels.

    Attributes:
        found: one for each image.
        sizes: (height, width) of each image as the network was fed it.
    """

    found: list[RawDetections]
    sizes: list[tuple[int, int]]


def run_network(
    network: MaskRCNN,
    device: Device,
    images: Sequence[Image],
    *,
    config: DetectConfig,
    record: Record | None = None,
) -> RawBatch:
    """The device's part of a detection of `images` (H x W x 3 uint8 RGB each).

    The results are in main memory, so the device is done with them.

    Args:
        record: keeps every step; the batch is then a single image.
    """
    network.set_detection(config)
    batch, sizes = prepare(images, device, network.architecture)
    lap(record, "resize")
    with device.autocast():
        found = network.detect(batch, sizes, record)
    return RawBatch([fetched(raw) for raw in found], sizes)


def cut_out(
    raw: RawBatch,
    shapes: Sequence[tuple[int, int]],
    image_ids: Sequence[int],
    *,
    category_ids: Sequence[int],
    config: DetectConfig,
) -> list[Detections]:
    """The processor's part: boxes and masks of each image of (height, width) `shapes`, in its own pixels."""
    return [
        _to_detections(found, shape, size, image_id, category_ids, config)
        for found, size, shape, image_id in zip(raw.found, raw.sizes, shapes, image_ids, strict=True)
    ]


def fetched(raw: RawDetections) -> RawDetections:
    """In main memory; numbers are float32 there."""
    fetched = RawDetections(
        boxes=raw["boxes"].float().cpu(),
        scores=raw["scores"].float().cpu(),
        labels=raw["labels"].cpu(),
        rois=raw["rois"].cpu(),
    )
    if "masks" in raw:
        fetched["masks"] = raw["masks"].float().cpu()
    return fetched


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
    while batch := list(islice(source, max(1, config.batch_size))):
        if cancelled():
            return
        pixels = [read_image(image) if isinstance(image, Path) else image for _, image in batch]
        ids = [image_id for image_id, _ in batch]
        yield detect_batch(network, device, pixels, category_ids=category_ids, config=config, image_ids=ids)


def _to_detections(
    raw: RawDetections,
    shape: tuple[int, int],
    size: tuple[int, int],
    image_id: int,
    category_ids: Sequence[int],
    config: DetectConfig,
) -> Detections:
    height, width = shape
    boxes = raw["boxes"].numpy() * image_per_input(shape, size)
    scores = raw["scores"].tolist()
    labels, rois = raw["labels"].tolist(), raw["rois"].tolist()
    masks = raw["masks"].numpy()[:, 0] if "masks" in raw else None
    predictions = []
    for index, box in enumerate(boxes):
        mask = None if masks is None else paste(masks[index], box, height, width, config.mask_threshold)
        x0, y0, x1, y1 = (float(v) for v in box)
        area = (x1 - x0) * (y1 - y0) if mask is None else mask.area
        if area < config.min_area or (mask is not None and mask.is_empty):
            continue  # nothing to show, store or match
        category_id = category_ids[labels[index] - 1]
        predictions.append(Prediction(0, image_id, category_id, scores[index], (x0, y0, x1, y1), mask, rois[index]))
    return Detections(image_id, height, width, tuple(predictions))


def image_per_input(shape: tuple[int, int], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """What boxes of an input of `size` (height, width) are multiplied with in an image of `shape`: float32 [4]."""
    return np.array([shape[1] / size[1], shape[0] / size[0]] * 2, dtype=np.float32)
