"""Weights to start from or to detect with, wherever they are: packaged, published, of a run, or of a file.

Every source is opened into the same value (:class:`OpenedWeights`): tensors by the network's names, the architecture
they were made for, and the classes they know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.domain.annotation import Category, palette_color
from engine.errors import UserError
from engine.model.architecture import Architecture
from engine.model.backbones import packaged_lite0
from engine.model.class_rows import KnownClass, match_classes
from engine.model.downloads import Progress, sha256_of
from engine.model.loading import LoadReport, load_by_name
from engine.model.mask_rcnn import MaskRCNN
from engine.model.published import PUBLISHED, Published, fetch
from engine.model.torchvision_files import SUFFIXES, architecture_of, build_whole, read_state
from engine.model.weights import load_network, read_facts, read_tensors
from engine.project.weights_choice import is_of_project, weights_path

_BODY = "backbone.body."
_IMAGENET_BN_EPS = 1e-5  # torch's default, which everything but torchvision's first COCO weights was trained with


@dataclass(frozen=True)
class OpenedWeights:
    """Weights in memory.

    Attributes:
        title: for a person.
        tensors: by the network's names.
        architecture: of the network they are from (of the one they suit, when they are of a body alone).
        classes: by label, label 1 first; empty when they are of a body alone.
    """

    title: str
    tensors: dict[str, Tensor]
    architecture: Architecture
    classes: tuple[KnownClass, ...] = ()


def open_weights(
    weights: str,
    *,
    project_folder: Path,
    names: Sequence[str] = (),
    bn_eps: float | None = None,
    progress: Progress | None = None,
) -> OpenedWeights:
    """Open a source, downloading it when it has to be.

    Args:
        weights: as :class:`engine.config.TrainConfig` has it.
        project_folder: where ``run:`` looks, and whose checkpoints share category ids.
        names: classes of a ``.pth``, label 1 first; without them none of its classes is known.
        bn_eps: what a ``.pth`` was trained with, 1e-5 when left out; the state cannot tell.
        progress: told while a download goes on.

    Raises:
        UserError: when the source cannot be had, read or used.
    """
    if weights == "lite0":
        body = {_BODY + name: tensor for name, tensor in packaged_lite0().items()}
        return OpenedWeights(weights, body, Architecture(classes=0))
    if weights in PUBLISHED:
        return _open_published(PUBLISHED[weights], fetch(weights, progress))
    path = weights_path(weights, project_folder)
    if path is None:
        raise UserError(f"There are no weights “{weights}”.", hint=f"Choose one of: lite0, {', '.join(PUBLISHED)}.")
    if path.suffix in SUFFIXES:
        published = _recognised(path)
        return _open_published(published, path) if published else _open_pth(path, weights, names, bn_eps)
    return _open_checkpoint(path, weights, same_project=is_of_project(path, project_folder))


def start_network(
    weights: OpenedWeights, *, categories: Sequence[Category], masks: bool, image_size: int, rois_per_image: int
) -> tuple[MaskRCNN, LoadReport]:
    """A network for `categories` that goes on from `weights` as far as they fit.

    What it is made of is the weights' matter; what it is fed and asked for is the training's.

    Args:
        image_size: longer side of the input in pixels.
    """
    architecture = replace(
        weights.architecture,
        classes=len(categories),
        masks=masks,
        image_size=image_size,
        short_side=None,
        rois_per_image=rois_per_image,
    )
    network = MaskRCNN(architecture, pretrained=False)
    classes = match_classes(weights.classes, categories)
    return network, load_by_name(network, weights.tensors, title=weights.title, classes=classes)


def load_detector(
    weights: str | Path, *, names: Sequence[str] = (), bn_eps: float | None = None, progress: Progress | None = None
) -> tuple[MaskRCNN, tuple[Category, ...], dict[str, Any]]:
    """A network to detect with, as it is: a checkpoint, a torchvision ``.pth``, or a published detector by name.

    Args:
        names, bn_eps: as :func:`open_weights` has them.

    Returns:
        The network in evaluation mode, its categories by label (label 1 first), and what is known about it.

    Raises:
        UserError: when it cannot be had, read or used.
    """
    path = Path(weights)
    published = PUBLISHED.get(str(weights))
    if published is not None and not path.exists():
        path = fetch(published.name, progress)
    elif path.suffix not in SUFFIXES:
        return load_network(path)
    else:
        published = _recognised(path)
    opened = _open_published(published, path) if published else _open_pth(path, path.name, names, bn_eps)
    if not opened.classes:
        raise UserError(f"“{opened.title}” knows pictures but no objects: it is a body to train from.", path=path)
    network = build_whole(opened.architecture, opened.tensors, path)
    facts = {"architecture": opened.architecture.to_json(), "progress": {"epoch": 0, "step": 0, "epoch_step": 0}}
    return network, _categories_of(opened.classes), facts


def _open_published(published: Published, path: Path) -> OpenedWeights:
    state = read_state(path)
    if not published.is_detector:
        body = {_BODY + name: tensor for name, tensor in state.items()}
        architecture = Architecture.torchvision(classes=0, backbone=published.backbone, bn_eps=published.bn_eps)
        return OpenedWeights(published.name, body, architecture)
    architecture = architecture_of(state, path, bn_eps=published.bn_eps)
    return OpenedWeights(published.name, state, architecture, tuple(KnownClass(n) for n in published.class_names))


def _open_pth(path: Path, title: str, names: Sequence[str], bn_eps: float | None) -> OpenedWeights:
    state = read_state(path)
    architecture = architecture_of(state, path, bn_eps=_IMAGENET_BN_EPS if bn_eps is None else bn_eps)
    if names and len(names) != architecture.classes:
        raise UserError(
            f"These weights have {architecture.classes} classes, but {len(names)} names were given.",
            path=path,
            hint="Name each class once, label 1 first, without the background.",
        )
    known = tuple(KnownClass(n.strip()) for n in names) or (KnownClass(None),) * architecture.classes
    return OpenedWeights(title, state, architecture, known)


def _open_checkpoint(path: Path, title: str, *, same_project: bool) -> OpenedWeights:
    facts = read_facts(path)
    known = tuple(KnownClass(c["name"], c["id"] if same_project else None) for c in facts["categories"])
    return OpenedWeights(title, read_tensors(path), Architecture.from_json(facts["architecture"]), known)


def _recognised(path: Path) -> Published | None:
    """The published weights that a file is, whatever it is called: so a copy brought by hand is as good."""
    if not path.is_file():
        return None
    digest = sha256_of(path)
    return next((p for p in PUBLISHED.values() if digest.startswith(p.sha256)), None)


def _categories_of(classes: Sequence[KnownClass]) -> tuple[Category, ...]:
    """Categories with the label as id (for COCO's weights that is COCO's id)."""
    return tuple(
        Category(label, known.name or f"class {label}", palette_color(label - 1))
        for label, known in enumerate(classes, start=1)
    )
