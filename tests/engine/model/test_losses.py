"""The losses are torchvision's, and parts of a batch add up to the batch."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

from engine.domain.mask import Mask
from engine.model.inputs import resize_affine
from engine.model.losses import LOSSES, LossParts, packed, unpacked
from engine.model.mask_rcnn import Architecture, MaskRCNN
from engine.model.roi_heads import Target
from engine.model.sampler import KeyedSampler
from engine.training.samples import mask_crop

SIZE = 128
KEYS = [11, 22]


@pytest.fixture(scope="module")
def network() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(Architecture(classes=2, image_size=SIZE, rois_per_image=64), pretrained=False).train()


def scene(seed: int, objects: int) -> tuple[Tensor, Target, Tensor]:
    """An image, its target, and the same masks in full size: rings, some cut by the border."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    dense, boxes, crops = [], [], []
    for _ in range(objects):
        cx, cy = rng.uniform(10, SIZE - 10, size=2)
        distance = np.hypot(x - cx, y - cy)
        array = (distance < rng.uniform(14, 40)) & (distance > 6)
        crop = mask_crop(Mask.from_array(array), resize_affine(SIZE, SIZE, (SIZE, SIZE)), (SIZE, SIZE))
        assert crop is not None
        rows, columns = np.flatnonzero(array.any(1)), np.flatnonzero(array.any(0))
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        dense.append(array)
        crops.append(crop)
    target = Target(
        boxes=torch.tensor(np.array(boxes), dtype=torch.float32),
        labels=torch.from_numpy(rng.integers(1, 3, size=objects)),
        masks=crops,
    )
    image = torch.from_numpy(rng.normal(size=(3, SIZE, SIZE))).float()
    return image, target, torch.from_numpy(np.stack(dense)).to(torch.uint8)


def torchvision_losses(
    network: MaskRCNN, images: Tensor, targets: list[Target], full: list[Tensor]
) -> dict[str, Tensor]:
    """The same network and draws through torchvision's own arithmetic, masks in full size."""
    sizes = [(SIZE, SIZE)] * len(targets)
    network.rpn.fg_bg_sampler.keys = network.roi_heads.fg_bg_sampler.keys = KEYS
    dense = [{"boxes": t["boxes"], "labels": t["labels"], "masks": f} for t, f in zip(targets, full, strict=True)]
    features = network.backbone(images)
    network.rpn.compute_loss = partial(RegionProposalNetwork.compute_loss, network.rpn)
    try:
        proposals, losses = network.rpn(ImageList(images, sizes), features, dense)
    finally:
        del network.rpn.compute_loss
    _, more = RoIHeads.forward(network.roi_heads, features, proposals, sizes, dense)
    return {**losses, **more}


def test_the_five_losses_equal_torchvisions(network: MaskRCNN) -> None:
    scenes = [scene(1, 3), scene(2, 5)]
    images, targets, full = torch.stack([s[0] for s in scenes]), [s[1] for s in scenes], [s[2] for s in scenes]
    with torch.no_grad():
        ours = network.losses(images, [(SIZE, SIZE)] * 2, targets, KEYS)
        theirs = torchvision_losses(network, images, targets, full)
    assert set(ours) == set(theirs) == set(LOSSES)
    assert all(ours[name] > 0 for name in LOSSES)
    for name in LOSSES:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-4, rtol=1e-4, msg=name)


def test_images_apart_add_up_to_the_batch(network: MaskRCNN) -> None:
    scenes = [scene(1, 2), scene(2, 6)]
    images, targets = torch.stack([s[0] for s in scenes]), [s[1] for s in scenes]
    with torch.no_grad():
        whole = network.losses(images, [(SIZE, SIZE)] * 2, targets, KEYS)
        parts = [
            network.loss_parts(images[i : i + 1], [(SIZE, SIZE)], targets[i : i + 1], KEYS[i : i + 1]) for i in (0, 1)
        ]
    counts = unpacked(packed(parts, torch.device("cpu")))
    for name in LOSSES:
        added = sum(part.means(counts)[name] for part in parts)
        torch.testing.assert_close(added, whole[name], atol=1e-5, rtol=1e-4)
    apart = sum(part.means()["loss_mask"] for part in parts) / 2
    assert abs(float(apart - whole["loss_mask"])) > 1e-6  # the mean of the parts is another number


def test_an_image_gets_the_same_draw_in_whatever_batch() -> None:
    labels = [torch.randint(-1, 3, (500,), generator=torch.Generator().manual_seed(k)) for k in range(3)]
    sampler = KeyedSampler(64, 0.25, salt=1)
    sampler.keys = [7, 8, 9]
    together = sampler(labels)
    sampler.keys = [9]
    alone = sampler([labels[2]])
    assert torch.equal(together[0][2], alone[0][0])
    assert torch.equal(together[1][2], alone[1][0])
    assert int(alone[0][0].sum()) == 16
    assert int(alone[1][0].sum()) == 48
    assert not (alone[0][0] & alone[1][0]).any()


def test_a_loss_of_nothing_is_zero() -> None:
    parts = LossParts()
    parts.add("loss_mask", torch.zeros(()), 0)
    assert float(parts.means()["loss_mask"]) == 0
