"""The network that an attempt begins with: from the run's weights, or as its last checkpoint has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from engine.config import TrainConfig
from engine.events import Note
from engine.model.architecture import Architecture
from engine.model.mask_rcnn import MaskRCNN
from engine.model.sources import open_weights, start_network
from engine.model.weights import read_facts
from engine.project.dataset import FrozenDataset
from engine.project.runs import RunFolder

_TOLD_EVERY = 0.1  # share of a download


def first_network(
    run: RunFolder, config: TrainConfig, dataset: FrozenDataset, tell: Callable[[Note], None], *, resume: bool
) -> tuple[MaskRCNN, str]:
    """The network and, in sentences, what it starts from ("" when a checkpoint is about to fill it).

    A resume needs the first weights no more: they may be gone or changed, and ``last`` has everything.

    Raises:
        UserError: when the weights cannot be had, read or used.
    """
    if resume and run.checkpoint("last").exists():
        architecture = Architecture.from_json(read_facts(run.checkpoint("last"))["architecture"])
        return MaskRCNN(architecture, pretrained=False), ""
    return fresh_network(config, dataset, project_folder=run.path.absolute().parents[1], tell=tell)


def fresh_network(
    config: TrainConfig, dataset: FrozenDataset, *, project_folder: Path, tell: Callable[[Note], None]
) -> tuple[MaskRCNN, str]:
    """The network before the first step of a training with `config`, and what it starts from.

    Raises:
        UserError: as :func:`first_network`.
    """
    weights = open_weights(
        config.weights,
        project_folder=project_folder,
        names=tuple(n.strip() for n in config.weights_names.split(",") if n.strip()),
        bn_eps=config.weights_bn_eps,
        progress=DownloadNotes(config.weights, tell),
    )
    if config.anchor_sizes:
        weights = replace(weights, architecture=replace(weights.architecture, anchor_sizes=config.anchor_sizes))
    torch.manual_seed(config.seed)
    network, report = start_network(
        weights,
        categories=dataset.categories,
        masks=not dataset.boxes_only,
        image_size=config.detect_size or config.image_size,
        rois_per_image=config.rois_per_image,
    )
    return network, " ".join(report.lines())


class DownloadNotes:
    """Tells a download's progress in notes, one for every tenth."""

    def __init__(self, title: str, tell: Callable[[Note], None]) -> None:
        self._title = title
        self._tell = tell
        self._next = 0.0

    def __call__(self, have: int, total: int) -> None:
        if total and have >= self._next * total:
            self._next = have / total + _TOLD_EVERY
            text = f"Downloading “{self._title}”: {have / 1e6:.0f} of {total / 1e6:.0f} MB."
            self._tell(Note(text=text))
