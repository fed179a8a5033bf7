"""What preflight computes without torch is what training does with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import roi_align

from engine.domain.mask import Mask
from engine.model.architecture import Architecture
from engine.model.inputs import input_size, resize_affine
from engine.model.masks_out import paste
from engine.review.preflight.fit import ANCHOR_RATIOS, ANCHOR_SIZES, best_anchor_iou, helpful_size
from engine.review.preflight.sampling import Scale, input_pixels, mask_target, pasted, tight
from engine.training.samples import mask_crop

torch.set_num_threads(1)


def blob(height: int, width: int, seed: int) -> Mask:
    """A few overlapping ellipses with a hole."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] + 0.5
    pixels = np.zeros((height, width), bool)
    for _ in range(3):
        cx, cy = rng.uniform(0.2, 0.8, 2) * (width, height)
        rx, ry = rng.uniform(0.05, 0.3, 2) * (width, height)
        pixels |= ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
    pixels &= np.hypot(x - width / 2, y - height / 2) > min(width, height) / 12
    return Mask.from_array(pixels)


def test_the_anchors_are_those_of_the_network() -> None:
    network = Architecture(classes=1)
    assert network.anchor_sizes == ANCHOR_SIZES
    assert network.anchor_ratios == ANCHOR_RATIOS


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([64, 320, 512, 1024]))
def test_the_inputs_size_is_that_of_the_network(height: int, width: int, image_size: int) -> None:
    scale = Scale.of(height, width, image_size)
    expected = input_size(height, width, image_size)
    assert (round(height * scale.y), round(width * scale.x)) == expected


@pytest.mark.parametrize("image_size", [64, 160, 320, 512])
@pytest.mark.parametrize("seed", range(4))
def test_a_mask_at_the_inputs_size_is_nearly_that_of_training(image_size: int, seed: int) -> None:
    mask = blob(240, 320, seed)
    size = input_size(240, 320, image_size)
    crop = mask_crop(mask, resize_affine(240, 320, size), size)
    assert crop is not None
    expected = tight(crop.pixels.numpy().astype(bool))
    got = input_pixels(mask, Scale.of(240, 320, image_size))
    assert np.abs(np.subtract(got.shape, expected.shape)).max() <= 1
    height, width = np.minimum(got.shape, expected.shape)
    same = got[:height, :width] == expected[:height, :width]
    assert same.mean() > 0.95


def test_at_the_images_own_size_the_pixels_are_the_masks() -> None:
    mask = blob(120, 200, 3)
    assert np.array_equal(input_pixels(mask, Scale(1.0, 1.0)), mask.decode_crop(mask.box))


def test_a_mask_wider_than_what_is_decoded_at_once_is_sampled_without_seams() -> None:
    mask = Mask.from_box((10, 5, 3010, 65), 100, 3200)
    assert input_pixels(mask, Scale(0.5, 0.5)).shape == (31, 1500)
    assert input_pixels(mask, Scale(0.5, 0.5)).all()


def test_nothing_is_left_of_a_speck_and_of_an_empty_mask() -> None:
    assert input_pixels(Mask.from_box((5, 5, 6, 6), 100, 100), Scale(0.5, 0.5)).size == 0
    assert input_pixels(Mask.empty(100, 100), Scale(1.0, 1.0)).size == 0


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 1000))
@settings(deadline=None)
def test_the_target_is_what_roi_align_gives(height: int, width: int, seed: int) -> None:
    bits = np.random.default_rng(seed).random((height, width)) < 0.6
    framed = torch.from_numpy(np.pad(bits, 3).astype(np.float32))[None, None]
    box = torch.tensor([[0.0, 3, 3, 3 + width, 3 + height]])
    expected = roi_align(framed, box, (28, 28), 1.0)[0, 0].numpy()
    assert mask_target(bits) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("side", [(28, 28), (60, 45), (200, 120), (13, 40)])
def test_a_target_is_pasted_back_as_detections_are(side: tuple[int, int]) -> None:
    mask = blob(*side, seed=5)
    height, width = mask.box[3] - mask.box[1], mask.box[2] - mask.box[0]
    target = mask_target(mask.decode_crop(mask.box))
    box = (10.0, 10.0, 10.0 + width, 10.0 + height)
    expected = paste(target, box, height + 20, width + 20).decode_crop((10, 10, 10 + width, 10 + height))
    got = pasted(target, height, width)
    assert np.count_nonzero(got & expected) / np.count_nonzero(got | expected) > 0.95


@given(st.floats(1, 600), st.floats(1, 600))
def test_a_helpful_size_is_above_the_present_one_and_helps(width: float, height: float) -> None:
    size = helpful_size(width, height, 512)
    assert size == 0 or size > 512
    assert 0 < best_anchor_iou(width, height) <= 1
    if 0 < size <= 4096:
        assert best_anchor_iou(width * size / 512, height * size / 512) >= 0.3
        assert best_anchor_iou(width * (size - 32) / 512, height * (size - 32) / 512) < 0.3


def test_a_box_like_an_anchor_overlaps_it_wholly() -> None:
    assert best_anchor_iou(64, 64) == pytest.approx(1.0)
    assert best_anchor_iou(32 * 2**0.5, 32 / 2**0.5) == pytest.approx(1.0)


def test_smaller_anchors_need_no_larger_image() -> None:
    assert helpful_size(12.0, 12.0, 512) > 512
    assert helpful_size(12.0, 12.0, 512, (16, 32, 64, 128, 256)) == 0
