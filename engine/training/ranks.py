"""Processes that train one network together (torchrun); a single process is the case of one rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from engine.model.device import Device
from engine.training.world import own_rank, world_size

# The others wait while the first rank validates and saves.
_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Ranks:
    """The processes of one training.

    Attributes:
        rank: number of this one; 0 writes files and events.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def join(cls) -> Ranks:
        """Meet the others, as torchrun's environment says: NCCL between CUDA devices, Gloo for everything else."""
        if world_size() == 1:
            return cls()
        if not dist.is_initialized():
            nccl = torch.cuda.is_available() and dist.is_nccl_available()
            dist.init_process_group("cpu:gloo,cuda:nccl" if nccl else "gloo", timeout=_PATIENCE)
        return cls(own_rank(), world_size())

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def add(self, tensor: Tensor) -> Tensor:
        """`tensor` summed over all ranks, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def any(self, value: bool, device: Device) -> bool:
        """Whether it is true on some rank: the same answer everywhere."""
        if self.count == 1:
            return value
        return bool(self.add(torch.tensor(float(value), device=device.torch_device)).item())

    def first_says(self, value: Any) -> Any:
        """What the first rank has, on all of them."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients over all ranks; a rank whose part of a loss is empty gives zeros."""
        if self.count == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        flat = self.add(torch.cat([g.flatten() for g in gradients]))
        pieces = torch.split(flat, [p.numel() for p in trained])
        for parameter, piece in zip(trained, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)


def leave() -> None:
    """Part from the other ranks at the end of the process."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
