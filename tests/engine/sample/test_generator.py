from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.domain.mask import Mask
from engine.domain.polygons import outline_mask
from engine.sample.generator import COCO_NAME, SEED, VIA_NAME, Picture, render, write_split
from engine.sample.parts import Kind
from engine.sample.scene import in_one_piece

SHIPPED = Path(__file__).parents[3] / "resources" / "sample"
IMAGES = {"train": 40, "val": 12}


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [render(SEED, 0), render(SEED, 3)]


def coco_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / COCO_NAME).read_text(encoding="utf-8"))
    return loaded


def coco_masks(folder: Path) -> dict[str, list[tuple[str, Mask]]]:
    data = coco_of(folder)
    names = {c["id"]: c["name"] for c in data["categories"]}
    files = {i["id"]: i["file_name"] for i in data["images"]}
    found: dict[str, list[tuple[str, Mask]]] = {name: [] for name in files.values()}
    for row in data["annotations"]:
        found[files[row["image_id"]]].append((names[row["category_id"]], Mask.from_coco(row["segmentation"])))
    return found


def via_masks(folder: Path) -> dict[str, list[tuple[str, Mask]]]:
    found: dict[str, list[tuple[str, Mask]]] = {}
    for entry in json.loads((folder / VIA_NAME).read_text(encoding="utf-8")).values():
        regions = []
        for region in entry["regions"]:
            shape = region["shape_attributes"]
            points = list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
            regions.append((region["region_attributes"]["class"], outline_mask(points, 480, 640)))
        found[entry["filename"]] = regions
    return found


def test_one_seed_gives_one_picture_and_another_seed_another(pictures: list[Picture]) -> None:
    again, other = render(SEED, 0), render(SEED + 1, 0)
    assert np.array_equal(again.image, pictures[0].image)
    assert again.objects == pictures[0].objects
    assert not np.array_equal(other.image, pictures[0].image)


def test_every_object_is_one_piece_and_no_pixel_belongs_to_two(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert picture.image.shape == (480, 640, 3)
        assert picture.image.dtype == np.uint8
        masks = [mask.to_array() for _, mask in picture.objects]
        assert 4 <= len(masks) <= 10
        assert np.sum(masks, axis=0).max() == 1
        assert all(in_one_piece(mask) and mask.sum() >= 150 for mask in masks)


def test_the_written_annotations_hold_the_rendered_pixels_as_coco_and_as_via(
    pictures: list[Picture], tmp_path: Path
) -> None:
    write_split(tmp_path, [("a.jpg", pictures[0]), ("b.jpg", pictures[1])])
    expected = {
        name: [(kind.value, mask) for kind, mask in picture.objects]
        for name, picture in zip(("a.jpg", "b.jpg"), pictures, strict=True)
    }
    assert coco_masks(tmp_path) == expected
    assert via_masks(tmp_path) == expected


# pycocotools 2.0.11 converts its arrays in a way that numpy 2 deprecates
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_pycocotools_reads_the_written_masks_boxes_and_areas(pictures: list[Picture], tmp_path: Path) -> None:
    from pycocotools import mask as coco_mask

    write_split(tmp_path, [("a.jpg", pictures[0])])
    rows = coco_of(tmp_path)["annotations"]
    for row, (_, mask) in zip(rows, pictures[0].objects, strict=True):
        assert np.array_equal(coco_mask.decode(row["segmentation"]).astype(bool), mask.to_array())
        assert coco_mask.toBbox(row["segmentation"]).tolist() == row["bbox"]
        assert coco_mask.area(row["segmentation"]) == row["area"]


def test_the_shipped_sample_is_small_complete_and_split() -> None:
    assert sum(f.stat().st_size for f in SHIPPED.rglob("*") if f.is_file()) < 5_000_000
    for split, count in IMAGES.items():
        files = sorted(p.name for p in (SHIPPED / split).glob("*.jpg"))
        data = coco_of(SHIPPED / split)
        assert len(files) == count
        assert sorted(i["file_name"] for i in data["images"]) == files
        instances = Counter(row["category_id"] for row in data["annotations"])
        assert min(instances[k] for k in range(1, len(Kind) + 1)) >= 25
        assert {c["name"] for c in data["categories"]} == {k.value for k in Kind}
    names = [p.name for p in SHIPPED.rglob("*.jpg")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("split", IMAGES)
def test_the_shipped_via_polygons_are_the_shipped_coco_pixels(split: str) -> None:
    assert via_masks(SHIPPED / split) == coco_masks(SHIPPED / split)


def test_most_shipped_parts_have_true_holes_through_which_something_else_shows() -> None:
    masks = [mask for split in IMAGES for parts in coco_masks(SHIPPED / split).values() for _, mask in parts]
    holed = [m for m in masks if any(h.area > 30 for h in m.holes)]
    assert len(holed) > 0.8 * len(masks)


def test_parts_touch_or_overlap_and_lie_in_each_others_holes() -> None:
    touching = nested = 0
    for split in IMAGES:
        for parts in coco_masks(SHIPPED / split).values():
            arrays = [mask.to_array() for _, mask in parts]
            grown = [cv2.dilate(a.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) for a in arrays]
            for i, (_, mask) in enumerate(parts):
                touching += any((grown[i] & a).any() for j, a in enumerate(arrays) if j != i)
                filled = mask.filled
                nested += any(
                    mask.intersection_area(m) == 0 and filled.intersection_area(m) == m.area
                    for j, (_, m) in enumerate(parts)
                    if j != i
                )
    assert touching > 100
    assert nested > 10


def test_the_shipped_pictures_are_those_of_the_generator(pictures: list[Picture]) -> None:
    # Other builds of OpenCV round differently, hence no equality of bytes.
    shipped = cv2.cvtColor(cv2.imread(str(SHIPPED / "train" / "parts_000.jpg")), cv2.COLOR_BGR2RGB)
    assert np.abs(shipped.astype(int) - pictures[0].image).mean() < 4
    stored = coco_masks(SHIPPED / "train")["parts_000.jpg"]
    assert [name for name, _ in stored] == [kind.value for kind, _ in pictures[0].objects]
    assert min(a.iou(b) for (_, a), (_, b) in zip(stored, pictures[0].objects, strict=True)) > 0.98
