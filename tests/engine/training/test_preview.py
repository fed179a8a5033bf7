from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Split
from engine.errors import DataError, UserError
from engine.model.architecture import Architecture
from engine.model.device import choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset
from engine.training.augment import usual_augmentation
from engine.training.loader import SampleLoader
from engine.training.preview import Preview, preview_samples, write_previews
from engine.training.preview_pictures import ANCHOR_COLOR

DEVICE = choose_device("cpu", amp="off", threads=1)


def asked(*settings: str) -> TrainConfig:
    usual = ("image_size=64", "seed=3", "min_epoch_steps=3", "batch_size=2")
    return train_config(stages="heads:2@1e-2,all:3@1e-3!", settings=(*usual, *settings))


@pytest.fixture
def network() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(Architecture(classes=2, image_size=64, rois_per_image=32), pretrained=False).train()


@pytest.fixture
def preview(network: MaskRCNN, tiny_dataset: FrozenDataset):
    def make(name: str = "2.png", *, config: TrainConfig | None = None, **options: object) -> list[Preview]:
        config = config or asked()
        return preview_samples(tiny_dataset, config, name, network=network, device=DEVICE, **options)  # type: ignore[arg-type]

    return make


def trained_samples(dataset: FrozenDataset, config: TrainConfig, epoch: int, augment: bool) -> list:
    """What a training learns from in `epoch`, by the loader's own batches."""
    loader = SampleLoader(
        dataset.annotated(Split.TRAIN),
        labels={1: 1, 2: 2},
        image_size=config.image_size,
        batch_size=config.batch_size,
        seed=config.seed,
        min_steps=config.min_epoch_steps,
    )
    return [
        s for batch in loader.epoch(epoch, usual_augmentation(boxes_only=False) if augment else None) for s in batch
    ]


def test_the_samples_shown_are_pixel_by_pixel_those_of_the_training(preview, tiny_dataset: FrozenDataset) -> None:
    shown = preview(count=6)
    assert [(p.epoch, p.turn, p.augmented) for p in shown] == [
        (1, 0, True), (1, 1, True), (2, 0, True), (2, 1, True), (3, 0, False), (3, 1, False),
    ]  # fmt: skip
    for epoch in (1, 2, 3):
        trained = [s for s in trained_samples(tiny_dataset, asked(), epoch, epoch < 3) if s.image_id == 2]
        own = {p.sample.key: p.sample for p in shown if p.epoch == epoch}
        assert set(own) == {s.key for s in trained}
        for sample in trained:
            assert np.array_equal(own[sample.key].image, sample.image)
            assert own[sample.key].target["boxes"].equal(sample.target["boxes"])
            pairs = zip(own[sample.key].target["masks"], sample.target["masks"], strict=True)
            assert all(a.pixels.equal(b.pixels) and (a.x0, a.y0) == (b.x0, b.y0) for a, b in pairs)


def test_the_picture_of_the_input_is_the_input_and_the_others_say_more(
    preview, tiny_dataset: FrozenDataset, tmp_path: Path
) -> None:
    shown = preview(count=1)
    (paths,) = write_previews(shown, tiny_dataset.categories, tmp_path / "out")
    assert [p.name for p in paths] == [f"2_epoch1_pass0_{k}.png" for k in ("input", "objects", "anchors", "rois")]
    pictures = [np.asarray(Image.open(p)) for p in paths]
    assert np.array_equal(pictures[0], shown[0].sample.image)
    assert (pictures[2] == ANCHOR_COLOR).all(axis=2).any()
    assert not (pictures[1] == ANCHOR_COLOR).all(axis=2).any()
    assert min(p.shape[1] for p in pictures[1:3]) >= 704  # enlarged, so that single pixels are seen


def test_a_hole_is_left_untinted_in_the_picture_of_the_objects(
    preview, tiny_dataset: FrozenDataset, tmp_path: Path
) -> None:
    shown = preview(count=1, augment=False)
    (paths,) = write_previews(shown, tiny_dataset.categories, tmp_path)
    picture, image = np.asarray(Image.open(paths[1])), shown[0].sample.image
    ring = shown[0].sample.instance_ids.index("2-1")
    x0, y0, x1, y1 = shown[0].sample.target["boxes"][ring].tolist()
    x, y, factor = int((x0 + x1) / 2), int((y0 + y1) / 2), picture.shape[1] // image.shape[1]
    assert np.array_equal(picture[y * factor + 2, x * factor + 2], image[y, x])
    edge = int(x0) + 3  # on the ring
    assert not np.array_equal(picture[y * factor + 2, edge * factor + 2], image[y, edge])


def test_anchors_and_rois_told_are_those_the_losses_are_computed_on(preview, network: MaskRCNN) -> None:
    (shown,) = preview(count=1)
    from engine.model.inputs import batch_of

    images, sizes = batch_of([shown.sample.image], DEVICE, network.architecture)
    with torch.no_grad():
        parts = network.loss_parts(images, sizes, [shown.sample.target], [shown.sample.key])
    assert parts.counts["loss_objectness"] == shown.anchors.drawn_positive + shown.anchors.drawn_negative
    positive, drawn = parts.facts["roi_positives"]
    assert (len(shown.rois.boxes), shown.rois.drawn) == (positive, drawn)
    assert shown.rois.masks.shape == (len(shown.rois.boxes), 28, 28)
    assert parts.counts["loss_mask"] == shown.rois.masks.numel()
    total = len(shown.anchors.positive) + shown.anchors.negative + shown.anchors.ignored
    assert total == 3 * (16 * 16 + 8 * 8 + 4 * 4 + 2 * 2 + 1)


def test_boxes_alone_are_shown_without_mask_targets(network: MaskRCNN, make_run, tmp_path: Path) -> None:
    dataset = make_run(boxes_only=True).dataset()
    shown = preview_samples(dataset, asked(), "2.png", network=network, device=DEVICE, count=1)
    assert shown[0].rois.masks.numel() == 0 < len(shown[0].rois.boxes)
    (paths,) = write_previews(shown, dataset.categories, tmp_path / "out")
    with Image.open(paths[1]) as objects, Image.open(paths[3]) as rois:
        assert objects.width >= 704 > rois.width


def test_objects_that_vanished_are_counted(preview, tiny_dataset: FrozenDataset) -> None:
    shown = preview(count=6, config=asked("min_epoch_steps=60"))
    for p in shown:
        assert len(p.sample.instance_ids) + len(p.sample.vanished) == 2
        assert p.to_json()["vanished"] == list(p.sample.vanished)
        assert f"{len(p.sample.vanished)} vanished" in p.words()


def test_an_image_that_is_not_trained_on_is_refused_with_the_reason(preview) -> None:
    with pytest.raises(DataError, match=r"no image “9\.png”"):
        preview("9.png")
    with pytest.raises(DataError, match=r"“4\.png” is in the val split"):
        preview("4.png")
    with pytest.raises(UserError, match="no epoch 4"):
        preview(epoch=4)


def test_a_folder_that_cannot_be_written_to_is_told(preview, tiny_dataset: FrozenDataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_previews(preview(count=1), tiny_dataset.categories, tmp_path / "file" / "out")
