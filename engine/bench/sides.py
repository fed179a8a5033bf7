"""What both sides of the training bench have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import nn

from engine.model.device import Device


@dataclass(frozen=True)
class StepFacts:
    """What a step was made of.

    Attributes:
        objects: in the whole batch.
        loss: sum of all losses, before the step.
    """

    objects: int
    loss: float


class Training(Protocol):
    """A training that can be asked for its next step."""

    @property
    def device(self) -> Device: ...

    @property
    def network(self) -> nn.Module: ...

    def step(self) -> StepFacts:
        """Fetch a batch and learn from it."""
        ...
