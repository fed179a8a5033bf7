"""What a run leaves on disk: weights to detect with after every epoch, and one full state to go on from."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.config import TrainConfig
from engine.domain.annotation import Category
from engine.model.mask_rcnn import MaskRCNN
from engine.model.weights import model_tensors, read_facts, read_tensors, write_tensors
from engine.project.runs import RunFolder
from engine.training.optimizer import restore_state, state_tensors

_LIVE = "live."
_OPTIMIZER = "optimizer."


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        epoch: completed epochs.
        step: completed optimiser steps of the whole run.
        epoch_step: completed steps of the epoch under way.
        part_size: images that went through the network at once; 0 for a whole batch.
    """

    epoch: int = 0
    step: int = 0
    epoch_step: int = 0
    part_size: int = 0


@dataclass
class TrainState:
    """Everything that training changes.

    `average` is a running mean of the network's weights (None without averaging): what is validated and detected
    with, while `network` is what learns.
    """

    network: MaskRCNN
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor] | None
    progress: Progress = field(default_factory=Progress)

    def weights(self) -> dict[str, Tensor]:
        """The weights to detect with."""
        live: dict[str, Tensor] = self.network.state_dict()
        return live if self.average is None else {**live, **self.average}


def facts_of(state: TrainState, config: TrainConfig, categories: tuple[Category, ...], digest: str) -> dict[str, Any]:
    """The description that goes into a checkpoint."""
    return {
        "version": 1,
        "architecture": state.network.architecture.to_json(),
        "categories": [{"id": c.id, "name": c.name, "color": c.color} for c in categories],
        "progress": vars(state.progress),
        "data_digest": digest,
        "preset": config.preset,
    }


def save_full(run: RunFolder, state: TrainState, facts: dict[str, Any]) -> None:
    """Write ``last``: weights to detect with, the learning weights and the optimiser's state.

    Raises:
        OSError: when it cannot be written; the previous one is whole.
    """
    tensors = model_tensors(state.weights())
    if state.average is not None:
        tensors |= {_LIVE + name: t for name, t in state.network.state_dict().items() if name in state.average}
    tensors |= {_OPTIMIZER + key: t for key, t in state_tensors(state.network, state.optimizer).items()}
    write_tensors(run.checkpoint("last"), tensors, facts)


def save_epoch(run: RunFolder, state: TrainState, facts: dict[str, Any]) -> None:
    """Write the weights to detect with after the epoch just completed.

    Raises:
        OSError: when they cannot be written.
    """
    write_tensors(run.checkpoint(state.progress.epoch), model_tensors(state.weights()), facts)


def mark_best(run: RunFolder, epoch: int) -> None:
    """Make `epoch`'s weights ``best``, without a second copy where the disk knows hard links.

    Raises:
        OSError: when it cannot be written; the previous ``best`` is whole.
    """
    temporary = run.checkpoint("best").with_suffix(".part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(run.checkpoint(epoch), temporary)
    except OSError:
        shutil.copyfile(run.checkpoint(epoch), temporary)
    temporary.replace(run.checkpoint("best"))


def load_full(run: RunFolder, state: TrainState) -> None:
    """Put `state` back to where ``last`` was written.

    Raises:
        RunError: when there is no ``last`` or it cannot be read.
    """
    path = run.checkpoint("last")
    facts = read_facts(path)
    weights = read_tensors(path)
    state.network.load_state_dict({**weights, **read_tensors(path, _LIVE)})
    if state.average is not None:
        device = next(state.network.parameters()).device
        state.average = {name: weights[name].to(device) for name in state.average}
    restore_state(state.network, state.optimizer, read_tensors(path, _OPTIMIZER))
    state.progress = Progress(**facts["progress"])


def thin(run: RunFolder, keep: int) -> None:
    """Keep only the newest `keep` epochs' weights; 0 keeps all."""
    if keep > 0:
        for epoch in run.checkpoint_epochs()[:-keep]:
            run.checkpoint(epoch).unlink(missing_ok=True)
