import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.model.inputs import resize_affine
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.training.augment import Augmentation
from engine.training.loader import SampleLoader
from engine.training.samples import Sample, make_sample, mask_crop

LABELS = {1: 1, 2: 2}


def whole(sample: Sample, index: int) -> np.ndarray:
    """The full-size mask of one object of a sample."""
    crop = sample.target["masks"][index]
    height, width = sample.image.shape[:2]
    return Mask.from_crop(crop.pixels.numpy(), crop.x0, crop.y0, height, width).to_array()


def sample_of(frozen: FrozenImage, image_size: int, augmentation: Augmentation | None = None, seed: int = 0) -> Sample:
    pixels = np.zeros((frozen.annotation.height, frozen.annotation.width, 3), dtype=np.uint8)
    rng = np.random.default_rng(seed)
    return make_sample(frozen, pixels, labels=LABELS, image_size=image_size, augmentation=augmentation, rng=rng)


def frozen_with(*masks: Mask) -> FrozenImage:
    height, width = masks[0].shape
    instances = tuple(Instance.from_mask(m, 1) for m in masks)
    return FrozenImage(1, None, Annotation(1, height, width, instances), Split.TRAIN)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_at_the_images_own_size_a_samples_mask_has_the_annotations_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    array = rng.random((40, 60)) < rng.uniform(0.02, 0.98)
    array[rng.integers(40), rng.integers(60)] = True
    mask = Mask.from_array(array)
    crop = mask_crop(mask, resize_affine(40, 60, (40, 60)), (40, 60))
    assert crop is not None
    assert Mask.from_crop(crop.pixels.numpy(), crop.x0, crop.y0, 40, 60) == mask


def test_a_hole_survives_shrinking(tiny_dataset: FrozenDataset) -> None:
    y, x = np.mgrid[:400, :400]
    distance = np.hypot(x - 200, y - 200)
    sample = sample_of(frozen_with(Mask.from_array((distance < 150) & (distance > 40))), 64)
    small = Mask.from_array(whole(sample, 0))
    assert len(small.holes) == 1
    assert small.holes[0].area == pytest.approx(np.pi * (40 * 64 / 400) ** 2, rel=0.15)


def test_a_box_is_the_tight_box_of_the_changed_mask(tiny_dataset: FrozenDataset) -> None:
    frozen = tiny_dataset.images[0]
    for seed in range(20):
        sample = sample_of(frozen, 96, Augmentation(), seed)
        for index, box in enumerate(sample.target["boxes"].tolist()):
            assert Mask.from_array(whole(sample, index)).box == tuple(int(v) for v in box)


def test_pixels_and_masks_move_together(tiny_dataset: FrozenDataset) -> None:
    frozen = tiny_dataset.images[0]
    pixels = np.full((64, 96, 3), 100, dtype=np.uint8)
    pixels[frozen.annotation.instances[0].mask.to_array()] = 250  # type: ignore[union-attr]
    calm = Augmentation(light=0.0)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        sample = make_sample(frozen, pixels, labels=LABELS, image_size=192, augmentation=calm, rng=rng)
        if frozen.annotation.instances[0].id not in sample.instance_ids:
            continue
        bright = sample.image[..., 0] > 175
        drawn = whole(sample, sample.instance_ids.index(frozen.annotation.instances[0].id))
        assert (bright & drawn).sum() / (bright | drawn).sum() > 0.95


def test_an_object_that_leaves_the_picture_is_dropped_and_named() -> None:
    tiny = np.zeros((1000, 1000), dtype=bool)
    tiny[500, 500] = True
    large = np.zeros((1000, 1000), dtype=bool)
    large[100:800, 100:800] = True
    frozen = frozen_with(Mask.from_array(tiny), Mask.from_array(large))
    sample = sample_of(frozen, 64)
    assert sample.vanished == (frozen.annotation.instances[0].id,)
    assert sample.instance_ids == (frozen.annotation.instances[1].id,)


def test_an_epochs_samples_do_not_depend_on_threads_or_on_where_it_was_interrupted(tiny_dataset: FrozenDataset) -> None:
    def loader(threads: int) -> SampleLoader:
        images = tiny_dataset.images
        return SampleLoader(images, labels=LABELS, image_size=64, batch_size=1, seed=5, threads=threads)

    straight = [s for batch in loader(1).epoch(3, Augmentation()) for s in batch]
    resumed = [s for batch in loader(3).epoch(3, Augmentation(), skip=2) for s in batch]
    assert [s.image_id for s in resumed] == [s.image_id for s in straight[2:]]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(resumed, straight[2:], strict=True))


def test_no_image_is_dropped_when_the_count_does_not_divide(tiny_dataset: FrozenDataset) -> None:
    images = tiny_dataset.images[:3]
    loader = SampleLoader(images, labels=LABELS, image_size=64, batch_size=2, seed=0)
    sizes = [len(batch) for batch in loader.epoch(1, None)]
    assert sizes == [2, 1]
    assert loader.steps_per_epoch == 2


@given(uprights=st.lists(st.booleans(), min_size=1, max_size=23), size=st.integers(1, 5), epoch=st.integers(1, 3))
def test_batches_keep_upright_and_lying_images_apart_and_every_image_once(
    uprights: list[bool], size: int, epoch: int
) -> None:
    images = [
        FrozenImage(k, None, Annotation(k, *((9, 6) if upright else (6, 9)), ()), Split.TRAIN)  # type: ignore[arg-type]
        for k, upright in enumerate(uprights)
    ]
    loader = SampleLoader(images, labels=LABELS, image_size=64, batch_size=size, seed=1)
    batches = loader.batches(epoch)
    assert sorted(item for batch in batches for item in batch) == [(k, 0) for k in range(len(images))]
    assert len(batches) == loader.steps_per_epoch
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    mixed = [batch for batch in batches if len({uprights[i] for i, _ in batch}) > 1]
    assert len(mixed) <= 1


def test_an_epoch_goes_over_a_small_set_until_it_has_its_steps(tiny_dataset: FrozenDataset) -> None:
    images = tiny_dataset.images[:3]
    loader = SampleLoader(images, labels=LABELS, image_size=64, batch_size=2, seed=0, min_steps=4)
    samples = [s for batch in loader.epoch(1, Augmentation()) for s in batch]
    assert len(samples) == 9
    assert loader.steps_per_epoch == 5
    of_one = [s.image for s in samples if s.image_id == images[0].image_id]
    assert len(of_one) == 3
    assert not np.array_equal(of_one[0], of_one[1])
