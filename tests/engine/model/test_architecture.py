import pytest
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2

from engine.config import Layers
from engine.model.architecture import Architecture
from engine.model.mask_rcnn import MaskRCNN


def on_paper(architecture: Architecture) -> MaskRCNN:
    """The network without its numbers: names and shapes only, built at once."""
    with torch.device("meta"):
        return MaskRCNN(architecture, pretrained=False)


@pytest.mark.parametrize(("heads", "build"), [("v1", maskrcnn_resnet50_fpn), ("v2", maskrcnn_resnet50_fpn_v2)])
def test_names_and_shapes_are_torchvisions(heads, build) -> None:
    with torch.device("meta"):
        theirs = build(weights=None, weights_backbone=None, num_classes=5)
    ours = on_paper(Architecture.torchvision(classes=4, heads=heads))
    assert {n: t.shape for n, t in ours.state_dict().items()} == {n: t.shape for n, t in theirs.state_dict().items()}


def test_what_stage_one_keeps_is_what_torchvision_keeps() -> None:
    with torch.device("meta"):
        theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).rpn
    ours = on_paper(Architecture.torchvision(classes=90)).rpn
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        assert ours.pre_nms_top_n() == theirs.pre_nms_top_n()
        assert ours.post_nms_top_n() == theirs.post_nms_top_n()
    assert ours.anchor_generator.sizes == theirs.anchor_generator.sizes
    assert ours.anchor_generator.aspect_ratios == theirs.anchor_generator.aspect_ratios


@pytest.mark.parametrize(("backbone", "blocks"), [("resnet50", 6), ("resnet101", 23)])
def test_stage_k_of_a_resnet_produces_stride_two_to_the_k(backbone, blocks: int) -> None:
    network = on_paper(Architecture.torchvision(classes=1, backbone=backbone))
    assert len(network.backbone.body.layer3) == blocks
    strides: dict[int, int] = {}
    for stage in range(1, 6):
        network.backbone.stage_modules(stage)[-1].register_forward_hook(
            lambda _m, _i, out, stage=stage: strides.update({stage: 64 // out.shape[-1]})
        )
    network.backbone(torch.zeros(1, 3, 64, 64, device="meta"))
    assert strides == {1: 2, 2: 4, 3: 8, 4: 16, 5: 32}


@pytest.mark.parametrize(
    ("layers", "parts"),
    [
        (Layers.HEADS, set()),
        (Layers.FROM_5, {"layer4"}),
        (Layers.FROM_4, {"layer3", "layer4"}),
        (Layers.FROM_3, {"layer2", "layer3", "layer4"}),
        (Layers.ALL, {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4"}),
    ],
)
def test_a_stage_trains_the_resnet_blocks_from_its_stride_on(layers: Layers, parts: set[str]) -> None:
    network = on_paper(Architecture.torchvision(classes=1))
    network.set_trainable(layers)
    learning = {n.split(".")[0] for n, p in network.backbone.body.named_parameters() if p.requires_grad}
    assert learning == parts


def test_batch_norm_adds_what_the_weights_were_trained_with() -> None:
    for eps in (0.0, 1e-5):
        network = on_paper(Architecture.torchvision(classes=1, heads="v2", bn_eps=eps))
        assert {m.eps for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {eps}
    own = on_paper(Architecture(classes=1))
    assert {m.eps for m in own.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-3}


def test_an_architecture_comes_back_from_its_description() -> None:
    for architecture in (Architecture(classes=3), Architecture.torchvision(classes=3, heads="v2", bn_eps=0.0)):
        assert Architecture.from_json(architecture.to_json()) == architecture


def test_a_description_from_before_there_was_a_choice_is_the_networks_of_that_time() -> None:
    first = {
        "classes": 2, "masks": True, "anchor_sizes": [32, 64, 128, 256, 512], "anchor_ratios": [0.5, 1.0, 2.0],
        "fpn_channels": 128, "head_channels": 512, "rois_per_image": 128, "image_size": 512,
    }  # fmt: skip
    assert Architecture.from_json(first) == Architecture(classes=2, feature_std=())
