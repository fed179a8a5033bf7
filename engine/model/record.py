"""What one detection computes on the way, kept as it is computed: nothing is run a second time to be shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class FirstStage:
    """What the region proposal network made of one image, in input pixels.

    Attributes:
        counts: anchors of each pyramid level, in the order of `boxes`.
        objectness: float [A], logits.
        boxes: float [A, 4] xyxy, the anchors after regression, not cut to the image yet.
        ranked: int64, anchors that are among the best of their level.
        usable: int64, those of them with a box inside the image, in the order they were compared.
        kept: int64, those that no better one of their level suppressed, highest score first.
        limit: how many of these are proposals.
    """

    counts: list[int]
    objectness: Tensor
    boxes: Tensor
    ranked: Tensor
    usable: Tensor
    kept: Tensor
    limit: int


@dataclass(frozen=True, slots=True)
class SecondStage:
    """What the box head made of one image's P proposals, in input pixels.

    Attributes:
        boxes: float [P, C + 1, 4] xyxy, after regression, of every class, cut to the image.
        scores: float [P, C + 1], probabilities; label 0 is the background.
        rois, labels: int64 [K], pairs whose score is above the threshold.
        usable: int64, those of the K with a box inside the image.
        groups: int64 [K]; boxes of one group suppress each other.
        kept: int64, those of the K that no better one suppressed, highest score first.
        limit: how many of these are detections.
    """

    boxes: Tensor
    scores: Tensor
    rois: Tensor
    labels: Tensor
    usable: Tensor
    groups: Tensor
    kept: Tensor
    limit: int


@dataclass
class Record:
    """Filled by :meth:`MaskRCNN.detect` on its way through one image; tensors are the forward's own.

    Attributes:
        device: whose work is waited for before a time is taken.
        seconds: of each step, in order.
        input_size: (height, width) of the input inside its padding.
        padded_size: with the padding.
        features: (channels, height, width) of each pyramid level by its name.
        anchors: float [A, 4] xyxy, input pixels.
        proposals: float [P, 4] xyxy, input pixels.
        levels: int64 [P], the pyramid level that each proposal is pooled from.
        logits: float [P, C + 1], of the box head.
        masks: float [D, 1, M, M], probabilities of the detections' masks; None in a boxes-only network.
    """

    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    input_size: tuple[int, int] = (0, 0)
    padded_size: tuple[int, int] = (0, 0)
    features: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    anchors: Tensor | None = None
    first: FirstStage | None = None
    proposals: Tensor | None = None
    levels: Tensor | None = None
    logits: Tensor | None = None
    second: SecondStage | None = None
    masks: Tensor | None = None
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Count the time since the last lap for `step`."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now

    def keep_sizes(self, images: Tensor, image_sizes: list[tuple[int, int]], features: Mapping[str, Tensor]) -> None:
        """Note the sizes of the input and of the pyramid's levels.

        Raises:
            ValueError: when the batch is not one image.
        """
        (self.input_size,) = image_sizes
        self.padded_size = (images.shape[2], images.shape[3])
        self.features = {name: (f.shape[1], f.shape[2], f.shape[3]) for name, f in features.items()}


def lap(record: Record | None, step: str) -> None:
    """Count the time since the last lap for `step`, if somebody records."""
    if record is not None:
        record.lap(step)
