from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms

from engine.domain.boxes import box_ious
from engine.prediction.suppression import suppressors


def greedy(boxes: np.ndarray, scores: np.ndarray, groups: np.ndarray, threshold: float) -> dict[int, int]:
    """Non-maximum suppression as it is told in words: removed box -> the box that removed it."""
    alive = sorted(range(len(boxes)), key=lambda k: -scores[k])
    gone: dict[int, int] = {}
    while alive:
        best, *rest = alive
        ious = box_ious(boxes[[best]], boxes[rest])[0]
        hit = {k for k, iou in zip(rest, ious, strict=True) if groups[k] == groups[best] and iou > threshold}
        gone |= dict.fromkeys(hit, best)
        alive = [k for k in rest if k not in hit]
    return gone


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_every_suppressed_box_names_the_box_that_removed_it(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40, size=(300, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 40, size=(300, 2))], axis=1).astype(np.float32)
    scores, groups = rng.permutation(300) / 300, rng.integers(0, 3, size=300)
    kept = batched_nms(*(torch.from_numpy(v) for v in (boxes, scores.astype(np.float32), groups)), threshold).numpy()
    expected = greedy(boxes, scores, groups, threshold)
    removed = np.array(sorted(expected))
    assert set(kept.tolist()) == set(range(300)) - set(expected)
    found = suppressors(boxes, groups, kept=kept, removed=removed, threshold=threshold)
    assert dict(zip(removed.tolist(), found.tolist(), strict=True)) == expected


def test_where_nothing_was_suppressed_nobody_is_named() -> None:
    none = np.zeros(0, dtype=np.int64)
    boxes = np.array([[0, 0, 4, 4]], dtype=np.float32)
    found = suppressors(boxes, np.zeros(1, dtype=np.int64), kept=np.array([0]), removed=none, threshold=0.5)
    assert found.shape == (0,)


def test_a_box_that_rounding_brought_below_the_threshold_still_names_its_nearest() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [30, 30, 40, 40]], dtype=np.float32)
    groups = np.zeros(3, dtype=np.int64)
    found = suppressors(boxes, groups, kept=np.array([2, 0]), removed=np.array([1]), threshold=0.5)
    assert found.tolist() == [0]
