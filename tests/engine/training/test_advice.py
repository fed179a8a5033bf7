from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Annotation, Category, Instance, Split
from engine.domain.mask import Mask
from engine.errors import DataError, UserError
from engine.model.architecture import Architecture
from engine.model.device import choose_device
from engine.model.inputs import batch_of
from engine.model.mask_rcnn import MaskRCNN
from engine.model.weights import model_tensors, write_tensors
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.training.advice import ROI_CHOICES, RoiAdvice, advise_anchors, advise_rois, positive_share
from engine.training.augment import usual_augmentation
from engine.training.loader import SampleLoader
from engine.training.looking import Looker, open_looker, planned_anchor_sizes, trained_run

USUAL = Architecture.anchor_sizes


def asked(*settings: str) -> TrainConfig:
    usual = ("image_size=64", "device=cpu", "amp=off", "threads=1", "min_epoch_steps=0")
    return train_config("quick", settings=(*usual, *settings))


def dataset_of(side: int) -> FrozenDataset:
    """One image of 512 x 512 with squares of one size in its four quarters."""
    corners = ((40, 40), (300, 51), (62, 280), (310, 290))
    masks = [Mask.from_box((x, y, x + side, y + side), 512, 512) for x, y in corners]
    annotation = Annotation(1, 512, 512, tuple(Instance.from_mask(m, 1) for m in masks))
    return FrozenDataset((Category(1, "nut", "#000000"),), (FrozenImage(1, Path("a"), annotation, Split.TRAIN),))


def test_small_objects_get_sizes_that_match_more_of_them() -> None:
    advice = advise_anchors(dataset_of(14), asked("image_size=512"), USUAL)
    assert advice.fit.unmatched50 == 1.0
    assert advice.suggested is not None
    assert advice.suggested_fit is not None
    assert advice.suggested_fit.unmatched50 == 0.0
    written = ",".join(map(str, advice.suggested))
    assert f"--set anchor_sizes={written}" in " ".join(advice.lines())
    again = asked("image_size=512", f"anchor_sizes={written}")
    assert advise_anchors(dataset_of(14), again, again.anchor_sizes).suggested is None


def test_anchors_that_fit_are_said_to_fit() -> None:
    advice = advise_anchors(dataset_of(64), asked("image_size=512"), USUAL)
    assert (advice.fit.unmatched50, advice.suggested) == (0.0, None)
    assert "The present anchors fit" in advice.lines()[-1]


def test_the_fit_is_told_for_each_class(tiny_dataset: FrozenDataset) -> None:
    by_category = advise_anchors(tiny_dataset, asked("image_size=96"), USUAL).by_category
    assert {name: fit.objects for name, fit in by_category.items()} == {"ring": 3, "disc": 3}
    assert by_category["ring"].mean_iou > by_category["disc"].mean_iou  # 36 pixels wide and 28


def test_anchors_without_an_object_are_refused() -> None:
    with pytest.raises(DataError, match="no object"):
        advise_anchors(replace(dataset_of(14), images=()), asked(), USUAL)


@pytest.mark.parametrize("sizes", ["16,32,64", "64,32,16,8,4", "0,1,2,3,4", "a,b,c,d,e"])
def test_anchor_sizes_that_cannot_be_used_are_refused(sizes: str) -> None:
    with pytest.raises(UserError, match="anchor_sizes"):
        asked(f"anchor_sizes={sizes}")


