"""VIA in all its dialects, from JSON to the project's masks."""

from __future__ import annotations

import csv
import json
import math

import pytest
from conftest_formats import picture, polygon, square, texts, via, write_json

from engine.domain.annotation import Origin, Split
from engine.errors import FormatError
from engine.formats.importing import import_file, inspect_file
from engine.formats.labels import LabelChoice, labelled
from engine.formats.reading import parse_file
from engine.formats.report import FindingLog

CSV_HEADER = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"


def only_mask(store):
    (annotation,) = store.annotations()
    (instance,) = annotation.instances
    return instance.mask


def test_a_polygon_becomes_an_imported_instance_with_its_pixels(store, folder):
    picture(folder / "a.jpg")
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", [square(2, 3, 10, **{"class": "nut"})]))))
    assert (report.images, report.instances, report.classes) == (1, 1, {"nut": 1})
    (annotation,) = store.annotations()
    (instance,) = annotation.instances
    assert instance.mask.box == (2, 3, 12, 13)
    assert instance.mask.area == 100
    assert instance.origin is Origin.IMPORTED
    assert store.category_named("nut").id == instance.category_id


@pytest.mark.parametrize("regions", [[square(2, 3, 10)], {"0": square(2, 3, 10)}])
def test_regions_may_be_a_list_or_a_dict(store, folder, regions):
    picture(folder / "a.jpg")
    assert import_file(store, write_json(folder / "via.json", via(("a.jpg", regions)))).instances == 1


def test_null_regions_are_an_image_without_objects(store, folder):
    picture(folder / "a.jpg")
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", None))))
    assert (report.images, report.instances) == (1, 0)
    assert not store.images()[0].negative


