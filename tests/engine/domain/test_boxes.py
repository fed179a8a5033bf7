from __future__ import annotations

import numpy as np
from shapely.geometry import box as rectangle

from engine.domain.boxes import box_ious


def test_overlaps_of_boxes_are_those_of_rectangles() -> None:
    rng = np.random.default_rng(1)
    corners = rng.uniform(-20, 60, size=(12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.5, 50, size=(12, 2))], axis=1)
    ious = box_ious(boxes[:5], boxes[5:])
    shapes = [rectangle(*b) for b in boxes]
    expected = [[a.intersection(b).area / a.union(b).area for b in shapes[5:]] for a in shapes[:5]]
    assert 0 < np.count_nonzero(ious) < ious.size
    np.testing.assert_allclose(ious, expected, atol=1e-12)


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[3.0, 3.0, 3.0, 9.0]])
    assert box_ious(flat, flat).tolist() == [[0.0]]
    assert box_ious(np.zeros((0, 4)), flat).shape == (0, 1)
