from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet50
from torchvision.models.detection import maskrcnn_resnet50_fpn

from engine.config import WEIGHTS
from engine.domain.annotation import Category
from engine.errors import UserError
from engine.model import sources
from engine.model.architecture import Architecture
from engine.model.loading import LoadReport
from engine.model.mask_rcnn import MaskRCNN
from engine.model.published import PUBLISHED
from engine.model.sources import OpenedWeights, load_detector, open_weights, start_network
from engine.model.weights import model_tensors, write_tensors
from engine.project.store import ProjectStore

SMALL = {"fpn_channels": 16, "head_channels": 32, "image_size": 64}


def begin(weights: OpenedWeights, categories, *, masks: bool = True) -> tuple[MaskRCNN, LoadReport]:
    return start_network(weights, categories=categories, masks=masks, image_size=64, rois_per_image=16)


def colours(*names: str) -> tuple[Category, ...]:
    return tuple(Category(i, n, "#000000") for i, n in enumerate(names, start=1))


def trained(path: Path, categories: tuple[Category, ...], **options: object) -> MaskRCNN:
    """A checkpoint as a run leaves it, of a small network with random weights."""
    network = MaskRCNN(Architecture(classes=len(categories), **{**SMALL, **options}), pretrained=False).eval()
    facts = {
        "architecture": network.architecture.to_json(),
        "categories": [{"id": c.id, "name": c.name, "color": c.color} for c in categories],
        "progress": {"epoch": 1, "step": 1, "epoch_step": 0},
    }
    write_tensors(path, model_tensors(network.state_dict()), facts)
    return network


