"""The one set of starting tensors that every side of a bench loads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.bench.settings import CLASSES, BenchSettings
from engine.model.architecture import Architecture
from engine.model.loading import COUNTER
from engine.model.mask_rcnn import MaskRCNN
from engine.model.weights import MODEL, model_tensors, read_tensors, write_tensors

# Random blocks of a ResNet with frozen statistics each add their whole variance; trained ones do not.
_RESIDUAL = 0.2
_LAST_NORM = ".bn3.weight"


def architecture(settings: BenchSettings) -> Architecture:
    """torchvision's ``maskrcnn_resnet50_fpn``, fed with images whose longer side is the bench's."""
    whole = Architecture.torchvision(classes=CLASSES)
    return replace(whole, rois_per_image=settings.rois, image_size=settings.size, short_side=None)


def write_start(folder: Path, settings: BenchSettings) -> None:
    """Draw the starting tensors and leave them for the worker processes."""
    draw_start(folder, architecture(settings), seed=settings.seed)


def draw_start(folder: Path, whole: Architecture, *, seed: int) -> None:
    """The same for a network of any architecture."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MaskRCNN(whole, pretrained=False)
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith(_LAST_NORM):
            tensor.fill_(_RESIDUAL)
    write_tensors(_file(folder), model_tensors(state), {})


def read_start(folder: Path) -> dict[str, Tensor]:
    """What :func:`write_start` wrote, by torchvision's names."""
    return read_tensors(_file(folder), MODEL)


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of a network's tensors, in the order of their names: equal weights, equal digest."""
    found = hashlib.sha256()
    for name in sorted(n for n in state if not n.endswith(COUNTER)):
        found.update(name.encode())
        found.update(state[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _file(folder: Path) -> Path:
    return folder / "start.safetensors"