def test_rect_circle_and_ellipse_are_read_and_lines_and_points_are_counted(store, folder):
    picture(folder / "a.jpg", 100, 80)
    shapes = [
        {"name": "rect", "x": 5, "y": 6, "width": 10, "height": 4},
        {"name": "circle", "cx": 50, "cy": 40, "r": 10},
        {"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 5, "theta": math.pi / 2},
        {"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 2, 5]},
        {"name": "point", "cx": 3, "cy": 4},
        {"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 2, 5]},
        {"name": "heart", "cx": 3},
    ]
    regions = [{"shape_attributes": s, "region_attributes": {}} for s in shapes]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", regions))))
    rect, circle, ellipse = (i.mask for i in store.annotation(1))
    assert (rect.box, rect.area) == ((5, 6, 15, 10), 40)
    assert circle.area == pytest.approx(math.pi * 100, rel=0.03)
    assert ellipse.box == pytest.approx((45, 20, 55, 60), abs=1)
    skipped = texts(report, "skipped")
    assert any(t.startswith("2 polylines were ignored") for t in skipped)
    assert any(t.startswith("1 point was ignored") for t in skipped)
    assert any("“heart”" in t for t in skipped)


def test_the_class_attribute_is_guessed_and_told(store, folder):
    picture(folder / "a.jpg")
    regions = [square(1, 1, 5, remark="big one", Label="nut "), square(10, 1, 5, remark="small", Label="nut")]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", regions))))
    assert report.classes == {"nut": 2}
    assert any("“Label”" in t for t in texts(report, "note"))


def test_the_class_attribute_can_be_chosen(store, folder):
    picture(folder / "a.jpg")
    file = write_json(folder / "via.json", via(("a.jpg", [square(1, 1, 5, label="nut", shape="round")])))
    assert import_file(store, file, class_attribute="shape").classes == {"round": 1}


def test_a_class_attribute_that_is_not_there_is_refused_with_those_that_are(store, folder):
    picture(folder / "a.jpg")
    file = write_json(folder / "via.json", via(("a.jpg", [square(1, 1, 5, label="nut")])))
    with pytest.raises(FormatError, match=r"“kind”.*“label”"):
        import_file(store, file, class_attribute="kind")
    assert store.images() == ()


def test_a_checkbox_names_the_class_that_is_ticked(store, folder):
    picture(folder / "a.jpg")
    regions = [
        square(1, 1, 5, type={"apple": True}),
        square(10, 1, 5, type={"apple": False, "pear": True}),
        square(20, 1, 5, type={"apple": True, "pear": True}),
        square(30, 1, 5, type={"apple": False}),
    ]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", regions))))
    assert report.classes == {"apple": 2, "pear": 1}
    assert any("several classes ticked" in t for t in texts(report, "warning"))
    assert any("no class is given" in t for t in texts(report, "skipped"))


def test_regions_without_a_class_get_the_default_when_one_is_given(store, folder):
    picture(folder / "a.jpg")
    file = write_json(folder / "via.json", via(("a.jpg", [square(1, 1, 5, label="nut"), square(10, 1, 5)])))
    assert import_file(store, file, default_class="thing").classes == {"nut": 1, "thing": 1}


def test_classes_can_be_left_out(store, folder):
    picture(folder / "a.jpg")
    file = write_json(
        folder / "via.json", via(("a.jpg", [square(1, 1, 5, label="nut"), square(10, 1, 5, label="fig")]))
    )
    report = import_file(store, file, leave_out=["fig", "plum"])
    assert report.classes == {"nut": 1}
    assert [c.name for c in store.categories()] == ["nut"]
    assert any("left out" in t for t in texts(report, "note"))
    assert any("“plum”" in t for t in texts(report, "warning"))


def test_a_project_file_with_settings_is_read(store, folder):
    picture(folder / "a.jpg")
    data = {
        "_via_settings": {"project": {"name": "x"}},
        "_via_img_metadata": via(("a.jpg", [square(1, 1, 5, remark="7", kind="fig")])),
        "_via_attributes": {"region": {"remark": {"type": "text"}, "kind": {"type": "radio", "options": {"fig": ""}}}},
    }
    assert import_file(store, write_json(folder / "p.json", data)).classes == {"fig": 1}


def test_a_csv_with_one_long_polygon_is_read(store, folder):
    picture(folder / "a.jpg", 400, 400)
    angles = [2 * math.pi * k / 12000 for k in range(12000)]
    region = polygon([(200 + 100 * math.cos(a), 200 + 100 * math.sin(a)) for a in angles])
    with (folder / "via.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            [
                "filename",
                "file_size",
                "file_attributes",
                "region_count",
                "region_id",
                "region_shape_attributes",
                "region_attributes",
            ]
        )
        table.writerow(["a.jpg", 12, "{}", 1, 0, json.dumps(region["shape_attributes"]), '{"class":"disc"}'])
        table.writerow(["a.jpg", 12, "{}", 1, 1, "{damaged", "{}"])
    report = import_file(store, folder / "via.csv")
    assert report.classes == {"disc": 1}
    assert only_mask(store).area == pytest.approx(math.pi * 1e4, rel=0.02)
    assert any("cannot be read" in t for t in texts(report, "skipped"))


def test_what_touches_or_leaves_the_image_is_clipped_and_counted(store, folder):
    picture(folder / "a.jpg")
    regions = [square(30, 5, 10), square(-4, 5, 8), square(10, 25, 20), square(100, 100, 5)]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", regions))))
    assert [i.mask.box for i in store.annotation(1)] == [(30, 5, 40, 15), (0, 5, 4, 13), (10, 25, 30, 30)]
    clipped = texts(report, "clipped")
    assert any(t.startswith("1 region touches the image's border") for t in clipped)
    assert any(t.startswith("2 regions reach beyond the image") for t in clipped)
    assert any("outside the image" in t for t in texts(report, "skipped"))


def test_outlines_without_area_are_skipped_with_the_reason_and_crossing_ones_are_told(store, folder):
    picture(folder / "a.jpg")
    regions = [
        polygon([(1, 1), (9, 9)]),
        polygon([(1, 1), (9, 9), (17, 17)]),
        polygon([(2, 2), (18, 18), (18, 2), (2, 18)]),
    ]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", regions))))
    assert report.instances == 1
    skipped = texts(report, "skipped")
    assert any("fewer than three points" in t for t in skipped)
    assert any("no area" in t for t in skipped)
    assert any("crosses itself" in t for t in texts(report, "warning"))


def test_a_bridged_polygon_is_read_with_its_hole(store, folder):
    picture(folder / "a.jpg")
    ring = [(2, 2), (22, 2), (22, 22), (2, 22), (2, 2), (8, 8), (8, 16), (16, 16), (16, 8), (8, 8)]
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", [polygon(ring)]))))
    assert [hole.area for hole in only_mask(store).holes] == [64]
    assert any("bridge" in t for t in texts(report, "note"))


def test_a_region_inside_another_of_its_class_is_a_hole_only_when_asked(store, folder):
    picture(folder / "a.jpg")
    regions = [
        square(2, 2, 24, c="ring"),
        square(6, 6, 16, c="ring"),
        square(10, 10, 6, c="ring"),
        square(3, 3, 2, c="dot"),
    ]
    file = write_json(folder / "via.json", via(("a.jpg", regions)))
    plain = import_file(store, file, dry_run=True)
    assert plain.classes == {"ring": 3, "dot": 1}
    assert any("can be read as a hole" in t for t in texts(plain, "note"))
    report = import_file(store, file, nested_as_holes=True)
    assert report.classes == {"ring": 2, "dot": 1}
    ring, island, _ = (i.mask for i in store.annotation(1))
    assert ring.area == 24 * 24 - 16 * 16
    assert island.area == 36


def test_two_entries_of_one_name_are_told_apart_by_size(store, folder):
    size = picture(folder / "a.jpg").stat().st_size
    data = via(("a.jpg", [square(1, 1, 5)]), size=999) | via(("a.jpg", [square(20, 10, 8)]), size=size)
    report = import_file(store, write_json(folder / "via.json", data))
    assert only_mask(store).box == (20, 10, 28, 18)
    assert any("two pictures alike" in t for t in texts(report, "skipped"))


@pytest.mark.realdata
def test_balloon_gives_its_74_images_and_305_instances_and_tells_of_13_at_the_border(store, real):
    reports = [import_file(store, real / "balloon" / part / "via_region_data.json") for part in ("train", "val")]
    assert len(store.images()) == 74
    assert sum(store.instance_counts().values()) == 305
    (clipped,) = [f for f in reports[0].findings if f.kind == "clipped"]
    assert clipped.count == 13
    assert clipped.text.startswith("13 regions touch")
    assert [r.split for r in store.images()].count(Split.VAL) == 13


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "images", "regions"),
    [
        ("via2_json/jianing-sun__Mask-YOLO/food/train/via_food_annotation.json", 50, 148),
        ("via2_json/jianing-sun__Mask-YOLO/rice/val/via_rice_annotation.json", 6, 6),
        ("via2_json/shivvignesh__Image-annotations.-/via_export_json.json", 121, 127),
        ("via2_project/shivvignesh__Image-annotations.-/EVA_Assignment_16(shiv_vignesh).json", 121, 127),
        ("via_csv/shivvignesh__Image-annotations.-/via_export_csv.csv", 121, 127),
    ],
)
def test_real_via_files_are_read_region_by_region(real, name, images, regions):
    log = FindingLog()
    parsed = labelled(parse_file(real / "dialects" / name, log), LabelChoice(), log)
    assert len(parsed.images) == images
    assert sum(len(image.regions) for image in parsed.images) == regions


@pytest.mark.realdata
def test_a_label_with_a_trailing_blank_is_one_class(real):
    facts = inspect_file(real / "dialects/via2_json/shivvignesh__Image-annotations.-/via_export_json.json")
    assert facts.class_attribute == "Label"
    assert facts.classes["Right"] == 14
    assert facts.images == 121
