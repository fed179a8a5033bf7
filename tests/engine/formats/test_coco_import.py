"""COCO in its dialects: polygons, both run lengths, crowds, odd ids, pictures of another size."""

from __future__ import annotations

import numpy as np
import pytest
from conftest_formats import picture, texts, write_json
from pycocotools import mask as coco_mask

from engine.domain.annotation import Split
from engine.domain.mask import Mask
from engine.formats.importing import import_file
from engine.project.store import ProjectStore


def ring_mask(height=30, width=40) -> Mask:
    yy, xx = np.mgrid[:height, :width]
    radius = np.hypot(xx - 18, yy - 14)
    return Mask.from_array((radius < 11) & (radius >= 4))


def coco(annotations, *, name="a.jpg", size=(30, 40), categories=((1, "ring"), (7, "disc"))):
    entries = [{"id": i, "image_id": 5, "category_id": 1, "iscrowd": 0} | a for i, a in enumerate(annotations, 1)]
    return {
        "images": [{"id": 5, "file_name": name, "height": size[0], "width": size[1]}],
        "categories": [{"id": i, "name": n} for i, n in categories],
        "annotations": entries,
    }


def flat(x, y, side):
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def imported(store, folder, data, **options):
    return import_file(store, write_json(folder / "coco.json", data), **options)


@pytest.mark.parametrize("compressed", [True, False])
def test_run_lengths_keep_holes_pixel_by_pixel(store, folder, compressed):
    picture(folder / "a.jpg")
    imported(store, folder, coco([{"segmentation": ring_mask().to_coco(compressed=compressed)}]))
    assert store.annotation(1).instances[0].mask == ring_mask()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools with numpy 2
def test_the_polygons_of_an_annotation_are_one_object_as_pycocotools_has_it(store, folder):
    picture(folder / "a.jpg")
    parts = [flat(2, 2, 10.5), flat(8, 8, 6), [20.3, 3.1, 33.7, 5.2, 25.5, 22.9]]
    imported(store, folder, coco([{"segmentation": parts}]))
    (instance,) = store.annotation(1).instances
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, 30, 40)))
    assert (instance.mask.to_array() == expected).all()


def test_an_inner_polygon_is_a_hole_when_asked(store, folder):
    picture(folder / "a.jpg")
    data = coco([{"segmentation": [flat(2, 2, 16), flat(6, 6, 8)]}])
    imported(store, folder, data, nested_as_holes=True)
    assert store.annotation(1).instances[0].mask.area == 256 - 64


def test_crowds_are_skipped_with_a_count(store, folder):
    picture(folder / "a.jpg")
    rle = ring_mask().to_coco(compressed=False)
    crowds = [{"segmentation": rle, "iscrowd": 1}, {"segmentation": rle, "iscrowd": "1"}]
    report = imported(store, folder, coco([*crowds, {"segmentation": [flat(2, 2, 5)]}]))
    assert report.instances == 1
    assert any(t.startswith("2 crowds were skipped") for t in texts(report, "skipped"))


def test_numbers_may_be_strings_and_ids_may_have_gaps_or_another_type(store, folder):
    picture(folder / "a.jpg")
    data = coco([{"image_id": "5", "category_id": 7.0, "segmentation": [[str(v) for v in flat(2, 2, 5)]]}])
    data["categories"][1]["id"] = "7"
    data["images"][0] |= {"height": "30", "width": "40"}
    assert imported(store, folder, data).classes == {"disc": 1}
    assert store.annotation(1).instances[0].mask.area == 25


def test_classes_without_a_region_are_not_made(store, folder):
    picture(folder / "a.jpg")
    report = imported(store, folder, coco([{"segmentation": [flat(2, 2, 5)]}]))
    assert [c.name for c in store.categories()] == ["ring"]
    assert any("1 class declared" in t for t in texts(report, "note"))


def test_an_annotation_with_only_a_box_becomes_a_filled_box_and_is_told(store, folder):
    picture(folder / "a.jpg")
    report = imported(store, folder, coco([{"segmentation": [], "bbox": [2, 3, 5, 4]}]))
    assert store.annotation(1).instances[0].mask.box == (2, 3, 7, 7)
    assert any("only a box" in t for t in texts(report, "note"))


