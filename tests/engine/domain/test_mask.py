"""Laws of the mask value, against numpy, OpenCV and pycocotools."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.domain.mask import Mask, boxes_touch

SHAPE = (13, 17)
arrays = hnp.arrays(np.bool_, SHAPE)
law = settings(max_examples=150, deadline=None)


@law
@given(arrays, arrays)
def test_algebra_is_numpys(a: np.ndarray, b: np.ndarray) -> None:
    m, n = Mask.from_array(a), Mask.from_array(b)
    assert np.array_equal((m | n).to_array(), a | b)
    assert np.array_equal((m & n).to_array(), a & b)
    assert np.array_equal((m - n).to_array(), a & ~b)
    assert np.array_equal((m ^ n).to_array(), a ^ b)
    assert np.array_equal((~m).to_array(), ~a)
    assert m.intersection_area(n) == (a & b).sum()
    union = (a | b).sum()
    assert m.iou(n) == pytest.approx((a & b).sum() / union if union else 0.0)


@law
@given(arrays, arrays)
def test_an_xor_delta_leads_back_and_forth(a: np.ndarray, b: np.ndarray) -> None:
    before, after = Mask.from_array(a), Mask.from_array(b)
    delta = before ^ after
    assert before ^ delta == after
    assert after ^ delta == before


@law
@given(arrays)
def test_a_mask_comes_back_from_every_written_form(a: np.ndarray) -> None:
    mask = Mask.from_array(a)
    assert Mask.from_bytes(mask.to_bytes(), *SHAPE) == mask
    assert Mask.from_coco(mask.to_coco(compressed=True)) == mask
    assert Mask.from_coco(mask.to_coco(compressed=False)) == mask
    assert hash(Mask.from_array(a)) == hash(mask)


@law
@given(arrays)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_decodes_what_is_written(a: np.ndarray) -> None:
    from pycocotools import mask as coco_mask

    written = Mask.from_array(a).to_coco()
    decoded = coco_mask.decode({**written, "counts": written["counts"].encode()})
    assert np.array_equal(decoded.astype(bool), a)


@law
@given(arrays)
def test_area_and_box_are_tight(a: np.ndarray) -> None:
    mask = Mask.from_array(a)
    assert mask.area == a.sum()
    x0, y0, x1, y1 = mask.box
    outside = a.copy()
    outside[y0:y1, x0:x1] = False
    assert not outside.any()
    if a.any():
        assert a[y0].any()
        assert a[y1 - 1].any()
        assert a[:, x0].any()
        assert a[:, x1 - 1].any()


@law
@given(arrays)
def test_holes_are_those_opencv_finds(a: np.ndarray) -> None:
    mask = Mask.from_array(a)
    framed = np.pad(~a, 1, constant_values=True).astype(np.uint8)
    count, labels = cv2.connectedComponents(framed, connectivity=4)
    inner = [labels == n for n in range(1, count) if n != labels[0, 0]]
    assert len(mask.holes) == len(inner)
    assert sum(h.area for h in mask.holes) == sum(int(i.sum()) for i in inner)
    assert mask.filled.holes == ()
    assert all(h.intersection_area(mask) == 0 for h in mask.holes)


@law
@given(arrays, st.integers(-20, 20), st.integers(-20, 20))
def test_a_moved_mask_is_cut_at_the_border(a: np.ndarray, dx: int, dy: int) -> None:
    expected = np.zeros_like(a)
    for y, x in zip(*np.nonzero(a), strict=True):
        if 0 <= y + dy < SHAPE[0] and 0 <= x + dx < SHAPE[1]:
            expected[y + dy, x + dx] = True
    assert np.array_equal(Mask.from_array(a).translated(dx, dy).to_array(), expected)


@law
@given(arrays, st.tuples(*[st.integers(-5, 22)] * 4))
def test_a_decoded_crop_is_the_slice_with_nothing_outside(a: np.ndarray, box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    crop = Mask.from_array(a).decode_crop(box)
    assert crop.shape == (max(0, y1 - y0), max(0, x1 - x0))
    for y in range(y0, y1):
        for x in range(x0, x1):
            inside = 0 <= y < SHAPE[0] and 0 <= x < SHAPE[1]
            assert crop[y - y0, x - x0] == (inside and a[y, x])


@law
@given(arrays, st.integers(-8, 20), st.integers(-8, 16))
def test_a_placed_crop_is_cut_at_the_border(a: np.ndarray, x0: int, y0: int) -> None:
    placed = Mask.from_crop(a, x0, y0, 15, 19)
    assert placed.shape == (15, 19)
    assert np.array_equal(placed.decode_crop((x0, y0, x0 + SHAPE[1], y0 + SHAPE[0])), a & placed_area(x0, y0, 15, 19))


def placed_area(x0: int, y0: int, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (x + x0 >= 0) & (x + x0 < width) & (y + y0 >= 0) & (y + y0 < height)


def test_masks_of_different_images_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different images"):
        _ = Mask.empty(3, 4) | Mask.empty(4, 3)


@pytest.mark.parametrize("counts", [[1, 2], "abc", [5, -5, 12]])
def test_run_lengths_that_do_not_cover_the_image_are_refused(counts: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Mask.from_coco({"size": [3, 4], "counts": counts})


def test_a_core_in_a_rings_hole_shares_nothing_with_it() -> None:
    y, x = np.mgrid[:60, :60]
    distance = np.hypot(x - 30, y - 30)
    ring, core = Mask.from_array((distance < 25) & (distance > 12)), Mask.from_array(distance < 10)
    assert ring.iou(core) == 0
    assert ring.hole_at(30, 30) is not None
    assert ring.hole_at(30, 30).area > core.area


def test_parts_come_largest_first() -> None:
    array = np.zeros((10, 10), dtype=bool)
    array[0:2, 0:2] = True
    array[5:9, 5:9] = True
    assert [p.area for p in Mask.from_array(array).parts()] == [16, 4]


def test_boxes_that_only_share_an_edge_do_not_touch() -> None:
    assert not boxes_touch((0, 0, 5, 5), (5, 0, 9, 5))
    assert boxes_touch((0, 0, 5, 5), (4.9, 4.9, 9, 9))
