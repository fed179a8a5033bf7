"""How much better a network gets with more images: AP50 over the size of the training set, and what lies beyond it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.domain.annotation import Split
from engine.domain.outcome import ImageOutcomes
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.review.diagnosis.bootstrap import Estimate, Sampled, estimate

SHARES = (0.25, 0.5, 0.75, 1.0)
_SEED = 3  # key of the random numbers that images are resampled by

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One training: images and objects that it learned from, AP50 on the validation images of all."""

    images: int
    objects: int
    ap50: Estimate


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``1 - AP50 = amplitude * images ** -exponent`` (Hestness et al. 2017, https://arxiv.org/abs/1712.00409)."""

    amplitude: float
    exponent: float

    def ap50(self, images: float) -> float:
        """AP50 to expect of so many images; below 0 far outside of what was measured."""
        return float(1 - self.amplitude * images**-self.exponent)


@dataclass(frozen=True)
class LearningCurve:
    """What more images are worth.

    Attributes:
        points: by images, rising.
        law: through the points; None for fewer than two of different sizes.
        doubled: AP50 to expect of twice the images.
        gain: that less the law's AP50 of all images.
        epochs: that each training took.
    """

    points: tuple[CurvePoint, ...]
    law: PowerLaw | None
    doubled: Estimate | None
    gain: Estimate | None
    epochs: int

    def sentence(self) -> str:
        """What it says, for a person."""
        if self.law is None or self.gain is None or self.doubled is None:
            return "There are too few training images to see how AP50 grows with them."
        images = self.points[-1].images
        told = (
            f"From {self.points[0].images} to {images} training images AP50 went from {self.points[0].ap50.value:.2f} "
            f"to {self.points[-1].ap50.value:.2f}. Twice as many ({2 * images}) should change it by about "
            f"{self.gain.value:+.2f} (95 % interval {self.gain.low:+.2f} to {self.gain.high:+.2f})."
        )
        if self.gain.low > 0:
            return f"{told} More images help."
        return f"{told} The interval reaches 0: it is not shown that more images of this kind help."

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "sentence": self.sentence()}


def nested_subsets(dataset: FrozenDataset, *, seed: int, shares: Sequence[float] = SHARES) -> list[FrozenDataset]:
    """The data with parts of its training images, each part within the next; the rest goes to no set.

    The order is random by `seed`, but for the first image of each class, which comes before the others: without it a
    part could not be trained on.  Parts that come out equal are there once.
    """
    order, least = _in_order(dataset.annotated(Split.TRAIN), seed)
    sizes = sorted({max(math.ceil(share * len(order)), least) for share in shares})
    return [_with_training(dataset, set(order[:size])) for size in sizes]


def curve_of(measured: Sequence[tuple[FrozenDataset, Sequence[ImageOutcomes]]], *, epochs: int) -> LearningCurve:
    """The curve through trainings on growing data.

    Args:
        measured: data of each training, and what became of its predictions on the same validation images.
        epochs: that each took.

    The intervals are over validation images, the same ones drawn for every training; the luck of a training (its first
    weights, which images it got) is not in them.
    """
    sampled = [Sampled.of(outcomes, seed=_SEED) for _, outcomes in measured]
    points = tuple(_point(data, own.estimate) for (data, _), own in zip(measured, sampled, strict=True))
    if len({p.images for p in points}) < 2:
        return LearningCurve(points, None, None, None, epochs)
    sizes = np.array([p.images for p in points], dtype=np.float64)
    least = 0.5 / sum(len(o.instances) for o in measured[0][1])
    law = fit_power_law(sizes, np.array([[p.ap50.value for p in points]]), least_error=least)[0]
    laws = fit_power_law(sizes, np.stack([own.samples for own in sampled], axis=1), least_error=least)
    end, images = float(sizes[-1]), sampled[0].images
    doubled = np.array([w.ap50(2 * end) for w in laws])
    gains = doubled - np.array([w.ap50(end) for w in laws])
    return LearningCurve(
        points,
        law,
        estimate(law.ap50(2 * end), doubled, images=images, limits=(0.0, 1.0)),
        estimate(law.ap50(2 * end) - law.ap50(end), gains, images=images, limits=(-1.0, 1.0)),
        epochs,
    )


def fit_power_law(images: Floats, values: Floats, *, least_error: float) -> list[PowerLaw]:
    """Straight lines through the logarithms, by least squares, one for each row.

    Args:
        images: [P], at least two of them different.
        values: [R, P], AP50 in [0, 1].
        least_error: an error of 0 has no logarithm and counts as this much.
    """
    x = np.log(images)
    y = np.log(np.maximum(1 - values, least_error))
    centred = x - x.mean()
    slopes = (y - y.mean(axis=1, keepdims=True)) @ centred / (centred @ centred)
    heights = y.mean(axis=1) - slopes * x.mean()
    return [PowerLaw(float(np.exp(h)), float(-s)) for h, s in zip(heights, slopes, strict=True)]


def _in_order(images: Sequence[FrozenImage], seed: int) -> tuple[list[int], int]:
    """Ids in the order in which they are taken, and how many of them it takes to have every class."""
    shuffled = sorted(images, key=lambda image: image.image_id)
    random.Random(seed).shuffle(shuffled)
    seen: set[int] = set()
    first: list[int] = []
    for image in shuffled:
        classes = {i.category_id for i in image.annotation.instances}
        if not classes <= seen:
            first.append(image.image_id)
            seen |= classes
    return [*first, *(image.image_id for image in shuffled if image.image_id not in first)], len(first)


def _with_training(dataset: FrozenDataset, kept: set[int]) -> FrozenDataset:
    def placed(image: FrozenImage) -> FrozenImage:
        leave = image.split is not Split.TRAIN or image.image_id in kept
        return image if leave else replace(image, split=Split.NONE)

    return replace(dataset, images=tuple(placed(image) for image in dataset.images))


def _point(data: FrozenDataset, figure: Estimate) -> CurvePoint:
    train = data.annotated(Split.TRAIN)
    return CurvePoint(len(train), sum(len(image.annotation) for image in train), figure)
