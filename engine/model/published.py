"""Weights that torchvision publishes: where they are, what they need, and the local copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchvision.models import ResNet50_Weights, ResNet101_Weights
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights, MaskRCNN_ResNet50_FPN_Weights

from engine.model.backbones import BackboneName
from engine.model.downloads import Progress, cache_folder, download

_PLACEHOLDER = "N/A"  # COCO's ids have gaps, and torchvision's list of names has this in them
_NAME_WITH_HASH = re.compile(r"-([0-9a-f]{8,})\.pth$")


@dataclass(frozen=True)
class Published:
    """One published file.

    Attributes:
        name: how a person asks for it.
        weights: torchvision's own description (URL, class names).
        backbone: the body.
        bn_eps: batch-norm eps it was trained with.
        is_detector: a whole Mask R-CNN, not a classifier of which only the body is used.
    """

    name: str
    weights: Any
    backbone: BackboneName = "resnet50"
    bn_eps: float = 1e-5
    is_detector: bool = False

    @property
    def url(self) -> str:
        return str(self.weights.url)

    @property
    def sha256(self) -> str:
        """First digits of the file's SHA-256, which torchvision puts into its name."""
        found = _NAME_WITH_HASH.search(self.url)
        if found is None:
            raise ValueError(f"no checksum in {self.url}")
        return found[1]

    @property
    def class_names(self) -> tuple[str | None, ...]:
        """Names by label, label 1 first; None where the list has a gap."""
        return tuple(None if n == _PLACEHOLDER else n for n in self.weights.meta["categories"][1:])


# eps 0.0: maskrcnn_resnet50_fpn() of torchvision overwrites it for these weights and no others.
PUBLISHED: dict[str, Published] = {
    p.name: p
    for p in (
        Published("resnet50-imagenet-v1", ResNet50_Weights.IMAGENET1K_V1),
        Published("resnet50-imagenet-v2", ResNet50_Weights.IMAGENET1K_V2),
        # V1, as torchvision's detection recipes start from it.
        Published("resnet101-imagenet", ResNet101_Weights.IMAGENET1K_V1, backbone="resnet101"),
        Published("coco", MaskRCNN_ResNet50_FPN_Weights.COCO_V1, bn_eps=0.0, is_detector=True),
        Published("coco-v2", MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1, is_detector=True),
    )
}


def local_copy(name: str) -> Path:
    """Where the file of :data:`PUBLISHED` `name` is, once it was downloaded."""
    return cache_folder() / PUBLISHED[name].url.rpartition("/")[2]


def fetch(name: str, progress: Progress | None = None) -> Path:
    """The local copy, downloaded now if it is not there.

    Raises:
        DownloadError: as :func:`engine.model.downloads.download`.
    """
    published = PUBLISHED[name]
    return download(published.url, local_copy(name), sha256=published.sha256, title=name, progress=progress)
