"""Sample preview: exactly what the network would be fed of one image, and what it would be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.config import TrainConfig
from engine.domain.annotation import Category, Split
from engine.errors import DataError, UserError
from engine.model.device import Device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset
from engine.training.augment import usual_augmentation
from engine.training.loader import SampleLoader
from engine.training.preview_pictures import anchors_picture, objects_picture, rois_picture
from engine.training.samples import Sample
from engine.training.targets import AnchorTargets, RoiTargets, targets_of


@dataclass(frozen=True)
class Preview:
    """One sample and its targets.

    Attributes:
        name: of the image file.
        epoch, turn: when training would use it: epoch (from 1), pass over the images in it (from 0).
        augmented: whether the stage of that epoch augments.
    """

    name: str
    epoch: int
    turn: int
    augmented: bool
    sample: Sample
    anchors: AnchorTargets
    rois: RoiTargets

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        height, width = self.sample.image.shape[:2]
        return {
            "image": self.name,
            "epoch": self.epoch,
            "pass": self.turn,
            "augmented": self.augmented,
            "height": height,
            "width": width,
            "objects": list(self.sample.instance_ids),
            "vanished": list(self.sample.vanished),
            "anchors": {
                "positive": len(self.anchors.positive),
                "negative": self.anchors.negative,
                "ignored": self.anchors.ignored,
                "drawn_positive": self.anchors.drawn_positive,
                "drawn_negative": self.anchors.drawn_negative,
            },
            "rois": {"drawn": self.rois.drawn, "positive": len(self.rois.boxes)},
        }

    def words(self) -> str:
        """The sample in a sentence."""
        objects, gone = len(self.sample.instance_ids), len(self.sample.vanished)
        return (
            f"Epoch {self.epoch}, pass {self.turn}: {objects} objects, {gone} vanished; {len(self.anchors.positive)}"
            f" positive anchors, {len(self.rois.boxes)} of {self.rois.drawn} ROIs positive."
        )


def preview_samples(
    dataset: FrozenDataset,
    config: TrainConfig,
    name: str,
    *,
    network: MaskRCNN,
    device: Device,
    epoch: int = 1,
    count: int = 4,
    augment: bool = True,
) -> list[Preview]:
    """The next `count` samples that a training would make of one image, from `epoch` on.

    Args:
        name: of an image that is trained on: its file's name, or the end of its path.
        network: in training mode; its proposals are what the ROIs are drawn from.
        augment: False leaves the augmentation out where the plan has it.

    Raises:
        DataError: when no such image is trained on, or several are.
        UserError: when the plan has no such epoch.
    """
    if not 1 <= epoch <= config.plan.epochs:
        raise UserError(f"There is no epoch {epoch}.", hint=f"The plan has epochs 1 to {config.plan.epochs}.")
    index = _index_of(dataset, name)
    path = dataset.annotated(Split.TRAIN)[index].path
    network = device.place(network)
    found = []
    for at, turn, augmented, sample in islice(_samples(dataset, config, index, epoch, augment=augment), count):
        found.append(Preview(path.name, at, turn, augmented, sample, *targets_of(network, device, sample)))
    return found


def write_previews(previews: Sequence[Preview], categories: Sequence[Category], folder: Path) -> list[list[Path]]:
    """Write four pictures of each sample: the input pixel by pixel, objects, anchors, ROIs.

    Raises:
        UserError: when the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(preview, categories, folder) for preview in previews]
    except OSError as error:
        raise UserError(f"The pictures cannot be written: {error.strerror or error}.", path=folder) from error


def _write(preview: Preview, categories: Sequence[Category], folder: Path) -> list[Path]:
    pictures: dict[str, npt.NDArray[np.uint8]] = {
        "input": preview.sample.image,
        "objects": objects_picture(preview.sample, categories),
        "anchors": anchors_picture(preview.sample, preview.anchors),
        "rois": rois_picture(preview.sample, preview.rois, categories),
    }
    written = []
    for kind, picture in pictures.items():
        path = folder / f"{Path(preview.name).stem}_epoch{preview.epoch}_pass{preview.turn}_{kind}.png"
        Image.fromarray(picture).save(path)
        written.append(path)
    return written


def _samples(
    dataset: FrozenDataset, config: TrainConfig, index: int, epoch: int, *, augment: bool
) -> Iterator[tuple[int, int, bool, Sample]]:
    """Epoch, pass, whether augmented, and sample, in the order training would use them."""
    loader = SampleLoader(
        dataset.annotated(Split.TRAIN),
        labels={c.id: label for label, c in enumerate(dataset.categories, start=1)},
        image_size=config.image_size,
        batch_size=config.batch_size,
        seed=config.seed,
        min_steps=config.min_epoch_steps,
    )
    usual = usual_augmentation(boxes_only=dataset.boxes_only)
    for at in range(epoch, config.plan.epochs + 1):
        augmented = augment and config.plan.stages[config.plan.stage_of(at)].augment
        for turn in range(loader.passes):
            yield at, turn, augmented, loader.sample(index, turn, at, usual if augmented else None)


def _index_of(dataset: FrozenDataset, name: str) -> int:
    """Place of an image among the training images."""
    train = dataset.annotated(Split.TRAIN)
    wanted = Path(name).parts
    found = [i for i, image in enumerate(train) if image.path.parts[-len(wanted) :] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{len(found)} training images are called “{name}”.", hint="Write more of the path.")
    elsewhere = next((i for i in dataset.images if i.path.parts[-len(wanted) :] == wanted), None)
    if elsewhere is None:
        raise DataError(f"There is no image “{name}” in this project.")
    if elsewhere.split is not Split.TRAIN:
        raise DataError(f"“{name}” is in the {elsewhere.split} split, so it is not trained on.")
    raise DataError(f"“{name}” is not annotated yet, so it is not trained on.")
