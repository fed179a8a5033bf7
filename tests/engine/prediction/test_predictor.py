"""Detection of whatever a person gives: the right result or one sentence, and the other images done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.config import DetectConfig
from engine.domain.annotation import Category
from engine.domain.prediction import Detections
from engine.errors import DataError, ImageReadError, UserError
from engine.model import inference
from engine.model.device import choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.prediction import pipeline
from engine.prediction.predictor import Predictor
from tests.engine.prediction.stubs import small_architecture

CATEGORIES = (Category(11, "ring", "#e69f00"), Category(12, "disc", "#56b4e9"))
CPU = choose_device("cpu", amp="off")
MANY = 100  # images in a folder, one of them corrupt


def predictor_of(seed: int = 0, *, masks: bool = True, **config: object) -> Predictor:
    torch.manual_seed(seed)
    network = MaskRCNN(small_architecture(2, masks=masks), pretrained=False)
    values = {"score_threshold": 0.0, "max_detections": 6, **config}
    return Predictor(network, CATEGORIES, config=DetectConfig.model_validate(values), device=CPU)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return predictor_of()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def same(a: Detections, b: Detections) -> bool:
    """Equal but for the last bits of scores and boxes, which depend on how many images are worked on at once."""
    return (
        (a.height, a.width, len(a)) == (b.height, b.width, len(b))
        and np.allclose(a.boxes(), b.boxes(), atol=1e-2)
        and all(p.mask is None or q.mask is None or p.mask.iou(q.mask) > 0.98 for p, q in zip(
            a.predictions, b.predictions, strict=True))
    )  # fmt: skip


def test_no_image_gives_no_result(predictor: Predictor) -> None:
    assert predictor.detect([]) == []


def test_nothing_found_is_an_empty_result_of_the_images_size() -> None:
    (found,) = predictor_of(score_threshold=1.0).detect([noise(30, 50)])
    assert found == Detections(0, 30, 50, ())
    classic = found.to_matterport()
    assert (classic["masks"].shape, classic["masks"].dtype) == ((30, 50, 0), np.bool_)
    assert classic["rois"].shape == (0, 4)


def test_one_pixel_is_an_image(predictor: Predictor) -> None:
    (found,) = predictor.detect([noise(1, 1)])
    assert (found.height, found.width) == (1, 1)
    assert all(p.mask is not None and p.mask.area == 1 for p in found.predictions)


@pytest.mark.parametrize("tile", ["off", 1000])
def test_a_very_long_image_is_looked_at_as_a_whole_or_in_tiles(tile: object) -> None:
    long = np.zeros((200, 30_000, 3), dtype=np.uint8)
    (found,) = predictor_of(tile=tile, max_detections=1).detect([long])
    assert (found.height, found.width) == (200, 30_000)
    assert all(0 <= p.box_xyxy[0] <= p.box_xyxy[2] <= 30_000 for p in found.predictions)
    assert all(p.mask is not None and p.mask.shape == (200, 30_000) for p in found.predictions)


def test_deep_gray_and_transparent_files_give_what_their_pixels_give(predictor: Predictor, tmp_path: Path) -> None:
    gray = np.linspace(500, 9000, 40 * 60).reshape(40, 60).astype(np.uint16)
    Image.fromarray(gray).save(tmp_path / "deep.png")
    clear = np.dstack([noise(40, 60), np.full((40, 60), 128, np.uint8)])
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    from_files = predictor.detect([tmp_path / "deep.png", tmp_path / "clear.png"])
    from_pixels = predictor.detect([gray, clear])
    assert all(len(found) > 0 for found in from_files)
    assert [same(a, b) for a, b in zip(from_files, from_pixels, strict=True)] == [True, True]


@pytest.mark.parametrize("shape", [(4, 4, 2), (4, 4, 5), (4,), (0, 4, 3), (2, 4, 4, 3)])
def test_pixels_that_are_no_image_get_a_sentence(predictor: Predictor, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="An image cannot have the shape"):
        predictor.detect([np.zeros(shape, np.uint8)])


def test_a_corrupt_file_among_many_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    files = []
    for number in range(MANY):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(noise(8, 8 + number % 3, number)).save(files[-1])
    files[37].write_bytes(files[37].read_bytes()[:40])
    results = list(predictor_of(batch_size=20).results(enumerate(files)))
    failed = [r for r in results if isinstance(r.found, UserError)]
    assert [r.item.index for r in failed] == [37]
    assert isinstance(failed[0].found, ImageReadError)
    assert "37.png" in str(failed[0].found)
    done = {r.found.image_id for r in results if isinstance(r.found, Detections)}
    assert done == set(range(MANY)) - {37}


def test_asked_in_order_the_corrupt_file_ends_it_after_those_before(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    stream = predictor.stream([(1, noise(8, 8)), (2, tmp_path / "bad.png"), (3, noise(8, 8))])
    assert next(stream).image_id == 1
    with pytest.raises(ImageReadError, match=r"bad\.png"):
        next(stream)


def test_images_of_all_shapes_in_batches_give_what_each_gives_alone_in_the_order_asked_for() -> None:
    shapes = [(20, 60), (60, 20), (10, 30), (60, 60), (20, 60)]
    images = [noise(h, w, seed) for seed, (h, w) in enumerate(shapes)]
    together = predictor_of(batch_size=3).detect(images, [5, 6, 7, 8, 9])
    alone = [predictor_of().detect([image], [i])[0] for image, i in zip(images, [5, 6, 7, 8, 9], strict=True)]
    assert [f.image_id for f in together] == [5, 6, 7, 8, 9]
    assert [same(a, b) for a, b in zip(together, alone, strict=True)] == [True] * 5


def test_one_batch_holds_images_of_one_input_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[list[tuple[int, ...]]] = []
    real = pipeline.run_network

    def watched(network, device, images, *, config):
        batches.append([image.shape[:2] for image in images])
        return real(network, device, images, config=config)

    monkeypatch.setattr(pipeline, "run_network", watched)
    images = [noise(20, 60), noise(60, 20), noise(10, 30), noise(30, 10), noise(20, 60)]
    predictor_of(batch_size=2).detect(images)
    assert batches == [[(20, 60), (10, 30)], [(60, 20), (30, 10)], [(20, 60)]]


def test_memory_that_runs_out_halves_the_batch_and_no_image_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = pipeline.run_network

    def narrow(network, device, images, *, config):
        sizes.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return real(network, device, images, config=config)

    monkeypatch.setattr(pipeline, "run_network", narrow)
    predictor = predictor_of(batch_size=4)
    found = predictor.detect([noise(20, 20, n) for n in range(8)])
    assert len(found) == 8
    assert sizes == [4, 2, 2, 4, 2, 2]  # the second batch was on its way when the first ran out of memory
    assert predictor.batch_size == 2


def test_one_image_that_does_not_fit_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(pipeline, "run_network", full)
    with pytest.raises(UserError, match="not enough memory"):
        predictor_of().detect([noise(20, 20)])


def test_a_cancel_lets_through_what_is_on_its_way_and_reads_no_further(predictor: Predictor) -> None:
    asked: list[int] = []

    def images() -> Iterator[tuple[int, np.ndarray]]:
        for number in range(50):
            asked.append(number)
            yield number, noise(8, 8, number)

    seen: list[int] = []
    for result in predictor.results(images(), cancelled=lambda: len(seen) >= 3):
        seen.append(result.item.index)
    assert seen == list(range(len(seen)))
    assert 3 <= len(seen) <= 5
    assert len(asked) <= len(seen) + 2


def test_boxes_of_other_classes_are_suppressed_by_choice() -> None:
    image = noise(60, 60)
    by_class, by_all = (
        predictor_of(max_detections=100, nms_scope=scope, masks=False).detect([image])[0] for scope in ("class", "all")
    )
    boxes = by_all.boxes()
    from torchvision.ops import box_iou

    ious = box_iou(torch.from_numpy(boxes), torch.from_numpy(boxes)).fill_diagonal_(0)
    assert ious.max() <= 0.5
    assert len(by_all) < len(by_class)


def test_small_masks_are_left_out_by_choice(predictor: Predictor) -> None:
    image = noise(60, 60)
    areas = sorted(p.area for p in predictor.detect([image])[0].predictions)
    least = areas[len(areas) // 2]
    (found,) = predictor_of(min_area=int(least)).detect([image])
    assert sorted(p.area for p in found.predictions) == [a for a in areas if a >= int(least)]


def test_a_batch_size_of_nought_is_chosen_and_told() -> None:
    assert predictor_of(batch_size=0).batch_size == 1  # this machine's processor
    assert predictor_of(batch_size=5).batch_size == 5


def test_the_network_is_fed_while_masks_are_cut_out_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cutting of the first image waits until the network has been given the second: it does not hold it up."""
    import threading

    second = threading.Event()
    fed: list[int] = []
    run, cut = pipeline.run_network, pipeline.cut_out

    def running(network, device, images, *, config):
        fed.append(len(images))
        if len(fed) == 2:
            second.set()
        return run(network, device, images, config=config)

    def cutting(*args, **kwargs):
        assert second.wait(60)
        return cut(*args, **kwargs)

    monkeypatch.setattr(pipeline, "run_network", running)
    monkeypatch.setattr(pipeline, "cut_out", cutting)
    assert len(predictor_of().detect([noise(20, 20), noise(20, 20)])) == 2


def test_detection_in_batches_is_the_step_that_validation_takes(predictor: Predictor) -> None:
    image = noise(40, 60)
    (expected,) = inference.detect_batch(
        predictor._network, CPU, [image], category_ids=[c.id for c in CATEGORIES], config=predictor.config
    )
    assert predictor.detect([image]) == [expected]
