"""RoIAlign as embedding bags is torchvision's RoIAlign, forward and backward."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from engine.model.roi_pool import RoiPool


def pyramid(images: int = 2, side: int = 128) -> OrderedDict[str, Tensor]:
    torch.manual_seed(3)
    return OrderedDict(
        (str(i), torch.randn(images, 6, side >> (i + 2), (side + 64) >> (i + 2), requires_grad=True)) for i in range(4)
    )


def boxes_of_all_sizes() -> list[Tensor]:
    """Inside, over each border, wholly outside, a point, and large enough for every level."""
    torch.manual_seed(4)
    corner = torch.rand(40, 2) * 160 - 20
    size = torch.rand(40, 2) ** 3 * 190
    usual = torch.cat([corner, corner + size], dim=1)
    odd = torch.tensor([[-50.0, -50, -20, -20], [5, 5, 5, 5], [-300, -300, 600, 700], [190, 100, 300, 300]])
    return [usual, odd]


@pytest.mark.parametrize("size", [7, 14])
def test_pools_what_torchvision_pools(size: int) -> None:
    ours, theirs = pyramid(), pyramid()
    boxes = boxes_of_all_sizes()
    reference = MultiScaleRoIAlign(["0", "1", "2", "3"], size, 2)(theirs, boxes, [(128, 192)] * 2)
    pooled = RoiPool(size)(ours, boxes, [(128, 192)] * 2)
    torch.testing.assert_close(pooled, reference, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(reference)
    (pooled * weights).sum().backward()
    (reference * weights).sum().backward()
    for name in ours:
        torch.testing.assert_close(ours[name].grad, theirs[name].grad, rtol=1e-4, atol=1e-4)


def test_pools_nothing_from_no_boxes() -> None:
    pooled = RoiPool(7)(pyramid(), [torch.zeros(0, 4), torch.zeros(0, 4)], [(128, 192)] * 2)
    assert pooled.shape == (0, 6, 7, 7)


def test_gradients_are_the_same_every_time() -> None:
    def gradient() -> Tensor:
        levels = pyramid()
        RoiPool(7)(levels, boxes_of_all_sizes(), [(128, 192)] * 2).pow(2).sum().backward()
        grad = levels["0"].grad
        assert grad is not None
        return grad

    assert torch.equal(gradient(), gradient())
