"""Advice before a training, measured on the user's data: anchor sizes and ROIs per image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from engine.config import TrainConfig
from engine.domain.annotation import Split
from engine.errors import DataError
from engine.model.architecture import Architecture
from engine.model.device import Device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset
from engine.training.anchors import STRIDES, AnchorFit, Floats, Objects, best_ious, placed_objects, suggested_sizes
from engine.training.augment import usual_augmentation
from engine.training.loader import SampleLoader
from engine.training.looking import Looker, propose
from engine.training.samples import Sample

ANCHOR_RATIOS = Architecture.anchor_ratios
ROI_CHOICES = (32, 64, 128, 256, 512)
POSITIVE_SHARE = 0.25  # 1 positive to 3 negatives (He et al. 2017; matterport's 0.33 is of the same kind)
# The quarter counts as filled when four fifths of it are.
_FILLED = 0.8 * POSITIVE_SHARE
_IMAGES = 40  # samples that are enough for a ratio
# Other sizes must match at least one object in a hundred more: they cost the weights of the proposal network.
_WORTH = 0.01
_LADDERS = (8, 12, 16, 24, 32, 48)  # smallest anchors of series that double, as the default does


@dataclass(frozen=True)
class AnchorAdvice:
    """How the anchors fit the training objects, and sizes that fit better.

    Attributes:
        sizes: the present ones, one per pyramid level, in input pixels.
        by_category: fit by class name.
        suggested, suggested_fit: sizes that leave fewer objects unmatched, and how they fit; None where none do.
    """

    sizes: tuple[int, ...]
    fit: AnchorFit
    by_category: dict[str, AnchorFit]
    suggested: tuple[int, ...] | None = None
    suggested_fit: AnchorFit | None = None

    def lines(self) -> list[str]:
        """The advice in sentences."""
        told = [f"Anchors {_listed(self.sizes)}: {_in_words(self.fit)}"]
        if len(self.by_category) > 1:
            told += [f"  {name}: {_in_words(fit)}" for name, fit in self.by_category.items()]
        if self.suggested is None or self.suggested_fit is None:
            return [*told, "The present anchors fit; no other sizes were found that match notably more objects."]
        better = f"Anchors {_listed(self.suggested)} fit better: {_in_words(self.suggested_fit)}"
        return [*told, better, f"To use them: --set anchor_sizes={_listed(self.suggested)}"]


@dataclass(frozen=True)
class RoiAdvice:
    """How many of the sampled ROIs are positive, and how many to sample.

    Attributes:
        asked: `rois_per_image` of the training.
        shares: positive share in [0, 1] of what is sampled, by ROIs per image (:data:`ROI_CHOICES` and `asked`).
        positives: mean number of positive proposals an image has to offer.
        images: samples that were measured.
        recommended: one of :data:`ROI_CHOICES`.
        network: where the proposals are from, in words.
        trained: they are of a network that has learned to propose.
    """

    asked: int
    shares: dict[int, float]
    positives: float
    images: int
    recommended: int
    network: str
    trained: bool

    def lines(self) -> list[str]:
        """The advice in sentences."""
        told = [
            f"ROIs, measured on {self.images} training samples with {self.network}: an image offers"
            f" {self.positives:.0f} positive proposals on average. Of {self.asked} ROIs an image"
            f" {self.shares[self.asked]:.0%} are positive; of "
            + ", ".join(f"{n}: {self.shares[n]:.0%}" for n in ROI_CHOICES if n != self.asked)
            + "."
        ]
        told.append(self._reason())
        if not self.trained:
            told.append("A trained network proposes more positives: ask again once there is a run.")
        return told

    def _reason(self) -> str:
        if self.recommended == self.asked:
            return f"{self.asked} ROIs an image suit: positives fill about the quarter they may have (1:3)."
        setting = f"--set rois_per_image={self.recommended}"
        if self.recommended > self.asked:
            return (
                f"The objects would fill the quarter (1:3) of {self.recommended} ROIs an image too, so more of them"
                f" would be learned from in each step, for more time and memory: {setting}"
            )
        if self.shares[self.recommended] < _FILLED:
            return (
                f"Objects are few: even {self.recommended} ROIs an image are mostly background. The fewest that are"
                f" sensible keep the ratio nearest to 1:3 and save time and memory: {setting}"
            )
        return (
            f"{self.asked} ROIs an image are more than the objects can fill to a quarter (1:3); the rest is background."
            f" {self.recommended} keep the ratio and save time and memory: {setting}"
        )


def advise_anchors(
    dataset: FrozenDataset, config: TrainConfig, sizes: tuple[int, ...], ratios: Sequence[float] = ANCHOR_RATIOS
) -> AnchorAdvice:
    """How anchors fit the training objects.

    Args:
        sizes: what the training would use (:func:`engine.training.looking.planned_anchor_sizes`).

    Raises:
        DataError: when there is no object to look at.
    """
    objects = placed_objects(dataset.annotated(Split.TRAIN), config.image_size)
    if not len(objects.boxes):
        raise DataError("The training split has no object to fit anchors to.", hint="Annotate some images first.")
    best = best_ious(objects, sizes, ratios)
    fit = AnchorFit.of(best)
    names = {c.id: c.name for c in dataset.categories}
    by_category = {names[i]: AnchorFit.of(best[objects.categories == i]) for i in np.unique(objects.categories)}
    found, found_fit = _best_sizes(objects, ratios)
    if found_fit.unmatched50 > fit.unmatched50 - max(_WORTH, 1 / fit.objects):
        return AnchorAdvice(sizes, fit, by_category)
    return AnchorAdvice(sizes, fit, by_category, found, found_fit)


def _best_sizes(objects: Objects, ratios: Sequence[float]) -> tuple[tuple[int, ...], AnchorFit]:
    """Of the clusters' sizes and the doubling series, those that leave the fewest objects unmatched."""
    series = [tuple(start << level for level in range(len(STRIDES))) for start in _LADDERS]
    fits = [(sizes, AnchorFit.of(best_ious(objects, sizes, ratios))) for sizes in (suggested_sizes(objects), *series)]
    return min(fits, key=lambda pair: (pair[1].unmatched50, -pair[1].mean_iou))