@torch.inference_mode()
def logits(network: MaskRCNN) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Class logits [K, C], box deltas [K, C, 4] and mask logits [K, C, 28, 28] of a few ROIs."""
    network.eval()
    heads, sizes = network.roi_heads, [(64, 64)]
    torch.manual_seed(3)
    features = network.backbone(torch.randn(1, 3, 64, 64))
    rois = [torch.tensor([[2.0, 3.0, 40.0, 50.0], [20.0, 8.0, 60.0, 33.0]])]
    classes, boxes = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, rois, sizes)))
    masks = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, rois, sizes)))
    return classes, boxes.view(len(classes), -1, 4), masks


def assert_goes_on(old: MaskRCNN, new: MaskRCNN, labels: dict[int, int]) -> None:
    """Every one of `labels` (new -> old) answers as before."""
    for before, after in zip(logits(old), logits(new), strict=True):
        for new_label, old_label in {0: 0, **labels}.items():
            torch.testing.assert_close(after[:, new_label], before[:, old_label], atol=1e-6, rtol=0)


def test_after_renaming_removing_adding_and_merging_classes_the_others_answer_as_before(tmp_path: Path) -> None:
    with ProjectStore.create(tmp_path / "project") as store:
        with store.change("Classes") as change:
            nut, bolt, _pin, ring, cap = (change.add_category(n) for n in ("nut", "bolt", "pin", "ring", "cap"))
        checkpoint = tmp_path / "project" / "runs" / "first" / "checkpoints" / "best.safetensors"
        old = trained(checkpoint, store.categories())
        with store.change("Other classes") as change:
            change.rename_category(bolt.id, "screw")
            change.remove_category(nut.id)
            change.add_category("nail")
            change.merge_category(ring.id, cap.id)
        new = store.categories()
    (checkpoint.parents[1] / "config.json").write_text("{}")
    weights = open_weights("run:first@best", project_folder=tmp_path / "project")
    network, report = begin(weights, new)
    assert [c.name for c in new] == ["screw", "pin", "cap", "nail"]
    assert_goes_on(old, network, {1: 2, 2: 3, 3: 5})
    text = " ".join(report.lines())
    assert "“screw” (was “bolt”)" in text
    assert "New classes, fresh: “nail”" in text
    assert "Classes left out: “nut”, “ring”" in text
    assert report.fresh == ()


def test_a_checkpoint_of_another_project_is_matched_by_name_alone(tmp_path: Path) -> None:
    old = trained(tmp_path / "other.safetensors", colours("nut", "bolt"))
    (tmp_path / "project" / "runs").mkdir(parents=True)
    weights = open_weights(str(tmp_path / "other.safetensors"), project_folder=tmp_path / "project")
    network, report = begin(weights, colours("bolt", "pin"))
    assert report.classes.sources == (2, None)
    assert_goes_on(old, network, {1: 2})


def test_a_network_without_masks_leaves_the_mask_branch_behind_and_says_so(tmp_path: Path) -> None:
    trained(tmp_path / "x.safetensors", colours("nut"))
    weights = open_weights(str(tmp_path / "x.safetensors"), project_folder=tmp_path)
    _, report = begin(weights, colours("nut"), masks=False)
    assert {name.split(".")[1] for name, _ in report.skipped} == {"mask_head", "mask_predictor"}
    assert any("no such part" in line for line in report.lines())


def test_tensors_of_another_shape_are_skipped_with_both_shapes(tmp_path: Path) -> None:
    trained(tmp_path / "x.safetensors", colours("nut"))
    weights = open_weights(str(tmp_path / "x.safetensors"), project_folder=tmp_path)
    name = "roi_heads.box_head.fc7.weight"
    weights.tensors[name] = torch.zeros(5, 32)
    _, report = begin(weights, colours("nut"))
    assert dict(report.skipped)[name] == "shaped 5 × 32 where the network has 32 × 32"
    assert name in report.fresh


def test_weights_of_which_nothing_fits_are_refused() -> None:
    nothing = OpenedWeights("odd", {"a.b": torch.zeros(1)}, Architecture(classes=0, **SMALL))
    with pytest.raises(UserError, match="Nothing in the weights “odd” fits"):
        begin(nothing, colours("nut"))


def test_the_packaged_weights_fill_the_body_and_the_rest_starts_fresh(tmp_path: Path) -> None:
    network, report = begin(open_weights("lite0", project_folder=tmp_path), colours("nut"))
    assert report.skipped == ()
    assert {name.split(".")[1] for name in report.loaded} == {"body"}
    assert not any(name.startswith("backbone.body") for name in report.fresh)
    assert network.architecture == Architecture(classes=1, image_size=64, rois_per_image=16)


def test_a_network_started_from_the_same_seed_is_the_same(tmp_path: Path) -> None:
    weights = open_weights("lite0", project_folder=tmp_path)
    states = []
    for _ in range(2):
        torch.manual_seed(4)
        states.append(begin(weights, colours("nut"))[0].state_dict())
    assert all(torch.equal(states[0][n], states[1][n]) for n in states[0])


def test_every_name_that_can_be_chosen_is_a_source_and_knows_its_file() -> None:
    assert ("lite0", *PUBLISHED) == WEIGHTS
    for published in PUBLISHED.values():
        assert published.url.startswith("https://")
        assert len(published.sha256) == 8
    assert [p.name for p in PUBLISHED.values() if p.bn_eps == 0.0] == ["coco"]


@pytest.fixture
def arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, torch.Tensor]], None]:
    """Lets every download bring the given state."""

    def bring(state: dict[str, torch.Tensor]) -> None:
        torch.save(state, tmp_path / "downloaded.pth")
        monkeypatch.setattr(sources, "fetch", lambda _name, _progress=None: tmp_path / "downloaded.pth")

    return bring


def test_a_published_classifier_gives_its_body(tmp_path: Path, arrives) -> None:
    state = resnet50(weights=None).state_dict()
    arrives(state)
    network, report = begin(open_weights("resnet50-imagenet-v1", project_folder=tmp_path), colours("nut"))
    assert [name for name, _ in report.skipped] == ["backbone.body.fc.weight", "backbone.body.fc.bias"]
    assert torch.equal(network.backbone.body.layer4[2].conv3.weight, state["layer4.2.conv3.weight"])
    assert network.architecture.bn_eps == 1e-5
    with pytest.raises(UserError, match="knows pictures but no objects"):
        load_detector("resnet50-imagenet-v1")


def test_classes_that_coco_knows_go_on_from_its_rows(tmp_path: Path, arrives) -> None:
    state = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).state_dict()
    arrives(state)
    network, report = begin(open_weights("coco", project_folder=tmp_path), colours("stop sign", "ring", "Person"))
    assert report.classes.sources == (13, None, 1)
    rows = state["roi_heads.box_predictor.bbox_pred.weight"]
    assert torch.equal(network.roi_heads.box_predictor.bbox_pred.weight[4:8], rows[52:56])
    assert network.architecture.bn_eps == 0.0
    assert "N/A" not in report.classes.dropped
    assert report.fresh == ()


def test_a_copy_of_a_published_file_is_recognised_by_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import dataclass

    from engine.model.downloads import sha256_of

    @dataclass
    class Description:
        url: str
        meta: dict[str, list[str]]

    torch.save(
        maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=3).state_dict(), tmp_path / "a.pt"
    )
    url = f"https://example.org/x-{sha256_of(tmp_path / 'a.pt')[:8]}.pth"
    fake = sources.Published(
        "coco", Description(url, {"categories": ["-", "nut", "bolt"]}), bn_eps=0.0, is_detector=True
    )
    monkeypatch.setitem(sources.PUBLISHED, "coco", fake)
    opened = open_weights(str(tmp_path / "a.pt"), project_folder=tmp_path)
    assert (opened.title, opened.architecture.bn_eps) == ("coco", 0.0)
    network, categories, _ = load_detector(tmp_path / "a.pt")
    assert [(c.id, c.name) for c in categories] == [(1, "nut"), (2, "bolt")]
    assert network.architecture.short_side == 800


def test_a_file_of_torchvision_matches_by_the_names_that_are_given(tmp_path: Path) -> None:
    torch.save(
        maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=3).state_dict(), tmp_path / "a.pth"
    )
    silent = open_weights(str(tmp_path / "a.pth"), project_folder=tmp_path)
    named = open_weights(str(tmp_path / "a.pth"), project_folder=tmp_path, names=["bolt", "nut"], bn_eps=0.0)
    assert begin(silent, colours("nut"))[1].classes.sources == (None,)
    network, report = begin(named, colours("nut"))
    assert report.classes.sources == (2,)
    assert network.architecture.bn_eps == 0.0
    assert network.architecture.short_side is None
