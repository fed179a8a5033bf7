"""Detections that both sides of the inference bench answer with.

An untrained network's masks are nearly empty and its boxes lie anywhere, so pasting them would say little.  Each side
does all the work of its network, with as many detections; then its answer is exchanged for the objects that the picture
does have: their boxes, and their masks on the 28 x 28 grid that the mask branch speaks in.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.domain.annotation import Annotation
from engine.model.roi_heads import RawDetections

_GRID = 28


@dataclass(frozen=True)
class Planted:
    """N objects of an image of ``height x width``.

    Attributes:
        boxes: float32 [N, 4] xyxy, pixels of the image.
        masks: float32 [N, 1, 28, 28] in [0, 1].
        labels: int64 [N], from 1.
    """

    height: int
    width: int
    boxes: Tensor
    masks: Tensor
    labels: Tensor

    @classmethod
    def of(cls, annotation: Annotation, device: torch.device) -> Planted:
        """The objects of `annotation`, all of which have masks."""
        boxes = np.array([i.box_xyxy for i in annotation.instances], dtype=np.float32).reshape(-1, 4)
        grids = np.zeros((len(boxes), 1, _GRID, _GRID), dtype=np.float32)
        for grid, instance in zip(grids[:, 0], annotation.instances, strict=True):
            assert instance.mask is not None
            crop = instance.mask.decode_crop(instance.mask.box).astype(np.float32)
            grid[:] = cv2.resize(crop, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        labels = torch.tensor([i.category_id for i in annotation.instances], dtype=torch.int64, device=device)
        return cls(
            annotation.height, annotation.width, torch.from_numpy(boxes).to(device), torch.from_numpy(grids).to(device),
            labels,
        )  # fmt: skip

    def answer(self, size: tuple[int, int]) -> RawDetections:
        """What a network says of it that was fed `size` (height, width): in input pixels, scores falling."""
        ratio = self.boxes.new_tensor([size[1] / self.width, size[0] / self.height] * 2)
        count, device = len(self.labels), self.boxes.device
        return RawDetections(
            boxes=self.boxes * ratio,
            scores=torch.linspace(0.99, 0.5, count, device=device),
            labels=self.labels,
            rois=torch.arange(count, device=device),
            masks=self.masks,
        )
