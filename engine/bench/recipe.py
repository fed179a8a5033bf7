"""torchvision's side of the training bench: the network, loader and loop of its detection references.

Source: ``references/detection`` in torchvision (train.py and engine.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from engine.bench.maskwright import AUGMENTATION
from engine.bench.recipe_data import RecipeData, batches_of, transform_for
from engine.bench.settings import BATCH, CLASSES, RATE, BenchSettings
from engine.bench.sides import StepFacts
from engine.model.device import Device, choose_device
from engine.project.dataset import FrozenDataset

_MOMENTUM, _WEIGHT_DECAY = 0.9, 1e-4  # train.py's defaults


def recipe_network(settings: BenchSettings) -> nn.Module:
    """``maskrcnn_resnet50_fpn`` as that function builds it when it starts from weights.

    With ``weights=None, weights_backbone=None`` it would leave batch norm learning its statistics and thaw all layers,
    which nobody trains with and which is slower; here batch norm is frozen and three stages learn.
    """
    network: nn.Module = MaskRCNN(
        resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=3),
        num_classes=CLASSES + 1,
        box_batch_size_per_image=settings.rois,
        # The transforms have resized already, as train.py says it for its own resizing presets.
        min_size=settings.size,
        max_size=settings.size,
        _skip_resize=True,
    )
    return network


class RecipeTraining:
    """A training as torchvision's references have it.

    Attributes:
        device: where it trains, in which number format.
        network: what it trains.
    """

    def __init__(self, settings: BenchSettings, data: FrozenDataset, start: Mapping[str, Tensor], *, amp: bool) -> None:
        plain = choose_device(settings.device, amp="off", threads=settings.threads)
        # float16 is what their --amp means.
        self.device = Device(plain.torch_device, torch.float16 if amp else None, plain.title)
        torch.manual_seed(settings.seed)
        network = recipe_network(settings)
        network.load_state_dict(dict(start))
        self.network = network.to(self.device.torch_device).train()
        self._optimizer = torch.optim.SGD(
            [p for p in network.parameters() if p.requires_grad],
            lr=RATE,
            momentum=_MOMENTUM,
            weight_decay=_WEIGHT_DECAY,
        )
        self._scaler = torch.amp.GradScaler(self.device.kind) if amp else None
        self._batches = _batches(settings, data)

    def step(self) -> StepFacts:
        """One batch and one optimiser step (engine.py: ``train_one_epoch``)."""
        images, targets = next(self._batches)
        place = self.device.torch_device
        images = [image.to(place) for image in images]
        targets = [{name: value.to(place) for name, value in target.items()} for target in targets]
        with self.device.autocast():
            losses: Tensor = sum(self.network(images, targets).values())
        loss = losses.item()
        if not math.isfinite(loss):
            raise ArithmeticError(f"the recipe's loss is {loss}")
        self._optimizer.zero_grad()
        self._update(losses)
        return StepFacts(objects=sum(len(target["labels"]) for target in targets), loss=loss)

    def _update(self, losses: Tensor) -> None:
        if self._scaler is None:
            torch.autograd.backward(losses)
            self._optimizer.step()
            return
        torch.autograd.backward(self._scaler.scale(losses))
        self._scaler.step(self._optimizer)
        self._scaler.update()


def _batches(settings: BenchSettings, data: FrozenDataset) -> Iterator[Any]:
    first = data.images[0].annotation
    transform = transform_for(first.height, first.width, size=settings.size, augmentation=AUGMENTATION)
    labels = {c.id: label for label, c in enumerate(data.categories, start=1)}
    fed = RecipeData(data.images, labels=labels, transform=transform)
    return iter(batches_of(fed, batch_size=BATCH, count=settings.all_steps, seed=settings.seed))
