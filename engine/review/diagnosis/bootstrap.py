"""AP50 with an interval: how it would vary had other images of the same kind been drawn.

Images are resampled with replacement (Efron 1979), since objects of one image resemble each other.  AP50 is COCO's
(101 recalls, mean over classes with truth), from what became of every single prediction, so that a resample costs sums
and no new matching.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from engine.domain.outcome import ImageOutcomes

Floats = npt.NDArray[np.float64]
Draws = npt.NDArray[np.int64]

RESAMPLES = 1000
TAIL = 0.025  # outside at each end: 95 % inside
_RECALLS = np.linspace(0, 1, 101)
_CHUNK = 50  # resamples in memory at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure between bounds that are meant to hold the true one in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Plain values for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Sampled:
    """AP50 of a set of images.

    Attributes:
        value: of the images as they are, in [0, 1].
        samples: [R], of resamples of them.
        images: how many there are.
    """

    value: float
    samples: Floats
    images: int

    @classmethod
    def of(cls, outcomes: Sequence[ImageOutcomes], *, seed: int) -> Sampled:
        """Resample the images of `outcomes`; equal seeds draw alike from equally many images."""
        draws = resamples(len(outcomes), seed=seed)
        as_they_are = np.ones((1, len(outcomes)), dtype=np.int64)
        values = ap50(outcomes, np.concatenate([as_they_are, draws]))
        return cls(float(values[0]), values[1:], len(outcomes))

    @property
    def estimate(self) -> Estimate:
        """With its interval."""
        return estimate(self.value, self.samples, images=self.images, limits=(0.0, 1.0))

    def less(self, other: Sampled) -> Estimate:
        """The difference, as sure as the smaller set allows."""
        images = min(self.images, other.images)
        return estimate(self.value - other.value, self.samples - other.samples, images=images, limits=(-1.0, 1.0))


@dataclass(frozen=True, eq=False)
class _ClassRows:
    """Predictions of one class, highest score first.

    Attributes:
        image: [N], place of the image each lies on.
        right: [N], 1 where it is a true positive, else 0.
        instances: [images], of the class on each image.
    """

    image: npt.NDArray[np.int64]
    right: Floats
    instances: Floats


def resamples(images: int, *, seed: int, count: int = RESAMPLES) -> Draws:
    """How often each image is drawn, [count, images]; each row sums to `images`."""
    rng = np.random.default_rng([seed, images])
    return rng.multinomial(images, np.full(images, 1 / images), size=count)


def ap50(outcomes: Sequence[ImageOutcomes], draws: Draws | None = None) -> Floats:
    """AP50 in [0, 1] for each row of `draws`, [R]; for the images as they are without, [1].

    Args:
        draws: [R, images], how often each image counts.
    """
    if draws is None:
        draws = np.ones((1, len(outcomes)), dtype=np.int64)
    total, classes = np.zeros(len(draws)), np.zeros(len(draws))
    for rows in _by_class(outcomes):
        known = draws @ rows.instances > 0
        for start in range(0, len(draws), _CHUNK):
            part = slice(start, start + _CHUNK)
            total[part] += np.where(known[part], _class_ap(rows, draws[part]), 0.0)
        classes += known
    return np.asarray(total / np.maximum(classes, 1))


def estimate(value: float, samples: Floats, *, images: int, limits: tuple[float, float]) -> Estimate:
    """`value` between the expanded percentiles of `samples` (Hesterberg 2015, https://arxiv.org/abs/1411.5279).

    Few images vary less among themselves than images at large do: the percentiles are taken further out, as Student's t
    is wider than the normal distribution.  One image says nothing of others: then the bounds are `limits`.

    Args:
        images: that were resampled.
    """
    if images < 2:
        return Estimate(value, *limits)
    tail = NormalDist().cdf(-math.sqrt(images / (images - 1)) * _student(images - 1))
    low, high = (float(v) for v in np.quantile(samples, [tail, 1 - tail]))
    return Estimate(value, min(low, value), max(high, value))


def _student(freedom: int) -> float:
    """Quantile of Student's t above :data:`TAIL` (Cornish and Fisher's expansion; Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(1 - TAIL)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _by_class(outcomes: Sequence[ImageOutcomes]) -> Iterator[_ClassRows]:
    """Classes with instances; predictions of others count nowhere."""
    rows: defaultdict[int, list[tuple[float, int, bool]]] = defaultdict(list)
    instances: defaultdict[int, Floats] = defaultdict(lambda: np.zeros(len(outcomes)))
    for place, image in enumerate(outcomes):
        for p in image.predictions:
            rows[p.category_id].append((p.score, place, p.right))
        for i in image.instances:
            instances[i.category_id][place] += 1
    for category in sorted(instances):
        ranked = sorted(rows[category], key=lambda row: -row[0])
        yield _ClassRows(
            np.array([place for _, place, _ in ranked], dtype=np.int64),
            np.array([right for _, _, right in ranked], dtype=np.float64),
            instances[category],
        )


def _class_ap(rows: _ClassRows, draws: Draws) -> Floats:
    """COCO's interpolated average precision of one class for each row of `draws`, [R]."""
    if not len(rows.image):
        return np.zeros(len(draws))
    counted = draws[:, rows.image].astype(np.float64)
    right = np.cumsum(counted * rows.right, axis=1)
    precision = right / np.maximum(np.cumsum(counted, axis=1), 1)
    best_from = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    padded = np.concatenate([best_from, np.zeros((len(draws), 1))], axis=1)
    places = _places(right, _needed(np.maximum(draws @ rows.instances, 1)))
    return np.asarray(np.take_along_axis(padded, places, axis=1).mean(axis=1))


def _needed(instances: Floats) -> Floats:
    """True positives from which each recall is reached, [R, 101]; as dividing and comparing would have it."""
    total = instances[:, None]
    needed = np.ceil(_RECALLS * total)
    needed -= (needed - 1) / total >= _RECALLS
    return np.asarray(needed + (needed / total < _RECALLS))


def _places(right: Floats, needed: Floats) -> npt.NDArray[np.int64]:
    """The first column of each row of `right` [R, N] (rising) with at least so many [R, 101]; N where there is none."""
    count, columns = right.shape
    # All rows behind each other, each lifted above the one before: one search does for all.
    lift = np.arange(count)[:, None] * (max(right.max(), needed.max()) + 1)
    found = np.searchsorted((right + lift).ravel(), (needed + lift).ravel(), side="left").reshape(needed.shape)
    return np.asarray(np.minimum(found - np.arange(count)[:, None] * columns, columns), dtype=np.int64)
