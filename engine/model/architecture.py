"""What a network is made of and what it is fed, as a value that goes into every checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.model.backbones import LITE0_FEATURE_STD, BackboneName

Triple = tuple[float, float, float]
HeadStyle = Literal["v1", "v2"]


@dataclass(frozen=True)
class Architecture:
    """What the network is made of; stored in every checkpoint, so that it can be built again.

    The defaults are the project's own network; :meth:`torchvision` gives that of ``maskrcnn_resnet50_fpn``.

    Attributes:
        classes: number of classes without background.
        masks: with the mask branch.
        anchor_sizes: side of the square anchor in input pixels, one per pyramid level (strides 4 to 64).
        feature_std: what the body's features are divided by before the pyramid, one per stride 4 to 32; empty for 1.
        fpn_channels, head_channels: width of the pyramid and of the box head.
        rois_per_image: proposals sampled for the second stage while training (1:3 positive to negative).
        image_size: upper limit of the input's longer side in pixels, when detecting; a training has its own.
        short_side: None stretches the longer side to `image_size`, averaging over areas where it shrinks; a number
            stretches the shorter side to it as far as `image_size` allows, interpolated as torchvision does.
        backbone: the body.
        heads: ``v1`` as in the paper; ``v2`` with batch norm, a second RPN convolution and a convolutional box head
            (torchvision's ``maskrcnn_resnet50_fpn_v2``).
        bn_eps: what batch norm adds to a variance; the state of a network cannot tell it.
        mean, std: what pixels in [0, 1] are normalised with, by channel.
        pre_nms, post_nms: proposals kept before (a level) and after suppression, (training, detection).
    """

    classes: int
    masks: bool = True
    anchor_sizes: tuple[int, ...] = (32, 64, 128, 256, 512)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    feature_std: tuple[float, ...] = LITE0_FEATURE_STD
    fpn_channels: int = 128
    head_channels: int = 512
    rois_per_image: int = 128
    image_size: int = 512
    short_side: int | None = None
    backbone: BackboneName = "lite0"
    heads: HeadStyle = "v1"
    bn_eps: float = 1e-3
    # timm's default_cfg of tf_efficientnet_lite0, which the packaged weights are for
    mean: Triple = (0.5, 0.5, 0.5)
    std: Triple = (0.5, 0.5, 0.5)
    pre_nms: tuple[int, int] = (1000, 1000)
    post_nms: tuple[int, int] = (1000, 500)

    @classmethod
    def torchvision(
        cls,
        *,
        classes: int,
        backbone: BackboneName = "resnet50",
        masks: bool = True,
        heads: HeadStyle = "v1",
        bn_eps: float = 1e-5,
        fpn_channels: int = 256,
        head_channels: int = 1024,
    ) -> Architecture:
        """torchvision's ``maskrcnn_resnet50_fpn``, its ``_v2``, or the same on another ResNet; all its defaults."""
        return cls(
            classes=classes,
            masks=masks,
            feature_std=(),
            fpn_channels=fpn_channels,
            head_channels=head_channels,
            rois_per_image=512,
            image_size=1333,
            short_side=800,
            backbone=backbone,
            heads=heads,
            bn_eps=bn_eps,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            pre_nms=(2000, 1000),
            post_nms=(2000, 1000),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Architecture:
        """The architecture of a checkpoint; the first ones did not divide their features."""
        whole = {"feature_std": [], **data}
        lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in whole.items()}
        return cls(**lists)
