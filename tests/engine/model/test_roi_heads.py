import numpy as np
import pytest
import torch
from torchvision.models.detection.roi_heads import maskrcnn_loss, project_masks_on_boxes

from engine.domain.mask import Mask
from engine.model.inputs import resize_affine
from engine.model.losses import LossParts
from engine.model.roi_heads import MaskCrop, add_mask_loss, mask_targets
from engine.training.samples import mask_crop


def blob(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random shape with holes, often touching the border."""
    import cv2

    noise = cv2.GaussianBlur(rng.random((size, size)), (0, 0), 5)
    window = np.zeros((size, size), dtype=bool)
    x0, y0 = rng.integers(0, size // 2, size=2)
    window[y0 : y0 + size // 2, x0 : x0 + size // 2] = True
    return (noise > np.median(noise)) & window


def crops_of(dense: list[np.ndarray]) -> list[MaskCrop]:
    crops = []
    for array in dense:
        crop = mask_crop(Mask.from_array(array), resize_affine(*array.shape, array.shape), array.shape)
        assert crop is not None
        crops.append(crop)
    return crops


def random_boxes(rng: np.random.Generator, count: int, size: int) -> torch.Tensor:
    corner = rng.uniform(-4, size - 8, size=(count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, size, size=(count, 2))], axis=1)
    return torch.from_numpy(np.clip(boxes, 0, size)).float()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [28, 56])
def test_targets_from_crops_equal_roi_align_of_the_full_masks(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    dense = [blob(rng, 96) for _ in range(4)]
    boxes, matched = random_boxes(rng, 12, 96), torch.from_numpy(rng.integers(0, 4, size=12))
    full = torch.from_numpy(np.stack(dense)).float()
    expected = project_masks_on_boxes(full, boxes, matched, size)
    assert expected.max() > 0
    torch.testing.assert_close(mask_targets(crops_of(dense), boxes, matched, size), expected, atol=1e-4, rtol=0)


def mask_loss(
    logits: torch.Tensor,
    boxes: list[torch.Tensor],
    crops: list[list[MaskCrop]],
    labels: list[torch.Tensor],
    matched: list[torch.Tensor],
) -> torch.Tensor:
    parts = LossParts()
    add_mask_loss(parts, logits, boxes, crops, labels, matched)
    return parts.means()["loss_mask"]


def test_the_mask_loss_equals_torchvisions() -> None:
    rng = np.random.default_rng(3)
    dense = [blob(rng, 96) for _ in range(3)]
    boxes, matched = random_boxes(rng, 9, 96), torch.from_numpy(rng.integers(0, 3, size=9))
    labels = torch.tensor([1, 2, 1])
    logits = torch.from_numpy(rng.normal(size=(9, 3, 28, 28))).float()
    full = torch.from_numpy(np.stack(dense)).to(torch.uint8)
    expected = maskrcnn_loss(logits, [boxes], [full], [labels], [matched])
    torch.testing.assert_close(mask_loss(logits, [boxes], [crops_of(dense)], [labels], [matched]), expected)


def test_a_batch_without_positives_has_a_mask_loss_of_zero_that_can_be_differentiated() -> None:
    logits = torch.zeros((0, 2, 28, 28), requires_grad=True)
    loss = mask_loss(logits, [torch.zeros((0, 4))], [[]], [torch.zeros(0, dtype=torch.int64)], [torch.zeros(0).long()])
    loss.backward()
    assert loss.item() == 0
