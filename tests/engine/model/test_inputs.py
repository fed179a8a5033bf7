import numpy as np
import pytest
import torch
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from engine.model.architecture import Architecture
from engine.model.device import choose_device
from engine.model.inputs import batch_of, prepare

THEIRS = Architecture.torchvision(classes=1)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("sizes", [[(37, 50)], [(50, 20), (30, 44)], [(20, 200)], [(900, 700)]])
def test_the_torchvision_rule_gives_torchvisions_input_to_the_bit(sizes: list[tuple[int, int]]) -> None:
    images = [picture(*size) for size in sizes]
    transform = GeneralizedRCNNTransform(800, 1333, list(THEIRS.mean), list(THEIRS.std)).eval()
    expected, _ = transform([torch.from_numpy(i).permute(2, 0, 1).float() / 255 for i in images])
    batch, found = prepare(images, choose_device("cpu"), THEIRS)
    assert found == expected.image_sizes
    assert torch.equal(batch, expected.tensors)


def test_a_side_that_would_vanish_keeps_a_pixel() -> None:
    _, sizes = prepare([picture(1, 3000)], choose_device("cpu"), THEIRS)
    assert sizes == [(1, 3000)]


def test_the_other_rule_makes_the_longer_side_the_image_size() -> None:
    batch, sizes = prepare([picture(30, 60), picture(60, 30)], choose_device("cpu"), Architecture(1, image_size=96))
    assert sizes == [(48, 96), (96, 48)]
    assert batch.shape == (2, 3, 96, 96)


def test_padding_is_the_mean_colour_and_pixels_are_normalised() -> None:
    white = np.full((10, 40, 3), 255, dtype=np.uint8)
    batch, sizes = batch_of([white], choose_device("cpu"), Architecture(1))
    assert sizes == [(10, 40)]
    assert batch.shape == (1, 3, 32, 64)
    assert batch[0, :, :10, :40].unique().tolist() == [1.0]
    assert not batch[0, :, 10:].any()
    assert not batch[0, :, :, 40:].any()
