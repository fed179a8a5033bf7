"""The steps of the memory probe, taken in a process of their own (see :mod:`engine.training.memory`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import box_iou

from engine.config import TrainConfig
from engine.model.device import Device, choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset
from engine.training.free_memory import own_peak_mib
from engine.training.looking import open_looker
from engine.training.memory import Measured
from engine.training.optimizer import build_optimizer
from engine.training.recovery import is_out_of_memory
from engine.training.samples import Sample
from engine.training.step import Stepper
from engine.training.worst import WorstBatches

_STEPS = 2  # from the second on, the optimiser's state is there during the forward pass


def take_steps(dataset: FrozenDataset, config: TrainConfig, *, project_folder: Path, free: float | None) -> Measured:
    """Train on the worst batches of `dataset` and say what it took; nothing is kept.

    Args:
        free: main memory that was available before torch came, in MiB.

    Raises:
        UserError: when the device, the weights or an image cannot be had.
    """
    device = choose_device(config.device, amp=config.amp, threads=config.threads)
    if device.kind != "cpu":
        free = _free_on(device)
    batches = WorstBatches(dataset, config).samples()
    shapes = tuple(_shape(batch) for batch in batches)
    try:
        _train(dataset, config, project_folder, device, batches)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return Measured(completed=False, free_mib=free, device=device.title, batches=shapes)
    peak, allocated = _peak(device)
    return Measured(True, peak, allocated, free, device.title, shapes)


def _train(
    dataset: FrozenDataset, config: TrainConfig, folder: Path, device: Device, batches: Sequence[Sequence[Sample]]
) -> None:
    network = device.place(open_looker(config, dataset, project_folder=folder).network)
    average = [p.detach().clone() for p in network.parameters()] if config.average else []
    optimizer = build_optimizer(network, config)
    _free_widest(network, config)
    fill_positives(network, config.rois_per_image)
    stepper = Stepper(network, optimizer, device, config)
    for batch in batches:
        for _ in range(_STEPS):
            stepper.step(batch, 0.0)  # at this rate no weight moves, whatever the losses are
    device.synchronize()
    del average


def fill_positives(network: MaskRCNN, rois_per_image: int) -> None:
    """Let the best quarter of the proposals count as positive, as a trained network has them.

    A young network finds fewer, and the mask branch, which works on positives alone, would take less than later on.
    """
    heads = network.roi_heads
    wanted = int(rois_per_image * heads.fg_bg_sampler.positive_fraction)

    def assign(proposals: list[Tensor], boxes: list[Tensor], labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        pairs = [_best_as_positive(p, b, own, wanted) for p, b, own in zip(proposals, boxes, labels, strict=True)]
        return [matched for matched, _ in pairs], [label for _, label in pairs]

    heads.assign_targets_to_proposals = assign


def _best_as_positive(proposals: Tensor, boxes: Tensor, labels: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """Matched object and label of each proposal; an image without objects has no positives ever."""
    none = torch.zeros(len(proposals), dtype=torch.int64, device=proposals.device)
    if not len(boxes):
        return none, none
    best, matched = box_iou(boxes, proposals).max(dim=0)
    chosen = best.topk(min(wanted, len(best))).indices
    given = none.clone()
    given[chosen] = labels[matched[chosen]]
    return matched, given


def _free_widest(network: MaskRCNN, config: TrainConfig) -> None:
    """Train what the stage with the most parameters trains."""
    layers = {stage.layers for stage in config.plan.stages}
    network.set_trainable(max(layers, key=lambda chosen: sum(p.numel() for p in network.set_trainable(chosen))))


def _shape(batch: Sequence[Sample]) -> tuple[int, int, int, int]:
    """Images, height and width of the padded input, objects."""
    height, width = (max(s.image.shape[axis] for s in batch) for axis in (0, 1))
    objects = sum(len(s.target["boxes"]) for s in batch)
    return len(batch), -(-height // 32) * 32, -(-width // 32) * 32, objects


def _free_on(device: Device) -> float | None:
    """Memory of the GPU that is free now, its driver's own share already taken, in MiB."""
    if device.kind == "cuda":
        return torch.cuda.mem_get_info(device.torch_device)[0] / 2**20
    told: Any = torch.mps.recommended_max_memory()
    return told / 2**20 if told else None


def _peak(device: Device) -> tuple[float | None, float | None]:
    """Peak that has to fit, and what of it held something."""
    if device.kind == "cuda":
        reserved = torch.cuda.max_memory_reserved(device.torch_device) / 2**20
        return reserved, torch.cuda.max_memory_allocated(device.torch_device) / 2**20
    if device.kind == "mps":
        return device.peak_memory_mib(), None
    return own_peak_mib() or None, None
