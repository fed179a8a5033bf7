import pytest
import torch
from torch import nn

from engine.config import DetectConfig, Layers
from engine.model.mask_rcnn import Architecture, MaskRCNN


@pytest.fixture(scope="module")
def network() -> MaskRCNN:
    return MaskRCNN(Architecture(classes=3, image_size=64))


def trainable_parts(network: MaskRCNN, layers: Layers) -> set[str]:
    network.set_trainable(layers)
    return {".".join(n.split(".")[:4]) for n, p in network.named_parameters() if p.requires_grad}


def test_heads_trains_everything_but_the_body(network: MaskRCNN) -> None:
    parts = trainable_parts(network, Layers.HEADS)
    assert not any(p.startswith("backbone.body") for p in parts)
    assert any(p.startswith("backbone.fpn") for p in parts)
    assert any(p.startswith("rpn") for p in parts)
    assert any(p.startswith("roi_heads.mask_predictor") for p in parts)


@pytest.mark.parametrize(
    ("layers", "first_block"), [(Layers.FROM_5, 5), (Layers.FROM_4, 3), (Layers.FROM_3, 2), (Layers.ALL, 0)]
)
def test_a_stage_trains_the_blocks_from_its_stride_on(network: MaskRCNN, layers: Layers, first_block: int) -> None:
    parts = trainable_parts(network, layers)
    blocks = {int(p.split(".")[3]) for p in parts if p.startswith("backbone.body.blocks")}
    assert blocks == set(range(first_block, 7))
    assert ("backbone.body.conv_stem.weight" in parts) == (layers is Layers.ALL)


def test_stage_k_produces_stride_two_to_the_k(network: MaskRCNN) -> None:
    strides: dict[int, int] = {}
    hooks = []
    for stage in range(1, 6):
        last = network.backbone.stage_modules(stage)[-1]
        hooks.append(
            last.register_forward_hook(lambda _m, _i, out, stage=stage: strides.update({stage: 64 // out.shape[-1]}))
        )
    network.backbone(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    assert strides == {1: 2, 2: 4, 3: 8, 4: 16, 5: 32}


def test_training_mode_keeps_batch_norm_statistics_but_lets_its_affine_part_learn(network: MaskRCNN) -> None:
    network.train()
    network.set_trainable(Layers.ALL)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert not any(m.training for m in norms)
    assert all(m.weight.requires_grad for m in norms)
    network.eval()


def test_detections_name_the_roi_they_came_from(network: MaskRCNN) -> None:
    network.eval()
    network.set_detection(DetectConfig(score_threshold=0.0, max_detections=1000))
    torch.manual_seed(0)
    (found,) = network.detect(torch.randn(1, 3, 64, 64), [(64, 64)])
    assert len(found["boxes"]) == len(found["rois"]) == len(found["masks"])
    assert found["masks"].shape[1:] == (1, 28, 28)
    assert (found["rois"] >= 0).all()
    # An untrained network gives every class to every ROI: several classes share one.
    assert len(found["rois"].unique()) < len(found["rois"])


def test_without_the_mask_branch_only_boxes_come_out() -> None:
    network = MaskRCNN(Architecture(classes=1, masks=False, image_size=64), pretrained=False).eval()
    network.set_detection(DetectConfig(score_threshold=0.0))
    (found,) = network.detect(torch.randn(1, 3, 64, 64), [(64, 64)])
    assert "masks" not in found
    assert not any("mask" in name for name, _ in network.named_parameters())


def test_the_packaged_weights_fill_the_whole_body() -> None:
    fresh = MaskRCNN(Architecture(classes=1), pretrained=False).backbone.body.state_dict()
    loaded = MaskRCNN(Architecture(classes=1), pretrained=True).backbone.body.state_dict()
    same = [n for n, t in loaded.items() if t.ndim == 4 and torch.equal(t, fresh[n])]
    assert same == []
