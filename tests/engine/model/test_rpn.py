from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork

from engine.model.mask_rcnn import Architecture, MaskRCNN
from engine.model.record import Record

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> MaskRCNN:
    torch.manual_seed(4)
    architecture = Architecture(
        classes=2, image_size=64, fpn_channels=16, head_channels=16, pre_nms=(90, 70), post_nms=(60, 40)
    )
    network = MaskRCNN(architecture, pretrained=False)
    with torch.no_grad():
        network.rpn.head.bbox_pred.weight.mul_(40)  # boxes that leave their anchors
    return network


def outputs(network: MaskRCNN, images: int) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Boxes and logits of anchors on three levels; some boxes lie outside, some have no area."""
    torch.manual_seed(images)
    counts = [300, 120, 30]
    corner = torch.rand(images, 450, 2) * 90 - 20
    boxes = torch.cat([corner, corner + torch.rand(images, 450, 2) * 50], dim=2)
    boxes[:, ::17, 2:] = boxes[:, ::17, :2]
    return boxes, torch.randn(images * 450, 1), counts


@pytest.mark.parametrize("training", [True, False])
def test_proposals_are_torchvisions_bit_by_bit(network: MaskRCNN, training: bool) -> None:
    network.train(training)
    boxes, logits, counts = outputs(network, 2)
    sizes = [(64, 64), (48, 60)]
    own_boxes, own_scores = network.rpn.filter_proposals(boxes, logits, sizes, counts)
    boxes_there, scores_there = RegionProposalNetwork.filter_proposals(network.rpn, boxes, logits, sizes, counts)
    for own, there in zip([*own_boxes, *own_scores], [*boxes_there, *scores_there], strict=True):
        assert len(own) >= 20
        assert torch.equal(own, there)


def test_what_is_recorded_leads_from_every_proposal_to_its_anchor(network: MaskRCNN) -> None:
    network.eval()
    images, sizes = torch.randn(1, 3, 64, 64), [(64, 56)]
    record = Record(CPU)
    with torch.inference_mode():
        features = network.backbone(images)
        (plain,) = network.rpn.propose(ImageList(images, sizes), features)
        (proposals,) = network.rpn.propose(ImageList(images, sizes), features, record)
    first = record.first
    assert first is not None
    assert record.anchors is not None
    assert torch.equal(proposals, plain)
    chosen = first.kept[: first.limit]
    inside = first.boxes[chosen].clamp(min=0)
    inside = torch.stack([inside[:, 0].clamp(max=56), inside[:, 1].clamp(max=64),
                          inside[:, 2].clamp(max=56), inside[:, 3].clamp(max=64)], dim=1)  # fmt: skip
    assert torch.equal(inside, proposals)
    assert len(record.anchors) == len(first.objectness) == sum(first.counts)
    assert set(first.kept.tolist()) < set(first.usable.tolist()) <= set(first.ranked.tolist())


def test_nothing_is_kept_when_nobody_asks(network: MaskRCNN) -> None:
    network.eval()
    record = Record(CPU)
    network.detect(torch.zeros(1, 3, 64, 64), [(64, 64)], record)
    seen = record.first
    network.detect(torch.ones(1, 3, 64, 64), [(64, 64)])
    assert record.first is seen


def test_only_a_single_image_is_recorded(network: MaskRCNN) -> None:
    network.eval()
    with pytest.raises(ValueError, match="unpack"):
        network.detect(torch.zeros(2, 3, 64, 64), [(64, 64), (64, 64)], Record(CPU))
