"""What can be started from by name, told without torch: titles, sizes of the downloads, and whether a copy is here.

:mod:`engine.model.published` knows the same files through torchvision; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.config import BACKBONE_WEIGHTS
from engine.model.downloads import cache_folder


@dataclass(frozen=True, slots=True)
class Offered:
    """Weights of :data:`engine.config.WEIGHTS`.

    Attributes:
        name: how they are asked for.
        title: for a person.
        file: name of the local copy; "" when they are packaged.
        megabytes: size of the download in millions of bytes; 0 when they are packaged.
    """

    name: str
    title: str
    file: str = ""
    megabytes: int = 0

    @property
    def is_detector(self) -> bool:
        """A whole Mask R-CNN, not a classifier of which only the body is used."""
        return self.name not in BACKBONE_WEIGHTS

    @property
    def local_copy(self) -> Path | None:
        """Where the file is once it was downloaded; None when they are packaged."""
        return cache_folder() / self.file if self.file else None

    @property
    def is_here(self) -> bool:
        """Whether a training can start from them without a connection."""
        return self.local_copy is None or self.local_copy.exists()


OFFERED: dict[str, Offered] = {
    o.name: o
    for o in (
        Offered("lite0", "EfficientNet-Lite0 (ImageNet)"),
        Offered("resnet50-imagenet-v1", "ResNet-50 (ImageNet)", "resnet50-0676ba61.pth", 103),
        Offered("resnet50-imagenet-v2", "ResNet-50 (ImageNet, newer recipe)", "resnet50-11ad3fa6.pth", 103),
        Offered("resnet101-imagenet", "ResNet-101 (ImageNet)", "resnet101-63fe2227.pth", 179),
        Offered("coco", "Mask R-CNN, ResNet-50 (COCO)", "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", 178),
        Offered("coco-v2", "Mask R-CNN v2, ResNet-50 (COCO)", "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", 186),
    )
}