def test_anchor_sizes_of_the_settings_are_those_of_the_network(tiny_dataset: FrozenDataset, tmp_path: Path) -> None:
    config = asked("anchor_sizes=8,16,32,64,128")
    network = open_looker(config, tiny_dataset, project_folder=tmp_path).network
    assert network.architecture.anchor_sizes == (8, 16, 32, 64, 128) == planned_anchor_sizes(config, tmp_path)
    assert [len(cell) for cell in network.rpn.anchor_generator.cell_anchors] == [3] * 5
    assert network.rpn.anchor_generator.cell_anchors[0][1].tolist() == [-4, -4, 4, 4]
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_the_share_told_is_that_of_the_rois_a_training_draws(tiny_dataset: FrozenDataset, tmp_path: Path) -> None:
    config = asked("batch_size=3")
    looker = open_looker(config, tiny_dataset, project_folder=tmp_path)
    device = choose_device("cpu", amp="off", threads=1)
    advice = advise_rois(tiny_dataset, config, looker, device)
    loader = SampleLoader(
        tiny_dataset.annotated(Split.TRAIN), labels={1: 1, 2: 2}, image_size=64, batch_size=3, seed=config.seed
    )
    samples = next(loader.epoch(1, usual_augmentation(boxes_only=False)))
    images, sizes = batch_of([s.image for s in samples], device, looker.network.architecture)
    with torch.no_grad():
        parts = looker.network.loss_parts(images, sizes, [s.target for s in samples], [s.key for s in samples])
    positive, drawn = parts.facts["roi_positives"]
    assert advice.shares[128] == pytest.approx(float(positive / drawn))
    assert (advice.images, advice.trained) == (3, False)
    assert "ask again once there is a run" in advice.lines()[-1]


def test_a_runs_network_is_looked_with_on_the_anchors_that_are_asked_for(tiny_dataset: FrozenDataset, make_run) -> None:
    run = make_run("20260101-000000")
    project = run.path.parents[1]
    assert trained_run(project) is None
    learned = MaskRCNN(Architecture(classes=2), pretrained=False)
    facts = {"architecture": learned.architecture.to_json(), "categories": []}
    write_tensors(run.checkpoint("last"), model_tensors(learned.state_dict()), facts)
    found = trained_run(project)
    assert found is not None
    looker = open_looker(asked("anchor_sizes=8,16,32,64,128"), tiny_dataset, project_folder=project, run=found)
    assert (looker.trained, looker.words) == (True, "the network of run 20260101-000000 (last)")
    assert looker.network.architecture.anchor_sizes == (8, 16, 32, 64, 128)
    assert all(looker.network.state_dict()[n].equal(t) for n, t in learned.state_dict().items())
    unasked = asked("anchor_sizes=", "weights=run:20260101-000000@last")
    assert planned_anchor_sizes(unasked, project) == USUAL


def test_weights_that_are_not_here_are_not_downloaded_to_look(tiny_dataset: FrozenDataset, tmp_path: Path) -> None:
    looker = open_looker(asked("weights=resnet50-imagenet-v1"), tiny_dataset, project_folder=tmp_path)
    assert looker.network.architecture.backbone == "resnet50"
    assert looker.network.architecture.short_side is None
    assert "not on this computer" in looker.words


def test_a_share_is_counted_as_the_sampler_draws() -> None:
    offered = np.array([[10.0, 1000.0], [100.0, 1000.0], [0.0, 20.0]])
    assert positive_share(offered, 32) == pytest.approx((8 + 8 + 0) / (32 + 32 + 20))
    assert positive_share(offered, 128) == pytest.approx((10 + 32 + 0) / (128 + 128 + 20))


@pytest.mark.parametrize(("objects", "recommended"), [(1, 32), (8, 32), (32, 128), (500, 512)])
def test_the_most_rois_whose_quarter_is_filled_are_recommended(
    objects: int, recommended: int, tiny_dataset: FrozenDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.training.advice._offered", lambda *_: [(objects, 1000)])
    network = torch.nn.Module()
    network.backbone = torch.nn.Module()
    network.backbone.body = torch.nn.Module()
    looker = Looker(network, True, "a network")  # type: ignore[arg-type]
    advice = advise_rois(tiny_dataset, asked(), looker, choose_device("cpu", amp="off"))
    assert advice.recommended == recommended
    words = advice.lines()[1]
    assert ("suit" in words) if recommended == 128 else (f"rois_per_image={recommended}" in words)
    assert ("few" in words) is (objects == 1)


def test_rois_are_told_in_words_for_a_number_that_is_no_choice() -> None:
    shares = dict.fromkeys((*ROI_CHOICES, 200), 0.25)
    advice = RoiAdvice(200, shares, 60.0, 10, 256, "a network", True)
    assert "Of 200 ROIs an image 25% are positive" in advice.lines()[0]
