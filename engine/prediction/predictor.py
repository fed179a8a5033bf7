"""The façade for detection: numpy in, typed instances out; device, resizing and masks are its own business."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.domain.prediction import Detections
from engine.model.device import Device, choose_device
from engine.model.inference import detect_stream
from engine.model.mask_rcnn import MaskRCNN
from engine.model.sources import load_detector
from engine.project.predictions import PredictionStore
from engine.project.runs import CheckpointName, RunFolder

Image = npt.NDArray[np.uint8]


class Predictor:
    """Detects objects with one checkpoint.

    Attributes:
        categories: by network label, label 1 first.
        epoch: completed epochs of the checkpoint.
        device: where it runs.
        images_per_second: over everything but the first batch, which pays for the warm-up; None before the second.
    """

    def __init__(
        self,
        network: MaskRCNN,
        categories: Sequence[Category],
        *,
        epoch: int = 0,
        config: DetectConfig | None = None,
        device: Device | None = None,
    ) -> None:
        self.config = config or DetectConfig()
        self.device = device or choose_device(self.config.device)
        self.categories = tuple(categories)
        self.epoch = epoch
        self.images_per_second: float | None = None
        self._network = self.device.place(network).eval()
        self._timed_images = 0
        self._timed_seconds = 0.0
        self._warm = False

    @classmethod
    def from_checkpoint(
        cls,
        weights: str | Path,
        *,
        config: DetectConfig | None = None,
        device: Device | None = None,
        names: Sequence[str] = (),
        bn_eps: float | None = None,
    ) -> Predictor:
        """Open a checkpoint, a torchvision ``.pth``, or a published detector (``coco``, ``coco-v2``).

        Args:
            names: classes of a ``.pth``, label 1 first, which does not know them; "class 1" and so on without.
            bn_eps: batch-norm eps a ``.pth`` was trained with, 1e-5 when left out.

        Raises:
            UserError: when it is missing, damaged, unsafe or of another kind.
        """
        network, categories, facts = load_detector(weights, names=names, bn_eps=bn_eps)
        return cls(network, categories, epoch=int(facts["progress"]["epoch"]), config=config, device=device)

    @classmethod
    def from_run(
        cls, run: RunFolder, name: CheckpointName = "best", *, config: DetectConfig | None = None
    ) -> Predictor:
        """Open a checkpoint of a run: ``best``, ``last`` or an epoch."""
        return cls.from_checkpoint(run.checkpoint(name), config=config)

    @property
    def labels(self) -> dict[int, int]:
        """Network label (from 1) per category id, for :meth:`Detections.to_matterport`."""
        return {c.id: label for label, c in enumerate(self.categories, start=1)}

    def detect(self, images: Sequence[Image | Path], image_ids: Sequence[int] | None = None) -> list[Detections]:
        """Detections of each image, in its own pixels.

        Args:
            images: H x W x 3 uint8 RGB arrays, or files to read.
            image_ids: the store's ids, zeros when left out.
        """
        ids = image_ids if image_ids is not None else [0] * len(images)
        return list(self.stream(zip(ids, images, strict=True)))

    def stream(
        self, images: Iterable[tuple[int, Image | Path]], *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Detections]:
        """Like :meth:`detect` for any number of ``(image id, image)``, one batch in memory; the last may be short."""
        batches = detect_stream(
            self._network,
            self.device,
            images,
            category_ids=[c.id for c in self.categories],
            config=self.config,
            cancelled=cancelled,
        )
        start = time.perf_counter()
        for found in batches:
            self._count(len(found), time.perf_counter() - start)
            yield from found
            start = time.perf_counter()

    def _count(self, images: int, seconds: float) -> None:
        if self._warm:
            self._timed_images += images
            self._timed_seconds += seconds
            self.images_per_second = self._timed_images / self._timed_seconds
        self._warm = True


def detect_into(
    store: PredictionStore,
    predictor: Predictor,
    images: Iterable[tuple[int, Path]],
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Detections]:
    """Detect on the project's images and stage every result in the run's database as it comes."""
    for detections in predictor.stream(images, cancelled=cancelled):
        store.add(detections, predictor.epoch)
        yield store.detections(detections.image_id, predictor.epoch)
