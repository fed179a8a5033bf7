"""The façade for detection: numpy in, typed instances out; device, resizing and masks are its own business."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.domain.prediction import Detections
from engine.domain.trace import Trace
from engine.errors import UserError
from engine.model.device import Device, choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.model.sources import load_detector
from engine.prediction.batching import fitting_batch
from engine.prediction.looking import look_at
from engine.prediction.pipeline import Pipeline
from engine.prediction.trace import trace_image
from engine.prediction.work import Found, ImageResult, Item
from engine.project.images import content_hash
from engine.project.runs import CheckpointName, RunFolder

Image = npt.NDArray[np.uint8]


class Predictor:
    """Detects objects with one checkpoint.

    Attributes:
        categories: by network label, label 1 first.
        epoch: completed epochs of the checkpoint.
        weights_hash: of the checkpoint's bytes; "" when it did not come from a file.
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
        weights_hash: str = "",
    ) -> None:
        self.config = config or DetectConfig()
        self.device = device or choose_device(self.config.device)
        self.categories = tuple(categories)
        self.epoch = epoch
        self.weights_hash = weights_hash
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
        known = content_hash(weights) if Path(weights).is_file() else ""
        epoch = int(facts["progress"]["epoch"])
        return cls(network, categories, epoch=epoch, config=config, device=device, weights_hash=known)

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
            images: H x W x 3 uint8 RGB arrays (gray, RGBA and deeper ones are converted as files are), or files.
            image_ids: the store's ids, zeros when left out.
        """
        ids = image_ids if image_ids is not None else [0] * len(images)
        return list(self.stream(zip(ids, images, strict=True)))

    def stream(
        self, images: Iterable[tuple[int, Image | Path]], *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Detections]:
        """Like :meth:`detect` for any number of ``(image id, image)``, a few batches in memory; in the same order.

        Raises:
            UserError: at the first image that cannot be looked at.
        """
        return in_order(self.results(images, cancelled=cancelled))

    def results(
        self, images: Iterable[tuple[int, Image | Path]], *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[ImageResult]:
        """What came of each of ``(image id, image)``, as it comes: images of one shape go together.

        An image that cannot be looked at does not keep the others from it.  Ends early when `cancelled`.
        """
        items = (Item.of(index, image_id, source) for index, (image_id, source) in enumerate(images))
        start = time.perf_counter()
        for results in look_at(self._pipeline, items, config=self.config, cancelled=cancelled):
            if results:
                self._count(len(results), time.perf_counter() - start)
                yield from results
                start = time.perf_counter()

    @property
    def batch_size(self) -> int:
        """Images that go through the network at once; where the configuration has 0, found out when first asked."""
        return self._pipeline.batch_size

    @cached_property
    def _pipeline(self) -> Pipeline:
        size = self.config.batch_size or fitting_batch(self._network, self.device, self.config)
        return Pipeline(self._network, self.device, [c.id for c in self.categories], size)

    def trace(self, image: Image | Path, image_id: int = 0) -> Trace:
        """Like :meth:`detect` on one image as a whole, with every step on the way."""
        return trace_image(
            self._network,
            self.device,
            Item.of(0, image_id, image).pixels(),
            category_ids=[c.id for c in self.categories],
            config=self.config,
            image_id=image_id,
        )

    def _count(self, images: int, seconds: float) -> None:
        if self._warm:
            self._timed_images += images
            self._timed_seconds += seconds
            self.images_per_second = self._timed_images / self._timed_seconds
        self._warm = True


def in_order(results: Iterable[ImageResult]) -> Iterator[Detections]:
    """What was found, in the order in which it was asked for.

    Raises:
        UserError: at the first image that could not be looked at.
    """
    waiting: dict[int, Found] = {}
    turn = 0
    for result in results:
        waiting[result.item.index] = result.found
        while turn in waiting:
            found = waiting.pop(turn)
            if isinstance(found, UserError):
                raise found
            yield found
            turn += 1
