"""Other people's weights: the state of a torchvision Mask R-CNN in a ``.pth`` file.

Such a file is a pickle.  It is read with torch's loader that builds nothing but tensors and plain containers, so a file
that would run code is refused.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import FormatError
from engine.model.architecture import Architecture
from engine.model.backbones import BackboneName
from engine.model.loading import COUNTER
from engine.model.mask_rcnn import MaskRCNN

SUFFIXES = (".pth", ".pt")
_WRAPPERS = ("model", "state_dict", "model_state_dict")  # torchvision's references, Lightning, many tutorials
_BACKBONES: dict[int, BackboneName] = {6: "resnet50", 23: "resnet101"}  # by the number of blocks of stride 16
# Before 0.13 torchvision had no inner module in these places.
_OLD_NAMES = (
    (re.compile(r"^(rpn\.head\.conv)\.(weight|bias)$"), r"\1.0.0.\2"),
    (re.compile(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$"), r"\1.0.\2"),
)
_OLD_MASK_HEAD = re.compile(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$")


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors of a ``.pth`` file by torchvision's present names.

    Raises:
        FormatError: when the file is missing or damaged, holds more than tensors, or holds no tensors by name.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # torch remarks on pickles that it then refuses
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FormatError("This weights file does not exist.", path=path) from error
    except pickle.UnpicklingError as error:
        raise FormatError(
            "This weights file is refused: it is damaged, or holds more than plain tensors and could run code.",
            path=path,
            hint="Save it again with torch.save(model.state_dict(), …).",
        ) from error
    except Exception as error:  # torch raises whatever its readers raise
        raise FormatError("This weights file cannot be read.", path=path) from error
    state = _unwrapped(loaded)
    if not state or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise FormatError("This file holds no network's weights by name.", path=path)
    return {present_name(name.removeprefix("module.")): tensor for name, tensor in state.items()}


def present_name(name: str) -> str:
    """torchvision's name of today for a tensor, as its own loader translates older ones."""
    for pattern, replacement in _OLD_NAMES:
        name = pattern.sub(replacement, name)
    return _OLD_MASK_HEAD.sub(lambda m: f"roi_heads.mask_head.{int(m[1]) - 1}.0.{m[2]}", name)


def architecture_of(state: Mapping[str, Tensor], path: Path, *, bn_eps: float) -> Architecture:
    """What network `state` belongs to, read off its names and shapes.

    Raises:
        FormatError: when it is none that can be built here.
    """
    try:
        rows, head_channels = state["roi_heads.box_predictor.cls_score.weight"].shape
        if rows < 2:
            raise ValueError("no class beside the background")
        blocks = {int(m[1]) for name in state if (m := re.match(r"backbone\.body\.layer3\.(\d+)\.conv3", name))}
        return Architecture.torchvision(
            classes=rows - 1,
            backbone=_BACKBONES[len(blocks)],
            masks=any(name.startswith("roi_heads.mask_predictor.") for name in state),
            heads="v2" if "roi_heads.box_head.0.0.weight" in state else "v1",
            bn_eps=bn_eps,
            fpn_channels=state["backbone.fpn.layer_blocks.0.0.weight"].shape[0],
            head_channels=head_channels,
        )
    except (KeyError, ValueError) as error:
        raise FormatError(
            "This is not a Mask R-CNN of torchvision on ResNet-50 or ResNet-101.",
            path=path,
            hint="Only maskrcnn_resnet50_fpn and its kin can be opened.",
        ) from error


def build_whole(architecture: Architecture, state: Mapping[str, Tensor], path: Path) -> MaskRCNN:
    """The network with every tensor from `state`, in evaluation mode.

    Raises:
        FormatError: naming the first tensor that is missing, too many or of another shape.
    """
    network = MaskRCNN(architecture, pretrained=False)
    own = {name: tensor.shape for name, tensor in network.state_dict().items() if not name.endswith(COUNTER)}
    given = {name: tensor.shape for name, tensor in state.items() if not name.endswith(COUNTER)}
    odd = next((name for name in (*own, *given) if own.get(name) != given.get(name)), None)
    if odd is not None:
        raise FormatError(f"These weights do not fit torchvision's Mask R-CNN, first at “{odd}”.", path=path)
    network.load_state_dict(dict(state), strict=False)
    return network.eval()


def _unwrapped(loaded: object) -> dict[str, Tensor]:
    if not isinstance(loaded, dict):
        return {}
    inner = next((loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), dict)), loaded)
    return dict(inner)
