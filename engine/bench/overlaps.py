"""Same-object groups of many pictures beside pycocotools' mask IoU on the very same masks, in turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from engine.bench.overlaps_scenes import CLASSES, Mix, Scenes, touching_pairs
from engine.bench.processor import cpu_name
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from engine.errors import UserError
from engine.review.overlaps import find_groups
from engine.review.relations import OverlapRule, Relations

Pairs = set[tuple[int, int]]
Tell = Callable[[str], None]

_NAMES = {category: f"class {category}" for category in range(1, CLASSES + 1)}
_CROWDED_SHARE = 10  # one crowded picture for so many realistic ones
_TOLD_EVERY = 1000
_PAIRS_ONLY = OverlapRule(min_containment=2.0)  # parts are not looked for: what pycocotools does


@dataclass
class Totals:
    """What was added up over pictures.

    Attributes:
        seconds: by the clock in ``find_groups``.
        own_cpu, pairs_cpu, other_cpu: processor seconds of ``find_groups``, of finding the pairs alone, and of
            pycocotools finding the same pairs; each works on one thread.
        touching: pairs whose boxes share area.
        same: pairs that both sides call one object.
        groups: that were found, of any kind.
    """

    images: int = 0
    seconds: float = 0.0
    own_cpu: float = 0.0
    pairs_cpu: float = 0.0
    other_cpu: float = 0.0
    touching: int = 0
    same: int = 0
    groups: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "seconds": self.seconds,
            "ms_per_image": 1000 * self.own_cpu / self.images,
            "pairs_ms_per_image": 1000 * self.pairs_cpu / self.images,
            "pycocotools_ms_per_image": 1000 * self.other_cpu / self.images,
            "speedup_vs_pycocotools": self.other_cpu / self.own_cpu,
            "pairs_speedup_vs_pycocotools": self.other_cpu / self.pairs_cpu,
            "touching_pairs_per_image": self.touching / self.images,
            "same_object_pairs_per_image": self.same / self.images,
            "groups_per_image": self.groups / self.images,
        }


def measure(*, images: int, detections: int = 100, seed: int = 0, tell: Tell) -> dict[str, Any]:
    """Figures of `images` realistic pictures, and under ``crowded`` those of a tenth as many crowded ones.

    Raises:
        UserError: pycocotools is not installed.
        AssertionError: when the two sides do not find the very same pairs.
    """
    other = _pycocotools()
    realistic = compare(Scenes(Mix.REALISTIC, detections, seed), images, other, tell)
    crowded = compare(Scenes(Mix.CROWDED, detections, seed), max(1, images // _CROWDED_SHARE), other, tell)
    return {
        **realistic.to_json(),
        "crowded": crowded.to_json(),
        "detections": detections,
        "rss_mib": peak_rss_mib(),
        "cpu": cpu_name(),
    }


def compare(scenes: Scenes, images: int, other: ModuleType, tell: Tell) -> Totals:
    """Let both sides work on each picture, the one that begins changing from picture to picture."""
    total = Totals()
    for items in scenes.pictures(images):
        _one_picture(items, other, total)
        if total.images % _TOLD_EVERY == 0:
            tell(f"{scenes.mix}: {total.images} of {images} pictures")
    return total


def _one_picture(items: list[Prediction], other: ModuleType, total: Totals) -> None:
    # Each side starts from masks as it keeps them: run lengths here, compressed ones there.  A mask remembers its area
    # and box, so what is timed first must not have looked at them for what is timed next.
    rles = [p.mask.to_coco() for p in items if p.mask is not None]
    again = [replace(p, mask=Mask(p.mask.rle)) for p in items if p.mask is not None]
    turns = (
        lambda: _groups(items, total),
        lambda: _pairs(again, total),
        lambda: _other_pairs(items, rles, other, total),
    )
    first = total.images % len(turns)
    found = [turn() for turn in turns[first:] + turns[:first]]
    own, theirs = (pairs for pairs in found[-first:] + found[:-first] if pairs is not None)
    if own != theirs:
        raise AssertionError(f"the two sides do not agree on {sorted(own ^ theirs)} of image {items[0].image_id}")
    total.images += 1
    total.touching += touching_pairs(items)
    total.same += len(theirs)


def _groups(items: list[Prediction], total: Totals) -> None:
    clock, cpu = time.perf_counter(), time.process_time()
    groups = find_groups(items, _NAMES)
    total.own_cpu += time.process_time() - cpu
    total.seconds += time.perf_counter() - clock
    total.groups += len(groups)


def _pairs(items: list[Prediction], total: Totals) -> Pairs:
    cpu = time.process_time()
    pairs = set(Relations(items, _PAIRS_ONLY).among(range(len(items)), "same-object"))
    total.pairs_cpu += time.process_time() - cpu
    return pairs


def _other_pairs(
    items: Sequence[Prediction], rles: Sequence[dict[str, Any]], other: ModuleType, total: Totals
) -> Pairs:
    cpu = time.process_time()
    ious = other.iou(rles, rles, [0] * len(rles))
    classes = np.array([p.category_id for p in items])
    found = np.triu((ious >= _PAIRS_ONLY.min_iou) & (classes[:, None] != classes), 1)
    pairs = {(i, j) for i, j in np.argwhere(found).tolist()}
    total.other_cpu += time.process_time() - cpu
    return pairs


def peak_rss_mib() -> float | None:
    """The largest resident size of this process so far; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _pycocotools() -> ModuleType:
    try:
        from pycocotools import mask
    except ImportError as error:
        hint = "Install it with: pip install pycocotools"
        raise UserError("This bench compares with pycocotools, which is not installed.", hint=hint) from error
    return mask  # type: ignore[no-any-return]
