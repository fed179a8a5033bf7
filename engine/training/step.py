"""One optimiser step, on one process or many, on a whole batch or in parts that fit into memory."""

from __future__ import annotations

import math
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
from engine.training.crew import Crew
from engine.training.optimizer import set_rate, trained
from engine.training.ranks import Ranks
from engine.training.samples import Sample

# Losses and live facts of one piece, without its graph.
Told = tuple[dict[str, Tensor], dict[str, tuple[Tensor, Tensor]]]


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
        side_by_side = min(torch.get_num_threads(), config.batch_size) if device.kind == "cpu" else 1
        self._crew = Crew(network, side_by_side)
        self._scaler = torch.amp.GradScaler(device.kind, enabled=device.autocast_dtype is torch.float16)
        self.part_size = config.batch_size

    def step(self, samples: Sequence[Sample], rate: float) -> StepResult:
        """Learn from `samples`, this rank's part of the batch (possibly empty).

        Raises:
            NonFiniteLossError: before the weights are touched.
        """
        set_rate(self._optimizer, rate)
        self.forget()
        if len(samples) > self.part_size:
            done = self._one_after_the_other(_cut(samples, self.part_size))
        else:
            done = self._side_by_side(_cut(samples, -(-len(samples) // self._crew.size) or 1))
        losses, facts = self._summed(done)
        if not all(map(math.isfinite, losses.values())):
            raise NonFiniteLossError(losses)
        return StepResult(losses, facts, self._update(losses))

    def train(self) -> None:
        """Put the network into training mode."""
        self._crew.train()

    def forget(self) -> None:
        """Drop the gradients of the last step."""
        self._optimizer.zero_grad(set_to_none=True)

    def _update(self, losses: dict[str, float]) -> float:
        parameters = trained(self._optimizer)
        self._ranks.add_gradients(parameters)
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(parameters, self._config.clip_norm))
        if not self._scaler.is_enabled() and not math.isfinite(norm):
            raise NonFiniteLossError(losses)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return norm

    # --- forward and backward -----------------------------------------------------------------------------------

    def _forward(self, network: MaskRCNN, samples: Sequence[Sample]) -> LossParts:
        images, sizes = batch_of([s.image for s in samples], self._device, network.architecture)
        targets = [to_device(s.target, self._device) for s in samples]
        with self._device.autocast():
            return network.loss_parts(images, sizes, targets, [s.key for s in samples])

    def _side_by_side(self, pieces: Sequence[Sequence[Sample]]) -> list[Told]:
        """The whole batch at once, a piece on each core of the CPU; without samples only the exchange of counts."""
        parts = self._crew.run(self._forward, pieces)
        counts = self._ranks.add(packed(parts, self._device.torch_device))
        losses = [part.means(unpacked(counts)) for part in parts]
        gradients = self._crew.run(self._gradients, losses)
        # Added in order, not as they come: the sum is the same every time.
        for parameter, *pieces_of_it in zip(self._learning(), *gradients, strict=True):
            there = [g for g in pieces_of_it if g is not None]
            if there:
                parameter.grad = sum(there[1:], start=there[0])
        return [_told(own, part) for own, part in zip(losses, parts, strict=True)]

    def _gradients(self, _network: MaskRCNN, losses: dict[str, Tensor]) -> tuple[Tensor | None, ...]:
        total = self._scaler.scale(torch.stack(list(losses.values())).sum())
        return torch.autograd.grad(total, self._learning(), allow_unused=True)

    def _learning(self) -> list[nn.Parameter]:
        return [p for p in trained(self._optimizer) if p.requires_grad]

    def _one_after_the_other(self, pieces: Sequence[Sequence[Sample]]) -> list[Told]:
        """The batch in parts, for want of memory: first what its losses are divided by, then the gradients.

        The draws are keyed by image, so the passes that learn see the same anchors and ROIs.
        """
        with torch.no_grad():
            counted = packed([self._forward(self._network, p) for p in pieces], self._device.torch_device)
        counts = unpacked(self._ranks.add(counted))
        done = []
        for piece in pieces:
            part = self._forward(self._network, piece)
            losses = part.means(counts)
            torch.autograd.backward(self._scaler.scale(torch.stack(list(losses.values())).sum()))
            done.append(_told(losses, part))
        return done

    def _summed(self, done: Sequence[Told]) -> tuple[dict[str, float], dict[str, float]]:
        """Losses and shares over all pieces and ranks, in one exchange."""
        names = [n for n in LOSSES if self._network.architecture.masks or n != "loss_mask"]
        kinds = _fact_names(masks=self._network.architecture.masks)
        values = torch.zeros(len(names) + 2 * len(kinds), dtype=torch.float32, device=self._device.torch_device)
        for losses, told_facts in done:
            for index, name in enumerate(names):
                if name in losses:
                    values[index] += losses[name]
            for index, kind in enumerate(kinds):
                if kind in told_facts:
                    hits, out_of = told_facts[kind]
                    values[len(names) + 2 * index] += hits
                    values[len(names) + 2 * index + 1] += out_of
        told = self._ranks.add(values).tolist()
        pairs = zip(told[len(names) :: 2], told[len(names) + 1 :: 2], strict=True)
        facts = {kind: hits / out_of for kind, (hits, out_of) in zip(kinds, pairs, strict=True) if out_of}
        return dict(zip(names, told[: len(names)], strict=True)), facts


def _told(losses: dict[str, Tensor], part: LossParts) -> Told:
    return {name: loss.detach() for name, loss in losses.items()}, part.facts


def _cut(samples: Sequence[Sample], size: int) -> list[Sequence[Sample]]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


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
