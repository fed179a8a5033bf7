"""A network to look with before a training: its anchors, its proposals, the memory it takes.  It learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from engine.config import TrainConfig
from engine.events import Note
from engine.model.architecture import Architecture
from engine.model.device import Device
from engine.model.inputs import batch_of
from engine.model.mask_rcnn import MaskRCNN
from engine.model.published import PUBLISHED, local_copy
from engine.model.roi_heads import Target
from engine.model.torchvision_files import SUFFIXES
from engine.model.weights import load_network, read_facts
from engine.project.dataset import FrozenDataset
from engine.project.runs import CheckpointName, RunFolder, list_runs
from engine.project.weights_choice import weights_path
from engine.training.samples import Sample
from engine.training.start import fresh_network
from engine.training.step import to_device


@dataclass(frozen=True)
class Looker:
    """A network in training mode, and where it comes from.

    Attributes:
        trained: it has learned to propose objects.
        words: where it comes from, for a person.
    """

    network: MaskRCNN
    trained: bool
    words: str


@dataclass(frozen=True)
class Proposed:
    """What the first stage hands to the second for one image, before anything is drawn.

    Attributes:
        boxes: float [P, 4] xyxy in input pixels: proposals and, as torchvision adds them, the objects' own boxes.
        labels: int64 [P], 0 for background.
        matched: int64 [P], index of the object that each is compared with.
    """

    boxes: Tensor
    labels: Tensor
    matched: Tensor


def open_looker(
    config: TrainConfig, dataset: FrozenDataset, *, project_folder: Path, run: RunFolder | None = None
) -> Looker:
    """The network of `run` (its best epoch, else its last), or the one that a training would begin with.

    Nothing is downloaded: where the weights are not on this computer, a network of their kind starts at random.

    Raises:
        UserError: when a checkpoint or the weights cannot be read.
    """
    if run is not None:
        name: CheckpointName = "best" if run.checkpoint("best").exists() else "last"
        network, _, _ = load_network(run.checkpoint(name))
        network = _with_anchors(network, planned_anchor_sizes(config, project_folder))
        looker = Looker(network, True, f"the network of run {run.id} ({name})")
    elif config.weights in PUBLISHED and not local_copy(config.weights).exists():
        words = f"a network at random: the weights “{config.weights}” are not on this computer"
        looker = Looker(MaskRCNN(bare_architecture(config, dataset), pretrained=False), False, words)
    else:
        network, _ = fresh_network(config, dataset, project_folder=project_folder, tell=_say_nothing)
        words = f"a fresh network (weights “{config.weights}”)"
        looker = Looker(network, config.weights.startswith("run:"), words)
    looker.network.roi_heads.fg_bg_sampler.batch_size_per_image = config.rois_per_image
    looker.network.train()
    return looker


def trained_run(project_folder: Path) -> RunFolder | None:
    """The newest run that has weights to look with."""
    runs = list_runs(project_folder)
    return next((r for r in runs if r.checkpoint("best").exists() or r.checkpoint("last").exists()), None)


def planned_anchor_sizes(config: TrainConfig, project_folder: Path) -> tuple[int, ...]:
    """The anchor sizes that a training with `config` would use.

    Raises:
        UserError: when its weights are of a run or file that cannot be read.
    """
    path = None if config.anchor_sizes else weights_path(config.weights, project_folder)
    if path is not None and path.suffix not in SUFFIXES:
        return Architecture.from_json(read_facts(path)["architecture"]).anchor_sizes
    return config.anchor_sizes or Architecture.anchor_sizes


def _with_anchors(network: MaskRCNN, sizes: tuple[int, ...]) -> MaskRCNN:
    """`network` on other anchors; its weights do not depend on them in shape."""
    if network.architecture.anchor_sizes == sizes:
        return network
    other = MaskRCNN(replace(network.architecture, anchor_sizes=sizes), pretrained=False)
    other.load_state_dict(network.state_dict())
    return other


def bare_architecture(config: TrainConfig, dataset: FrozenDataset) -> Architecture:
    """What published weights that are not here would be the weights of."""
    published = PUBLISHED[config.weights]
    heads = Architecture.torchvision(
        classes=len(dataset.categories),
        backbone=published.backbone,
        masks=not dataset.boxes_only,
        heads="v2" if config.weights == "coco-v2" else "v1",
        bn_eps=published.bn_eps,
    )
    sized = replace(heads, image_size=config.image_size, short_side=None, rois_per_image=config.rois_per_image)
    return replace(sized, anchor_sizes=config.anchor_sizes) if config.anchor_sizes else sized


@torch.no_grad()
def propose(network: MaskRCNN, device: Device, samples: Sequence[Sample]) -> list[Proposed]:
    """What the first stage proposes for `samples`, compared with their objects as training compares it."""
    images, sizes = batch_of([s.image for s in samples], device, network.architecture)
    targets: list[Target] = [to_device(s.target, device) for s in samples]
    network.rpn.fg_bg_sampler.keys = [s.key for s in samples]
    with device.autocast():
        proposals, _ = network.rpn(ImageList(images, sizes), network.backbone(images), targets)
    boxes = network.roi_heads.add_gt_proposals(proposals, [t["boxes"] for t in targets])
    matched, labels = network.roi_heads.assign_targets_to_proposals(
        boxes, [t["boxes"] for t in targets], [t["labels"] for t in targets]
    )
    return [Proposed(b, own, m) for b, own, m in zip(boxes, labels, matched, strict=True)]


def _say_nothing(_note: Note) -> None:
    """Nobody listens."""
