"""Every fault that is planted in a project is named with its image, and good data is left in peace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Annotation, Category, Instance, Split
from engine.domain.mask import Mask
from engine.errors import DataError
from engine.formats.importing import import_file
from engine.project.dataset import FrozenDataset, FrozenImage, freeze
from engine.project.store import ProjectStore
from engine.project.trainable import check_trainable
from engine.review.preflight.checks import preflight
from engine.review.preflight.findings import Finding, FindingKind, FindingLevel, listed, refuse_if_needed
from engine.sample.project import create_sample_project

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
HEIGHT, WIDTH = 240, 320
NUT, RING = Category(1, "nut", "#e69f00"), Category(2, "ring", "#56b4e9")
CONFIG = train_config(settings=("image_size=320",))  # the pictures' own size
ALARMS = (FindingLevel.REFUSE, FindingLevel.WARN)


def disc(cx: float, cy: float, outer: float, inner: float = 0.0) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distance = np.hypot(x - cx, y - cy)
    return Mask.from_array((distance < outer) & (distance >= inner))


def objects(number: int) -> list[Instance]:
    masks = [disc(60, 60, 30), disc(160, 120, 40, 18), disc(250, 60, 25), disc(250, 180, 35, 12)]
    return [
        Instance.from_mask(m, c, id=f"{number}-{i}") for i, (m, c) in enumerate(zip(masks, (1, 2, 1, 2), strict=True))
    ]


def picture(folder: Path, number: int) -> Path:
    """A picture of random patches, another one for each number."""
    patches = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    path = folder / f"{number:02}.png"
    Image.fromarray(patches).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def good(tmp_path: Path) -> FrozenDataset:
    """Sixteen pictures with two nuts and two rings each; the last five are for validation."""
    images = []
    for number in range(16):
        annotation = Annotation(number + 1, HEIGHT, WIDTH, tuple(objects(number)))
        split = Split.TRAIN if number < 11 else Split.VAL
        images.append(FrozenImage(number + 1, picture(tmp_path, number), annotation, split))
    return FrozenDataset((NUT, RING), tuple(images))


def with_image(dataset: FrozenDataset, number: int, **changes: object) -> FrozenDataset:
    """`dataset` with other fields of one image; ``instances`` and ``negative`` are those of its annotation."""
    inner = {key: changes.pop(key) for key in ("instances", "negative") if key in changes}
    old = dataset.images[number]
    new = replace(old, **{"annotation": replace(old.annotation, **inner), **changes})  # type: ignore[arg-type]
    return replace(dataset, images=(*dataset.images[:number], new, *dataset.images[number + 1 :]))


def with_mask(dataset: FrozenDataset, number: int, mask: Mask, category: int = 1) -> FrozenDataset:
    """`dataset` with one more object in one image."""
    planted = Instance.from_mask(mask, category, id="planted")
    return with_image(dataset, number, instances=(*dataset.images[number].annotation.instances, planted))


def found(dataset: FrozenDataset, kind: FindingKind, config: TrainConfig = CONFIG) -> Finding:
    """The one finding of that kind; no other alarm is given."""
    everything = preflight(dataset, config)
    (finding,) = [f for f in everything if f.kind is kind]
    assert [f.kind for f in everything if f.level in ALARMS and f is not finding] == []
    return finding


# --- no false alarm -----------------------------------------------------------------------------------------------


def test_good_data_gives_no_finding_at_all(good: FrozenDataset) -> None:
    assert preflight(good, CONFIG) == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectStore]:
    with create_sample_project(tmp_path_factory.mktemp("sample") / "project") as store:
        yield store


def test_the_sample_project_gives_no_alarm(sample: ProjectStore) -> None:
    findings = preflight(freeze(sample), train_config())
    assert [f for f in findings if f.level in ALARMS] == []


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data sets are not here ({DATA})")
def test_the_balloon_set_gives_no_alarm(tmp_path: Path) -> None:
    with ProjectStore.create(tmp_path / "project") as store:
        for part in ("train", "val"):
            import_file(store, DATA / "balloon" / part / "via_region_data.json", split=Split(part))
        dataset = freeze(store)
    assert len(dataset.annotated(Split.TRAIN)) == 61
    assert [f for f in preflight(dataset, train_config()) if f.level in ALARMS] == []


# --- refused ------------------------------------------------------------------------------------------------------


def _moved(dataset: FrozenDataset, split: Split) -> FrozenDataset:
    return replace(dataset, images=tuple(replace(i, split=split) for i in dataset.images))


REFUSED = [
    (lambda d: replace(d, images=tuple(with_image(d, n, instances=()).images[n] for n in range(16))), "no-objects"),
    (lambda d: _moved(d, Split.VAL), "empty-training"),
    (lambda d: _moved(d, Split.TRAIN), "empty-validation"),
    (lambda d: replace(d, categories=(NUT, RING, Category(3, "cross", "#009e73"))), "class-without-instances"),
]


@pytest.mark.parametrize(("spoil", "kind"), REFUSED)
def test_what_is_refused_is_said_in_the_sentence_that_refuses_it(good: FrozenDataset, spoil, kind: str) -> None:
    first = preflight(spoil(good), CONFIG)[0]
    assert (first.kind, first.level) == (FindingKind(kind), FindingLevel.REFUSE)
    with pytest.raises(DataError) as raised:
        check_trainable(spoil(good))
    assert str(raised.value) == first.text
    with pytest.raises(DataError, match=r"split|project"):
        refuse_if_needed(preflight(spoil(good), CONFIG))


def test_every_missing_and_damaged_file_is_named(good: FrozenDataset) -> None:
    good.images[3].path.unlink()
    good.images[12].path.write_bytes(b"no image")
    finding = found(good, FindingKind.UNREADABLE_IMAGE)
    assert finding.level is FindingLevel.REFUSE
    assert finding.images == ("03.png", "12.png")
    assert "03.png (The image is missing)" in finding.text
    assert "12.png (This is not an image that can be read)" in finding.text


def test_a_missing_file_that_is_not_used_does_not_matter(good: FrozenDataset) -> None:
    good.images[3].path.unlink()
    unused = with_image(good, 3, instances=())
    assert [f.kind for f in preflight(unused, CONFIG)] == [FindingKind.UNLABELLED]


# --- objects ------------------------------------------------------------------------------------------------------


def test_an_object_that_vanishes_at_the_inputs_size_is_named(good: FrozenDataset) -> None:
    planted = with_mask(good, 4, Mask.from_box((10, 100, 11, 101), HEIGHT, WIDTH))
    finding = found(planted, FindingKind.DEGENERATE, train_config(settings=("image_size=128",)))
    assert (finding.images, finding.count, finding.instance_ids) == (("04.png",), 1, ("planted",))
    assert "nut in 04.png" in finding.text


def test_a_box_without_a_width_is_named(good: FrozenDataset) -> None:
    boxes = [replace(i, annotation=replace(i.annotation, instances=tuple(
        replace(o, mask=None) for o in i.annotation.instances))) for i in good.images]  # fmt: skip
    thin = Instance("thin", 1, (5.0, 5.0, 5.4, 60.0))
    dataset = FrozenDataset(good.categories, tuple(boxes), boxes_only=True)
    assert preflight(dataset, CONFIG) == []
    dataset = with_image(dataset, 6, instances=(*dataset.images[6].annotation.instances, thin))
    assert found(dataset, FindingKind.DEGENERATE).instance_ids == ("thin",)


def test_small_objects_are_counted_with_the_size_that_helps(good: FrozenDataset) -> None:
    planted = with_mask(good, 2, disc(20, 200, 5))
    finding = found(planted, FindingKind.TOO_SMALL)
    assert (finding.level, finding.images, finding.count) == (FindingLevel.NOTE, ("02.png",), 1)
    helpful = int(finding.text.split("image size of ")[1].split(" ")[0])
    assert FindingKind.TOO_SMALL not in _kinds(planted, helpful)


def test_many_small_objects_are_a_warning(good: FrozenDataset) -> None:
    for number in range(16):
        good = with_mask(good, number, disc(20, 200, 5))
    finding = found(good, FindingKind.TOO_SMALL)
    assert (finding.level, finding.count, len(finding.images)) == (FindingLevel.WARN, 16, 16)


def _kinds(dataset: FrozenDataset, image_size: int) -> set[FindingKind]:
    return {f.kind for f in preflight(dataset, train_config(settings=(f"image_size={image_size}",)))}


def test_an_object_whose_shape_the_grid_cannot_hold_is_named(good: FrozenDataset) -> None:
    comb = np.zeros((HEIGHT, WIDTH), bool)
    comb[20:220, 20:300:6] = True  # teeth of one pixel, far less than a cell of the grid
    comb[20:24, 20:300] = True
    finding = found(with_mask(good, 7, Mask.from_array(comb), 2), FindingKind.SHAPE_LOST)
    assert (finding.level, finding.images, finding.count) == (FindingLevel.WARN, ("07.png",), 1)
    assert "ring in 07.png" in finding.text


def test_a_hole_that_the_grid_cannot_hold_is_named_and_a_speck_is_not(good: FrozenDataset) -> None:
    plate = np.zeros((HEIGHT, WIDTH), bool)
    plate[10:230, 10:310] = True
    speck, holed = plate.copy(), plate.copy()
    speck[100:102, 100:102] = False
    holed[100:190, 100:103] = False  # a slot: less than half a cell wide
    assert preflight(with_mask(good, 7, Mask.from_array(speck)), CONFIG) == []
    finding = found(with_mask(good, 7, Mask.from_array(holed)), FindingKind.HOLE_LOST)
    assert (finding.images, finding.count) == (("07.png",), 1)


# --- classes and sets ---------------------------------------------------------------------------------------------


def _only(dataset: FrozenDataset, numbers: Sequence[int], category: int) -> FrozenDataset:
    """`dataset` without the objects of `category` but in the images `numbers`."""
    for number in range(len(dataset.images)):
        if number not in numbers:
            kept = [i for i in dataset.images[number].annotation.instances if i.category_id != category]
            dataset = with_image(dataset, number, instances=tuple(kept))
    return dataset


def test_a_rare_class_is_told_with_the_ratio(good: FrozenDataset) -> None:
    finding = found(_only(good, [0, *range(11, 16)], 2), FindingKind.IMBALANCE)
    assert "11 to 1: “nut” has 22 objects" in finding.text
    assert finding.images == ("00.png",)


def test_a_class_that_only_validation_shows_is_named_with_its_images(good: FrozenDataset) -> None:
    findings = preflight(_only(good, [12, 13], 2), CONFIG)
    (unseen,) = [f for f in findings if f.kind is FindingKind.UNSEEN_CLASS]
    assert unseen.images == ("12.png", "13.png")
    assert FindingKind.CLASS_WITHOUT_INSTANCES in {f.kind for f in findings if f.level is FindingLevel.REFUSE}


def test_a_small_validation_set_is_told_by_images_and_by_class(good: FrozenDataset) -> None:
    for number in (13, 14, 15):
        good = with_image(good, number, split=Split.TRAIN)
    images, classes = [f for f in preflight(good, CONFIG) if f.kind is FindingKind.VALIDATION_SMALL]
    assert "only 2 images" in images.text
    assert "“nut” (4) and “ring” (4)" in classes.text


def test_a_class_that_validation_hardly_shows_is_named(good: FrozenDataset) -> None:
    finding = found(_only(good, [*range(11), 12], 2), FindingKind.VALIDATION_SMALL)
    assert "“ring” (2)" in finding.text
    assert finding.images == ("12.png",)


# --- what is used -------------------------------------------------------------------------------------------------


def test_unlabelled_images_are_no_negatives_and_are_counted(good: FrozenDataset) -> None:
    finding = found(with_image(good, 5, instances=()), FindingKind.UNLABELLED)
    assert (finding.level, finding.images) == (FindingLevel.NOTE, ("05.png",))
    assert preflight(with_image(good, 5, instances=(), negative=True), CONFIG) == []


def test_negatives_that_training_does_not_see_are_told(good: FrozenDataset) -> None:
    outside = with_image(good, 5, instances=(), negative=True, split=Split.TEST)
    assert found(outside, FindingKind.NO_NEGATIVES_LEARNED).images == ("05.png",)


def test_annotated_images_in_no_split_are_told(good: FrozenDataset) -> None:
    assert found(with_image(good, 5, split=Split.NONE), FindingKind.OUTSIDE_SPLITS).images == ("05.png",)


# --- files --------------------------------------------------------------------------------------------------------


def test_a_copied_file_in_two_splits_is_named_with_both(good: FrozenDataset) -> None:
    good.images[12].path.write_bytes(good.images[3].path.read_bytes())
    finding = found(good, FindingKind.SPLIT_LEAK)
    assert set(finding.images) == {"03.png", "12.png"}
    assert "12.png (validation) and 03.png (training)" in finding.text
    assert "the same file" in finding.text


def test_a_picture_that_was_saved_again_in_another_split_is_named(good: FrozenDataset) -> None:
    again = good.images[12].path.with_suffix(".jpg")
    with Image.open(good.images[3].path) as image:
        image.save(again, quality=60)
    finding = found(with_image(good, 12, path=again), FindingKind.SPLIT_LEAK)
    assert finding.images == ("03.png", "12.jpg")
    assert "nearly the same picture" in finding.text


def test_copies_within_one_split_leak_nothing(good: FrozenDataset) -> None:
    good.images[4].path.write_bytes(good.images[3].path.read_bytes())
    assert preflight(good, CONFIG) == []


def test_a_file_of_another_size_than_was_annotated_is_named(good: FrozenDataset) -> None:
    with Image.open(good.images[8].path) as image:
        image.resize((WIDTH // 2, HEIGHT // 2)).save(good.images[8].path)
    assert found(good, FindingKind.OTHER_SIZE).images == ("08.png",)


# --- the report ---------------------------------------------------------------------------------------------------


def test_refusals_come_before_warnings_and_these_before_notes(good: FrozenDataset) -> None:
    good.images[0].path.unlink()
    spoilt = with_image(with_image(good, 12, instances=()), 1, split=Split.NONE)
    levels = [f.level for f in preflight(spoilt, CONFIG)]
    assert levels == sorted(levels, key=list(FindingLevel).index)
    assert set(levels) == set(FindingLevel)


def test_progress_rises_to_the_end_and_what_it_raises_ends_the_work(good: FrozenDataset) -> None:
    parts: list[float] = []
    preflight(good, CONFIG, progress=lambda part, text: parts.append(part))
    assert parts == sorted(parts)
    assert 0 <= parts[0] < 0.5 < parts[-1] <= 1

    def stop(part: float, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preflight(good, CONFIG, progress=stop)


def test_long_lists_of_names_are_cut_and_counted() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "a"]) == "a and b"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
