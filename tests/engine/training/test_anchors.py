from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.model.architecture import Architecture
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenImage
from engine.training.anchors import STRIDES, AnchorFit, Objects, best_ious, placed_objects, suggested_sizes

USUAL = Architecture.anchor_sizes
RATIOS = Architecture.anchor_ratios


def image_with(*boxes: tuple[int, int, int, int], height: int = 64, width: int = 96) -> FrozenImage:
    instances = tuple(Instance.from_mask(Mask.from_box(b, height, width), 1) for b in boxes)
    return FrozenImage(1, Path("a.png"), Annotation(1, height, width, instances), Split.TRAIN)


def best_of(*boxes: tuple[int, int, int, int]) -> list[float]:
    return best_ious(placed_objects([image_with(*boxes)], 96), USUAL, RATIOS).tolist()


def random_objects(height: int, width: int) -> Objects:
    rng = np.random.default_rng(height)
    centre = rng.uniform(0, 1, (200, 2)) * [width, height]
    sides = np.exp(rng.uniform(np.log(2), np.log(150), (200, 2)))
    low, high = np.clip(centre - sides / 2, 0, None), np.minimum(centre + sides / 2, [width, height])
    boxes = np.concatenate([low, high], axis=1)
    boxes = boxes[((high - low) > 1).all(axis=1)]
    return Objects(boxes, np.tile([height, width], (len(boxes), 1)), np.zeros(len(boxes), dtype=np.int64))


def test_an_object_that_is_an_anchor_matches_with_an_iou_of_one() -> None:
    # the anchor of 32 pixels on the ninth place of the grid of stride 4, which is at pixel 32
    assert best_of((16, 16, 48, 48)) == [1.0]


def test_an_anchor_two_pixels_beside_an_object_overlaps_as_counted_by_hand() -> None:
    # 2 pixels off along x, the farthest a place of stride 4 can be: 30 * 32 shared of 2 * 32 * 32 - 30 * 32
    assert best_of((18, 16, 50, 48)) == [pytest.approx(960 / 1088)]


def test_an_object_of_three_pixels_is_unmatched() -> None:
    best = best_of((40, 40, 43, 43))
    assert best == [pytest.approx(9 / (22 * 46))]  # in the smallest anchor, which rounding makes that of 1:2
    assert AnchorFit.of(np.array(best)) == AnchorFit(1, 1.0, 1.0, best[0])


def test_objects_are_measured_at_the_inputs_size() -> None:
    objects = placed_objects([image_with((8, 8, 24, 24))], 192)
    assert objects.boxes.tolist() == [[16, 16, 48, 48]]
    assert objects.frames.tolist() == [[128, 192]]


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 160), (32, 32)])
def test_the_best_overlap_is_that_of_all_the_networks_own_anchors(height: int, width: int) -> None:
    network = MaskRCNN(Architecture(classes=1), pretrained=False).eval()
    objects = random_objects(height, width)
    images = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        features = list(network.backbone(images).values())
    anchors = network.rpn.anchor_generator(ImageList(images, [(height, width)]), features)[0]
    expected = box_iou(torch.from_numpy(objects.boxes).float(), anchors).amax(dim=1).numpy()
    assert best_ious(objects, USUAL, RATIOS) == pytest.approx(expected, abs=1e-5)


def test_suggested_sizes_rise_and_stay_within_what_their_level_sees() -> None:
    for height in (64, 256, 1024):
        sizes = suggested_sizes(random_objects(height, height))
        assert list(sizes) == sorted(set(sizes))
        assert all(2 * s <= size <= 16 * s for s, size in zip(STRIDES, sizes, strict=True))


def test_sizes_suggested_for_small_objects_leave_fewer_of_them_unmatched() -> None:
    small = [(x, y, x + side, y + side) for x, y, side in ((3, 5, 10), (30, 9, 12), (50, 40, 14), (70, 20, 11))]
    objects = placed_objects([image_with(*small)], 96)
    before = AnchorFit.of(best_ious(objects, USUAL, RATIOS))
    after = AnchorFit.of(best_ious(objects, suggested_sizes(objects), RATIOS))
    assert before.unmatched50 == 1.0
    assert after.unmatched50 < before.unmatched50
    assert after.mean_iou > before.mean_iou
