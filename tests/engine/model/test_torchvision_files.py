import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2

from engine.config import DetectConfig
from engine.domain.mask import Mask
from engine.domain.prediction import Detections
from engine.errors import FormatError, UserError
from engine.model.device import choose_device
from engine.model.torchvision_files import architecture_of, present_name, read_state
from engine.prediction.predictor import Predictor

CLASSES = 4  # background included
SCORE = 0.2


def theirs(build=maskrcnn_resnet50_fpn, **options: object) -> torch.nn.Module:
    """torchvision's network with random weights that find something in most pictures."""
    torch.manual_seed(5)
    model = build(
        weights=None, weights_backbone=None, num_classes=CLASSES, box_score_thresh=SCORE, box_detections_per_img=30,
        **options,
    )  # fmt: skip
    with torch.no_grad():
        for block in model.backbone.body.modules():
            if hasattr(block, "bn3"):
                block.bn3.weight.fill_(0.2)  # keeps activations of an untrained ResNet from exploding
        model.roi_heads.box_predictor.cls_score.weight.mul_(15)  # several classes, scores apart
        model.roi_heads.mask_predictor.mask_fcn_logits.weight.mul_(5)
    return model.eval()


def picture(height: int = 30, width: int = 200) -> np.ndarray:
    """A narrow one: the rule makes it 200 x 1333, where a square one would be 800 x 800."""
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, size=(height // 10, width // 10, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((10, 10, 1), dtype=np.uint8))


def torchvision_finds(model: torch.nn.Module, image: np.ndarray) -> dict[str, torch.Tensor]:
    tensor = torch.from_numpy(image).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        (found,) = model([tensor])
    has_pixels = (found["masks"][:, 0] > 0.5).flatten(1).any(dim=1)
    return {key: value[has_pixels] for key, value in found.items()}


def assert_same(ours: Detections, expected: dict[str, torch.Tensor]) -> None:
    assert len(expected["boxes"]) >= 3
    assert len(ours) == len(expected["boxes"])
    boxes = np.array([p.box_xyxy for p in ours.predictions])
    scores = np.array([p.score for p in ours.predictions])
    np.testing.assert_allclose(boxes, expected["boxes"].numpy(), atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(scores, expected["scores"].numpy(), atol=1e-4)
    assert [p.category_id for p in ours.predictions] == expected["labels"].tolist()
    for prediction, mask in zip(ours.predictions, expected["masks"], strict=True):
        assert prediction.mask is not None
        assert prediction.mask.iou(Mask.from_array((mask[0] > 0.5).numpy())) >= 0.999


@pytest.fixture
def config() -> DetectConfig:
    return DetectConfig(score_threshold=SCORE, max_detections=30)


def test_a_state_of_torchvisions_network_detects_what_torchvision_detects(tmp_path: Path, config: DetectConfig) -> None:
    model, image = theirs(), picture()
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    device = choose_device("cpu", amp="off")
    predictor = Predictor.from_checkpoint(tmp_path / "theirs.pth", config=config, device=device)
    (found,) = predictor.detect([image])
    assert_same(found, torchvision_finds(model, image))
    assert [c.name for c in predictor.categories] == ["class 1", "class 2", "class 3"]


@pytest.mark.slow
def test_a_state_of_the_second_version_detects_what_torchvision_detects(tmp_path: Path, config: DetectConfig) -> None:
    model, image = theirs(maskrcnn_resnet50_fpn_v2), picture()
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    predictor = Predictor.from_checkpoint(
        tmp_path / "theirs.pth", config=config, device=choose_device("cpu", amp="off")
    )
    (found,) = predictor.detect([image])
    assert_same(found, torchvision_finds(model, image))


def nameless(classes: int = CLASSES, blocks: int = 6) -> dict[str, torch.Tensor]:
    """The few tensors that tell what a state belongs to."""
    state = {
        "roi_heads.box_predictor.cls_score.weight": torch.zeros(classes, 1024),
        "backbone.fpn.layer_blocks.0.0.weight": torch.zeros(256, 256, 3, 3),
        "roi_heads.mask_predictor.mask_fcn_logits.weight": torch.zeros(classes, 256, 1, 1),
    }
    return state | {f"backbone.body.layer3.{k}.conv3.weight": torch.zeros(1) for k in range(blocks)}


@pytest.mark.parametrize(("blocks", "backbone"), [(6, "resnet50"), (23, "resnet101")])
def test_the_number_of_classes_and_the_backbone_are_read_off_the_state(blocks: int, backbone: str) -> None:
    found = architecture_of(nameless(8, blocks), Path("x.pth"), bn_eps=0.0)
    assert (found.classes, found.backbone, found.masks, found.heads, found.bn_eps) == (7, backbone, True, "v1", 0.0)


@pytest.mark.parametrize("state", [nameless(blocks=3), nameless(classes=1), {"fc.weight": torch.zeros(3)}])
def test_a_state_of_another_network_gets_a_sentence(state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(FormatError, match="not a Mask R-CNN of torchvision"):
        architecture_of(state, Path("x.pth"), bn_eps=1e-5)


@pytest.mark.parametrize("key", ["model", "state_dict"])
def test_a_wrapped_state_is_unwrapped(tmp_path: Path, key: str) -> None:
    torch.save({key: {"module.a": torch.ones(2)}, "epoch": 3}, tmp_path / "x.pth")
    assert list(read_state(tmp_path / "x.pth")) == ["a"]


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("ran"),)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, save in (("torch.pth", lambda p: torch.save({"a": Hostile()}, p)), ("plain.pth", _pickled)):
        save(tmp_path / name)
        with pytest.raises(FormatError, match="could run code"):
            read_state(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Hostile()}))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 torn"])
def test_a_damaged_file_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(FormatError, match="weights file"):
        read_state(tmp_path / "x.pth")


def test_a_file_without_tensors_by_name_gets_a_sentence(tmp_path: Path) -> None:
    torch.save([torch.ones(2)], tmp_path / "x.pth")
    with pytest.raises(FormatError, match="no network's weights"):
        read_state(tmp_path / "x.pth")


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="does not exist"):
        read_state(tmp_path / "x.pth")


def test_names_for_another_number_of_classes_are_refused(tmp_path: Path) -> None:
    torch.save(nameless(), tmp_path / "x.pth")
    with pytest.raises(UserError, match="3 classes, but 2 names"):
        Predictor.from_checkpoint(tmp_path / "x.pth", names=["a", "b"])


def test_a_state_with_a_tensor_missing_is_not_opened(tmp_path: Path) -> None:
    torch.save(nameless(), tmp_path / "x.pth")
    with pytest.raises(FormatError, match=r"do not fit .* first at"):
        Predictor.from_checkpoint(tmp_path / "x.pth")


def test_names_that_torchvision_gave_its_tensors_before_are_translated_as_it_does() -> None:
    assert present_name("rpn.head.conv.weight") == "rpn.head.conv.0.0.weight"
    assert present_name("backbone.fpn.inner_blocks.2.bias") == "backbone.fpn.inner_blocks.2.0.bias"
    assert present_name("roi_heads.mask_head.mask_fcn4.weight") == "roi_heads.mask_head.3.0.weight"
    for name in ("rpn.head.conv.0.0.weight", "backbone.fpn.layer_blocks.1.0.bias", "roi_heads.mask_head.0.0.bias"):
        assert present_name(name) == name