def test_a_boxes_only_project_keeps_boxes_as_they_are(tmp_path, folder):
    picture(folder / "a.jpg")
    data = coco([{"segmentation": [], "bbox": [2.25, 3, 5.5, 4]}, {"segmentation": ring_mask().to_coco()}])
    with ProjectStore.create(tmp_path / "boxes", boxes_only=True) as store:
        assert imported(store, folder, data).instances == 2
        first, second = store.annotation(1).instances
        assert first.mask is None
        assert first.box_xyxy == (2.25, 3.0, 7.75, 7.0)
        assert second.box_xyxy == tuple(map(float, ring_mask().box))
        assert imported(store, folder, data).instances == 0


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        (ring_mask(20, 40).to_coco(compressed=False), "the mask's size is 40 x 20, the picture has 40 x 30"),
        ({"size": [30, 40], "counts": [1, 2, 3]}, "damaged"),
        ({"size": [30, 40], "counts": [-1200, 2400]}, "damaged"),
        ({"size": [30, 40], "counts": "~~~~"}, "damaged"),
        ({"size": [30, 40], "counts": 5}, "damaged"),
        ({"size": [30, 40], "counts": [1200]}, "no pixel"),
        ({"size": [10**9, 10**9], "counts": [10**18]}, "the mask's size"),
        ({"counts": [1200]}, "unreadable"),
        ([[1, 2, 3]], "no readable outline"),
        ([[1, 2, "x", 4, 5, 6]], "no readable outline"),
        ("nonsense", "no readable outline"),
    ],
)
def test_a_mask_that_cannot_be_is_skipped_with_the_reason(store, folder, segmentation, reason):
    picture(folder / "a.jpg")
    report = imported(store, folder, coco([{"segmentation": segmentation}, {"segmentation": [flat(2, 2, 5)]}]))
    assert report.instances == 1
    assert any(reason in t for t in texts(report, "skipped")), report.findings


def test_annotations_of_a_resized_picture_are_not_guessed(store, folder):
    picture(folder / "a.jpg", 40, 30)
    report = imported(store, folder, coco([{"segmentation": [flat(2, 2, 5)]}], size=(60, 80)))
    assert (report.images, report.instances) == (0, 0)
    assert any("says 80 x 60 pixels, the picture has 40 x 30" in t for t in texts(report, "skipped"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_annotations_of_unturned_pixels_are_turned_with_the_picture(store, folder, orientation):
    """What is true of the stored pixels must be true of the pixels as read."""
    from PIL import Image

    from engine.project.images import read_image

    stored = np.zeros((30, 40), dtype=np.uint8)
    stored[4:10, 6:30] = 255
    image = Image.fromarray(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(folder / "a.png", exif=exif)
    shown = read_image(folder / "a.png")[:, :, 0] > 0
    drawn_on = stored > 0 if orientation >= 5 else shown  # sides swapped: the size tells which pixels were meant
    rle = Mask.from_array(drawn_on).to_coco()
    outline = [[6, 4, 30, 4, 30, 10, 6, 10]]
    annotations = [{"segmentation": rle}] + [{"segmentation": outline}] * (orientation >= 5)
    size = drawn_on.shape
    imported(store, folder, coco(annotations, name="a.png", size=size))
    assert len(store.annotation(1).instances) == len(annotations)
    for instance in store.annotation(1):
        assert (instance.mask.to_array() == shown).all()


def test_segment_anything_files_are_read(store, folder):
    picture(folder / "a.jpg")
    image = {"image_id": 1, "width": 40, "height": 30, "file_name": "a.jpg"}
    annotation = {"id": 1, "segmentation": ring_mask().to_coco(), "bbox": [0, 0, 1, 1]}
    report = imported(store, folder, {"image": image, "annotations": [annotation]})
    assert report.classes == {"object": 1}
    assert store.annotation(1).instances[0].mask == ring_mask()


def test_a_coco_folder_gives_its_sets(store, folder):
    for part in ("train", "val"):
        picture(folder / "images" / part / "a.jpg")
        write_json(folder / "annotations" / f"instances_{part}.json", coco([{"segmentation": [flat(2, 2, 5)]}]))
    write_json(folder / "annotations" / "captions_train.json", {"images": [], "annotations": []})
    report = import_file(store, folder)
    assert (report.images, report.instances) == (2, 2)
    assert {r.path.split("/")[-2]: r.split for r in store.images()} == {"train": Split.TRAIN, "val": Split.VAL}


@pytest.mark.realdata
def test_fruits_and_nuts_are_all_read(store, real):
    report = import_file(store, real / "fruits_nuts" / "trainval.json")
    assert (report.images, report.instances) == (18, 165)
    assert report.classes == {"date": 71, "fig": 41, "hazelnut": 53}


@pytest.mark.realdata
def test_compressed_and_uncompressed_run_lengths_are_the_same_objects(store, real):
    assert import_file(store, real / "holes" / "coco_rle_compressed.json").instances == 12
    again = import_file(store, real / "holes" / "coco_rle_uncompressed.json")
    assert again.instances == 0
    assert sum(bool(i.mask.holes) for a in store.annotations() for i in a) >= 9


@pytest.mark.realdata
def test_every_coco_dialect_is_imported_or_refused_with_a_sentence(store, real):
    files = [*(real / "dialects/coco").rglob("*.json"), *(real / "dialects/segment_anything").rglob("*.json")]
    reports = [import_file(store, file, dry_run=True) for file in files]
    assert len(reports) > 25
    assert all(len(report.sentences()) > 1 or report.images for report in reports)
