"""How torchvision's recipe feeds its network: transforms.v2 on the image and on a full-size mask for every object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler
from torchvision import tv_tensors
from torchvision.ops import masks_to_boxes
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from engine.model.inputs import input_size
from engine.project.dataset import FrozenImage
from engine.training.augment import Augmentation

Fed = tuple[Tensor, dict[str, Tensor]]  # float [3, H, W] in [0, 1]; boxes [N, 4], labels [N], masks uint8 [N, H, W]
Transform = Callable[[Tensor, dict[str, Tensor]], Fed]


class RecipeData(Dataset[Fed]):
    """Images with the targets that torchvision's ``MaskRCNN`` takes; a picture is decoded whenever it is asked for."""

    def __init__(
        self,
        images: Sequence[FrozenImage],
        *,
        labels: Mapping[int, int],
        transform: Transform,
    ) -> None:
        self._images = tuple(images)
        self._labels = labels
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Fed:
        frozen = self._images[index]
        with Image.open(frozen.path) as file:
            image = tv_tensors.Image(functional.pil_to_tensor(file.convert("RGB")))
        return self._transform(image, self._target(frozen))

    def _target(self, frozen: FrozenImage) -> dict[str, Tensor]:
        a = frozen.annotation
        masks = np.empty((len(a.instances), a.height, a.width), dtype=np.uint8)
        for row, instance in zip(masks, a.instances, strict=True):
            if instance.mask is None:
                raise ValueError("the recipe needs masks")
            row[:] = instance.mask.rle.to_array()
        boxes = torch.tensor([i.box_xyxy for i in a.instances], dtype=torch.float32)
        return {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(a.height, a.width)),
            "labels": torch.tensor([self._labels[i.category_id] for i in a.instances], dtype=torch.int64),
            "masks": tv_tensors.Mask(torch.from_numpy(masks)),
        }


class BoxesFromMasks(nn.Module):
    """Drops objects without a pixel; the boxes of the others are those of their masks, which a turn makes smaller."""

    def forward(self, image: Tensor, target: dict[str, Tensor]) -> Fed:
        kept = target["masks"].flatten(1).any(dim=1).bool()  # any() of uint8 stays uint8
        masks = target["masks"][kept]
        boxes = masks_to_boxes(masks)
        boxes[:, 2:] += 1  # it names the last pixel, the network wants the edge behind it
        return image, {"boxes": boxes, "labels": target["labels"][kept], "masks": masks}


def transform_for(height: int, width: int, *, size: int, augmentation: Augmentation) -> Transform:
    """Into an input whose longer side is `size`, changed as far as `augmentation` allows.

    Where that turns or scales there is one ``RandomAffine``, the least work that v2 can do it with.
    """
    light = augmentation.light
    steps: list[nn.Module] = [v2.Resize(input_size(height, width, size))]
    turned = augmentation.rotation > 0 or augmentation.scale != (1.0, 1.0)
    if turned:
        steps.append(v2.RandomAffine(augmentation.rotation, scale=augmentation.scale))
    steps += [
        v2.RandomHorizontalFlip(augmentation.flip),
        v2.ColorJitter(brightness=light, contrast=light, saturation=light),
        v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
    ]
    steps += [v2.ToPureTensor(), BoxesFromMasks()] if turned else [v2.SanitizeBoundingBoxes(), v2.ToPureTensor()]
    made: Transform = v2.Compose(steps)
    return made


def batches_of(data: RecipeData, *, batch_size: int, count: int, seed: int) -> DataLoader[Any]:
    """`count` batches, made ahead by one worker process, as Maskwright's are by one thread."""
    sampler = RandomSampler(data, num_samples=batch_size * count, generator=torch.Generator().manual_seed(seed))
    return DataLoader(
        data,
        batch_sampler=BatchSampler(sampler, batch_size, drop_last=True),
        num_workers=1,
        collate_fn=collate,
    )


def collate(items: Sequence[Fed]) -> tuple[tuple[Tensor, ...], tuple[dict[str, Tensor], ...]]:
    """Images beside targets (torchvision's references: ``utils.collate_fn``)."""
    images, targets = zip(*items, strict=True)
    return images, targets