def advise_rois(
    dataset: FrozenDataset, config: TrainConfig, looker: Looker, device: Device, *, images: int = _IMAGES
) -> RoiAdvice:
    """How the sampler's ROIs divide on the first samples of the training, and how many to draw.

    Args:
        images: samples to measure at most.
    """
    network = device.place(looker.network)
    offered = np.array(
        [counts for batch in _batches(dataset, config, images) for counts in _offered(network, device, batch)]
    )
    counts = sorted({*ROI_CHOICES, config.rois_per_image})
    shares = {n: positive_share(offered, n) for n in counts}
    filled = [n for n in ROI_CHOICES if shares[n] >= _FILLED]
    return RoiAdvice(
        asked=config.rois_per_image,
        shares=shares,
        positives=float(offered[:, 0].mean()),
        images=len(offered),
        recommended=max(filled, default=ROI_CHOICES[0]),
        network=looker.words,
        trained=looker.trained,
    )


def positive_share(offered: Floats, rois_per_image: int) -> float:
    """Share of positives in what the sampler draws (:class:`engine.model.sampler.KeyedSampler`).

    Args:
        offered: [N, 2] positive and negative proposals of each image.
    """
    positives = np.minimum(offered[:, 0], int(rois_per_image * POSITIVE_SHARE))
    negatives = np.minimum(offered[:, 1], rois_per_image - positives)
    return float(positives.sum() / max(1, positives.sum() + negatives.sum()))


def to_json(anchors: AnchorAdvice, rois: RoiAdvice) -> dict[str, Any]:
    """Plain values for ``--json``."""
    return {"anchors": asdict(anchors), "rois": asdict(rois)}


def _batches(dataset: FrozenDataset, config: TrainConfig, images: int) -> Iterator[list[Sample]]:
    """The first batches of the training, `images` samples or the first epoch at most."""
    train = dataset.annotated(Split.TRAIN)
    loader = SampleLoader(
        train,
        labels={c.id: label for label, c in enumerate(dataset.categories, start=1)},
        image_size=config.image_size,
        batch_size=config.batch_size,
        seed=config.seed,
        min_steps=config.min_epoch_steps,
    )
    augment = usual_augmentation(boxes_only=dataset.boxes_only) if config.plan.stages[0].augment else None
    return islice(loader.epoch(1, augment), -(-images // config.batch_size))


def _offered(network: MaskRCNN, device: Device, samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Positive and negative proposals of each sample."""
    found = [proposed.labels for proposed in propose(network, device, samples)]
    return [(int((labels > 0).sum()), int((labels == 0).sum())) for labels in found]


def _in_words(fit: AnchorFit) -> str:
    return (
        f"{fit.unmatched50:.1%} of {fit.objects:,} objects have no anchor with IoU 0.5, {fit.unmatched70:.1%} none with"
        f" 0.7; the best anchor overlaps with {fit.mean_iou:.2f} on average."
    )


def _listed(sizes: Sequence[int]) -> str:
    return ",".join(str(s) for s in sizes)
