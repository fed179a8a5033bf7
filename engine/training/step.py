"""One optimiser step, on one process or many, on a whole batch or in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from engine.config import TrainConfig
from engine.errors import UserError
from engine.model.device import Device
from engine.model.inputs import batch_of
from engine.model.losses import FACTS, LOSSES, LossParts, packed, unpacked
from engine.model.mask_rcnn import MaskRCNN
from engine.model.roi_heads import MaskCrop, Target
from engine.training.optimizer import set_rate, trained
from engine.training.ranks import Ranks
from engine.training.samples import Sample


class NonFiniteLossError(UserError):
    """The loss (or its gradient) is no longer a number: a step with it would destroy the weights."""

    def __init__(self, losses: dict[str, float]) -> None:
        super().__init__(
            "The loss is no longer a number.", hint="Lower the learning rate; the checkpoint before it is kept."
        )
        self.losses = losses


@dataclass(frozen=True)
class StepResult:
    """What a step tells.

    Attributes:
        losses: means over the whole batch, before the step.
        facts: live shares by name (see :data:`engine.model.losses.FACTS`), only where something was counted.
        gradient_norm: before clipping.
    """

    losses: dict[str, float]
    facts: dict[str, float] = field(default_factory=dict)
    gradient_norm: float = 0.0


class Stepper:
    """Takes optimiser steps.

    Attributes:
        part_size: images that go through the network at once; halved when memory is short.
    """

    def __init__(
        self,
        network: MaskRCNN,
        optimizer: torch.optim.Optimizer,
        device: Device,
        config: TrainConfig,
        ranks: Ranks | None = None,
    ) -> None:
        self._network = network
        self._optimizer = optimizer
        self._device = device
        self._config = config
        self._ranks = ranks or Ranks()
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.autocast_dtype is torch.float16)
        self.part_size = config.batch_size

    def step(self, samples: Sequence[Sample], rate: float) -> StepResult:
        """Learn from `samples`, this rank's part of the batch (possibly empty).

        Raises:
            NonFiniteLossError: before the weights are touched.
        """
        set_rate(self._optimizer, rate)
        self._optimizer.zero_grad(set_to_none=True)
        pieces = [samples[i : i + self.part_size] for i in range(0, len(samples), self.part_size)]
        counts = self._counted(pieces) if len(pieces) > 1 else None
        done = [self._backward(piece, counts) for piece in pieces] or [self._nothing(counts)]
        losses, facts = self._summed(done)
        if not all(map(torch.isfinite, map(torch.tensor, losses.values()))):
            raise NonFiniteLossError(losses)
        return StepResult(losses, facts, self._update(losses))

    def forget(self) -> None:
        """Drop the gradients of a step that failed."""
        self._optimizer.zero_grad(set_to_none=True)

    def _update(self, losses: dict[str, float]) -> float:
        parameters = trained(self._optimizer)
        self._ranks.add_gradients(parameters)
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(parameters, self._config.clip_norm))
        if not self._scaler.is_enabled() and not torch.isfinite(torch.tensor(norm)):
            raise NonFiniteLossError(losses)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return norm

    # --- forward and backward -----------------------------------------------------------------------------------

    def _forward(self, samples: Sequence[Sample]) -> LossParts:
        images, sizes = batch_of([s.image for s in samples], self._device, self._network.architecture)
        targets = [to_device(s.target, self._device) for s in samples]
        with self._device.autocast():
            return self._network.loss_parts(images, sizes, targets, [s.key for s in samples])

    def _counted(self, pieces: Sequence[Sequence[Sample]]) -> Tensor:
        """What the losses of the whole batch are divided by, found without keeping anything for a backward pass.

        The draws are keyed by image, so the passes that learn see the same anchors and ROIs.
        """
        with torch.no_grad():
            counts = packed([self._forward(piece) for piece in pieces], self._device.torch_device)
        return self._ranks.add(counts)

    def _backward(self, samples: Sequence[Sample], counts: Tensor | None) -> tuple[dict[str, Tensor], LossParts]:
        """Gradients of this piece's share of the batch's losses."""
        parts = self._forward(samples)
        if counts is None:
            counts = self._ranks.add(packed([parts], self._device.torch_device))
        losses = parts.means(unpacked(counts))
        total = torch.stack(list(losses.values())).sum()
        if total.requires_grad:
            torch.autograd.backward(self._scaler.scale(total))
        return {name: loss.detach() for name, loss in losses.items()}, parts

    def _nothing(self, counts: Tensor | None) -> tuple[dict[str, Tensor], LossParts]:
        """A rank without samples still takes part in adding up."""
        if counts is None:
            self._ranks.add(packed([], self._device.torch_device))
        return {}, LossParts()

    def _summed(self, done: Sequence[tuple[dict[str, Tensor], LossParts]]) -> tuple[dict[str, float], dict[str, float]]:
        """Losses and shares over all pieces and ranks, in one exchange."""
        names = [n for n in LOSSES if self._network.architecture.masks or n != "loss_mask"]
        kinds = _fact_names(masks=self._network.architecture.masks)
        values = torch.zeros(len(names) + 2 * len(kinds), dtype=torch.float32, device=self._device.torch_device)
        for losses, parts in done:
            for index, name in enumerate(names):
                if name in losses:
                    values[index] += losses[name]
            for index, kind in enumerate(kinds):
                if kind in parts.facts:
                    hits, out_of = parts.facts[kind]
                    values[len(names) + 2 * index] += hits
                    values[len(names) + 2 * index + 1] += out_of
        told = self._ranks.add(values).tolist()
        pairs = zip(told[len(names) :: 2], told[len(names) + 1 :: 2], strict=True)
        facts = {kind: hits / out_of for kind, (hits, out_of) in zip(kinds, pairs, strict=True) if out_of}
        return dict(zip(names, told[: len(names)], strict=True)), facts


def _fact_names(*, masks: bool) -> list[str]:
    return [name for name in FACTS if masks or name != "mask_accuracy"]


def to_device(target: Target, device: Device) -> Target:
    """`target` with its tensors where the network is."""

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(device.torch_device, non_blocking=True)

    return Target(
        boxes=moved(target["boxes"]),
        labels=moved(target["labels"]),
        masks=[MaskCrop(moved(m.pixels), m.x0, m.y0) for m in target["masks"]],
    )
