"""The optimiser: which one, over which parameters, at which share of the rate; its state by parameter name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from engine.config import TrainConfig
from engine.model.mask_rcnn import MaskRCNN

_SHARE = "share"  # of the stage's learning rate, kept in each parameter group


def build_optimizer(network: MaskRCNN, config: TrainConfig) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW; the pretrained body learns at `config.body_rate` of the rate.

    Weight decay leaves biases and batch norm alone, as matterport's L2 leaves out gamma and beta.
    """
    groups = [group for group in _groups(network, config) if group["params"]]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=1e-4)
    return torch.optim.SGD(groups, lr=1e-3, momentum=config.momentum)


def _groups(network: MaskRCNN, config: TrainConfig) -> Iterator[dict[str, object]]:
    body = {id(p) for p in network.backbone.body.parameters()}
    for pretrained in (False, True):
        for decays in (True, False):
            yield {
                "params": [p for p in network.parameters() if (id(p) in body) is pretrained and (p.ndim > 1) is decays],
                "weight_decay": config.weight_decay if decays else 0.0,
                _SHARE: config.body_rate if pretrained else 1.0,
            }


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step use `rate`, each group its share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[_SHARE]


def trained(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Every parameter the optimiser holds."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def state_tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Momentum and its kin as ``<kind>/<parameter name>``."""
    return {
        f"{kind}/{name}": value
        for name, parameter in network.named_parameters()
        for kind, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_state(network: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give the optimiser back what :func:`state_tensors` took."""
    parameters = dict(network.named_parameters())
    for key, value in tensors.items():
        kind, _, name = key.partition("/")
        # Counters (no dimension) stay where they are, as torch keeps them on the CPU.
        optimizer.state[parameters[name]][kind] = value.to(parameters[name].device) if value.ndim else value
