"""What the network says about an image: staged values, never mixed into annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import Mask


@dataclass(frozen=True, slots=True)
class Prediction:
    """One predicted object.

    Attributes:
        id: row in the run's predictions database; 0 before it is stored.
        image_id: the store's image id (0 for loose images).
        category_id: the id the category had when the run's data was frozen.
        score: in [0, 1].
        box_xyxy: float pixels of the original image.
        mask: None from a boxes-only network.
        roi: index of the proposal it came from, -1 when unknown; torchvision may emit several classes per ROI.
    """

    id: int
    image_id: int
    category_id: int
    score: float
    box_xyxy: BoxXYXY
    mask: Mask | None = None
    roi: int = -1

    @property
    def area(self) -> float:
        """Pixels of the mask; without one, those of the box."""
        if self.mask is not None:
            return self.mask.area
        x0, y0, x1, y1 = self.box_xyxy
        return max(0.0, x1 - x0) * max(0.0, y1 - y0)


@dataclass(frozen=True, slots=True)
class Detections:
    """All predictions of one image, highest score first.

    Attributes:
        image_id: the store's image id (0 for loose images).
        height, width: pixels of the original image.
    """

    image_id: int
    height: int
    width: int
    predictions: tuple[Prediction, ...]

    def __len__(self) -> int:
        return len(self.predictions)

    def boxes(self, order: Literal["xyxy", "xywh", "yxyx"] = "xyxy") -> npt.NDArray[np.float32]:
        """Boxes, N x 4 float32, in the order asked for."""
        xyxy = np.array([p.box_xyxy for p in self.predictions], dtype=np.float32).reshape(-1, 4)
        if order == "xywh":
            return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
        return xyxy[:, [1, 0, 3, 2]] if order == "yxyx" else xyxy

    def to_matterport(self, class_ids: Mapping[int, int] | None = None) -> dict[str, npt.NDArray[Any]]:
        """The dict of matterport's ``detect()``.

        Args:
            class_ids: network label per category id (background is 0); category ids are used when it is left out.

        Returns:
            ``rois`` int32 [N, 4] (y1, x1, y2, x2), ``class_ids`` int32 [N], ``scores`` float32 [N] descending,
            ``masks`` bool [H, W, N]; with N = 0 the masks are H x W x 0 bool.
        """
        masks = np.zeros((self.height, self.width, len(self)), dtype=bool)
        for index, prediction in enumerate(self.predictions):
            if prediction.mask is not None:
                masks[:, :, index] = prediction.mask.to_array()
        labels = [class_ids[p.category_id] if class_ids else p.category_id for p in self.predictions]
        return {
            "rois": np.rint(self.boxes("yxyx")).astype(np.int32),
            "class_ids": np.array(labels, dtype=np.int32),
            "scores": np.array([p.score for p in self.predictions], dtype=np.float32),
            "masks": masks,
        }
