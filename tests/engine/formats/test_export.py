"""Exports: the same pixels in other tools' hands, written whole or not at all, losses told."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest_formats import picture
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.errors import UserError
from engine.formats import atomic
from engine.formats.coco import export_coco
from engine.formats.importing import import_file
from engine.formats.via import write_via
from engine.formats.via_write import export_via
from engine.project.store import ProjectStore


def ring_mask() -> Mask:
    yy, xx = np.mgrid[:30, :40]
    radius = np.hypot(xx - 18, yy - 14)
    core = radius < 2
    return Mask.from_array(((radius < 11) & (radius >= 4)) | core)


@pytest.fixture
def filled(store, folder) -> ProjectStore:
    """Three images: a ring and a disc, nothing labelled, and one that shows nothing."""
    names = ["train/a.jpg", "train/b.jpg", "val/c.jpg"]
    with store.change("Fill") as change:
        ids = [change.add_image(picture(folder / name), 40, 30) for name in names]
        disc, ring = change.add_category("disc"), change.add_category("ring")
        change.remove_category(disc.id)
        nut = change.add_category("nut")
        instances = (
            Instance.from_mask(ring_mask(), ring.id),
            Instance.from_mask(Mask.from_box((30, 2, 38, 9), 30, 40), nut.id),
        )
        change.put_annotation(Annotation(ids[0], 30, 40, instances))
        change.put_annotation(Annotation(ids[2], 30, 40, negative=True))
        change.set_split(ids[2], Split.VAL)
    return store


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools with numpy 2
@pytest.mark.parametrize("compressed", [False, True])
def test_pycocotools_reads_the_same_pixels(filled, tmp_path, compressed):
    report = export_coco(filled, tmp_path / "out.json", compressed=compressed)
    data = json.loads((tmp_path / "out.json").read_text())
    assert (report.images, report.instances) == (3, 2)
    ring, nut = data["annotations"]
    rle = ring["segmentation"]
    assert isinstance(rle["counts"], str if compressed else list)
    decoded = coco_mask.decode(rle if compressed else coco_mask.frPyObjects(rle, 30, 40))
    assert (decoded.astype(bool) == ring_mask().to_array()).all()
    assert ring["iscrowd"] == nut["iscrowd"] == 0
    assert ring["area"] == ring_mask().area
    assert nut["bbox"] == [30, 2, 8, 7]


def test_category_ids_count_from_one_and_file_names_are_unique_paths(filled, tmp_path):
    export_coco(filled, tmp_path / "out.json")
    data = json.loads((tmp_path / "out.json").read_text())
    assert [(c["id"], c["name"]) for c in data["categories"]] == [(1, "ring"), (2, "nut")]
    assert [a["category_id"] for a in data["annotations"]] == [1, 2]
    assert [i["file_name"] for i in data["images"]] == ["train/a.jpg", "train/b.jpg", "val/c.jpg"]
    assert [(i["width"], i["height"]) for i in data["images"]] == [(40, 30)] * 3


def test_one_set_can_be_exported_alone(filled, tmp_path):
    report = export_coco(filled, tmp_path / "out.json", split=Split.VAL)
    assert (report.images, report.instances) == (1, 0)


def test_what_is_lost_is_told(filled, tmp_path):
    losses = " ".join(export_coco(filled, tmp_path / "out.json").losses)
    assert "1 image without a label is" in losses
    losses = " ".join(export_via(filled, tmp_path / "via.json").losses)
    assert "1 instance with holes" in losses
    assert "1 instance in several parts" in losses


@pytest.mark.parametrize("export", [export_coco, export_via])
def test_an_export_imported_into_a_new_project_is_the_same(filled, folder, tmp_path, export):
    export(filled, folder / "out.json")
    with ProjectStore.create(tmp_path / "again") as again:
        import_file(again, folder / "out.json")
        before = [[(i.mask, filled.categories()[i.category_id - 2].name) for i in a] for a in filled.annotations()]
        after = [[(i.mask, again.categories()[i.category_id - 1].name) for i in a] for a in again.annotations()]
        assert before == after
        assert again.images()[2].negative is (export is export_coco)


def test_boxes_are_exported_as_boxes(tmp_path, folder):
    with ProjectStore.create(tmp_path / "boxes", boxes_only=True) as store:
        with store.change("Fill") as change:
            image = change.add_image(picture(folder / "a.jpg"), 40, 30)
            nut = change.add_category("nut")
            change.put_annotation(Annotation(image, 30, 40, (Instance("i", nut.id, (2.5, 3.0, 10.5, 9.0)),)))
        export_coco(store, tmp_path / "out.json")
        export_via(store, tmp_path / "via.json")
    (entry,) = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert (entry["bbox"], entry["area"], entry["segmentation"]) == ([2.5, 3.0, 8.0, 6.0], 48.0, [])
    (image_entry,) = json.loads((tmp_path / "via.json").read_text()).values()
    shape = image_entry["regions"][0]["shape_attributes"]
    assert shape == {"name": "rect", "x": 2.5, "y": 3, "width": 8.0, "height": 6}


def test_a_disk_that_fills_up_leaves_the_old_file(filled, tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    out.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(UserError, match=r"out\.json could not be written: No space left"):
        export_coco(filled, out)
    assert out.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == ["out.json"]


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14)).map(Mask.from_array))
@settings(max_examples=60, deadline=None)
def test_any_mask_survives_via_written_and_filled_again(tmp_path_factory, mask):
    from engine.domain.polygons import outline_mask

    if mask.is_empty:
        return
    out = tmp_path_factory.mktemp("via") / "via.json"
    annotation = Annotation(1, *mask.shape, (Instance.from_mask(mask, 1),))
    write_via([("a.jpg", 5, annotation)], {1: "nut"}, out)
    shape = json.loads(out.read_text())["a.jpg5"]["regions"][0]["shape_attributes"]
    points = list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
    assert outline_mask(points, *mask.shape) == mask


def test_thinned_outlines_are_shorter_and_told(tmp_path):
    annotation = Annotation(1, 30, 40, (Instance.from_mask(ring_mask(), 1),))
    exact = write_via([("a.jpg", 5, annotation)], {1: "nut"}, tmp_path / "exact.json")
    thin = write_via([("a.jpg", 5, annotation)], {1: "nut"}, tmp_path / "thin.json", tolerance=1.0)
    assert (tmp_path / "thin.json").stat().st_size < (tmp_path / "exact.json").stat().st_size
    assert any("thinned" in loss for loss in thin.losses)
    assert not any("thinned" in loss for loss in exact.losses)
