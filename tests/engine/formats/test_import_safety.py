"""Bad files and bad names: one clear sentence, nothing half imported, no path outside the folders."""

from __future__ import annotations

import json
import random

import pytest
from conftest_formats import picture, square, texts, via, write_json
from PIL import Image

from engine.domain.annotation import Split
from engine.errors import FormatError, UserError
from engine.formats.importing import import_file, inspect_file
from engine.formats.locate import ImageFinder, safe_name

ONE = [square(2, 2, 8)]


def snapshot(store):
    return store.images(), store.categories(), tuple(store.annotations()), store.history()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("{", "not valid JSON"),
        ('{"a": 1}', "neither VIA nor COCO"),
        ("{}", "it is empty"),
        ("[]", "bare list"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', "detection results"),
        ("3", "bare value"),
        ('{"shapes": [], "imagePath": "a.jpg"}', "labelme"),
        ('{"annotations": []}', "“images” is missing"),
        ("[" * 100_000, "nested"),
        ('{"a": ' + "9" * 10_000 + "}", "sized beyond sense"),
    ],
)
def test_a_json_that_is_neither_via_nor_coco_is_refused_with_what_it_is(store, folder, text, sentence):
    (folder / "x.json").write_text(text)
    before = snapshot(store)
    with pytest.raises(FormatError, match=sentence):
        import_file(store, folder / "x.json")
    assert snapshot(store) == before


def test_a_picture_chosen_as_annotation_file_is_refused(store, folder):
    with pytest.raises(FormatError, match="not a text file"):
        import_file(store, picture(folder / "a.jpg"))


def test_a_missing_file_and_a_folder_without_annotations_are_refused(store, folder):
    with pytest.raises(FormatError, match="does not exist"):
        import_file(store, folder / "nothing.json")
    with pytest.raises(FormatError, match="no annotation file"):
        import_file(store, folder)
    write_json(folder / "a.json", via())
    write_json(folder / "b.json", via())
    with pytest.raises(FormatError, match=r"several annotation files: a\.json, b\.json"):
        import_file(store, folder)


def test_byte_order_marks_are_no_obstacle(store, folder):
    picture(folder / "a.jpg")
    for encoding in ("utf-8-sig", "utf-16"):
        (folder / "via.json").write_text(json.dumps(via(("a.jpg", ONE))), encoding=encoding)
        assert inspect_file(folder / "via.json").regions == 1


@pytest.mark.parametrize("name", ["../secret.jpg", "/{root}/secret.jpg", "x/../../secret.jpg", "..\\secret.jpg"])
def test_a_name_that_leads_outside_is_looked_for_inside_only(store, folder, name):
    picture(folder.parent / "secret.jpg")
    name = name.replace("/{root}", str(folder.parent))
    report = import_file(store, write_json(folder / "via.json", via((name, ONE))))
    assert store.images() == ()
    assert any("led outside the folder" in t for t in texts(report, "warning"))
    assert any("not found" in t for t in texts(report, "skipped"))


def test_an_absolute_name_is_resolved_by_its_base_name_inside_the_folder(store, folder):
    picture(folder / "images" / "a.jpg")
    report = import_file(store, write_json(folder / "via.json", via(("C:\\Users\\me\\a.jpg", ONE))))
    assert report.instances == 1
    assert store.image_path(1) == folder / "images" / "a.jpg"
    assert any("led outside" in t for t in texts(report, "warning"))


def test_a_link_out_of_the_folder_is_not_followed(folder):
    outside = picture(folder.parent / "elsewhere" / "a.jpg")
    (folder / "a.jpg").symlink_to(outside)
    (folder / "sub").symlink_to(outside.parent)
    finder = ImageFinder([folder])
    assert finder.candidates(safe_name("a.jpg")) == ()
    assert finder.candidates(safe_name("sub/a.jpg")) == ()


@pytest.mark.parametrize("raw", ["", "..", "/", "a\0b.jpg", "\ud800.jpg", "C:", "https://", "x" * 5000, "../.."])
def test_an_impossible_name_finds_nothing(folder, raw):
    assert ImageFinder([folder]).candidates(safe_name(raw)) == ()


def test_names_are_found_in_subfolders_by_base_name_and_in_any_case(store, folder):
    picture(folder / "deep" / "er" / "IMG_1.JPG")
    report = import_file(store, write_json(folder / "via.json", via(("img_1.jpg", ONE))))
    assert report.instances == 1


def test_pictures_of_the_project_are_found_when_none_lies_beside_the_file(store, folder, tmp_path):
    path = picture(tmp_path / "pictures" / "a.jpg")
    with store.change("Add") as change:
        change.add_image(path, 40, 30)
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", ONE))))
    assert (report.images, report.images_added, report.instances) == (1, 0, 1)


def test_two_pictures_of_one_name_are_told_and_none_is_guessed(store, folder):
    picture(folder / "left" / "a.jpg")
    picture(folder / "right" / "a.jpg", 50, 50)
    report = import_file(store, write_json(folder / "via.json", via(("a.jpg", ONE))))
    assert (report.images, report.instances) == (0, 0)
    assert any("left/a.jpg, right/a.jpg" in t for t in texts(report, "skipped"))


def test_the_size_in_bytes_tells_two_pictures_of_one_name_apart(store, folder):
    picture(folder / "left" / "a.jpg")
    size = picture(folder / "right" / "a.jpg", 200, 100).stat().st_size
    assert import_file(store, write_json(folder / "via.json", via(("a.jpg", ONE), size=size))).instances == 1
    assert store.image_path(1).parent.name == "right"


def test_missing_broken_and_cut_off_pictures_are_told(store, folder):
    (folder / "text.jpg").write_text("no picture")
    Image.effect_noise((64, 64), 60).save(folder / "cut.jpg")
    whole = (folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    picture(folder / "good.jpg")
    names = ["gone.jpg", "text.jpg", "cut.jpg", "good.jpg"]
    report = import_file(store, write_json(folder / "via.json", via(*((name, ONE) for name in names))))
    assert (report.images, report.instances) == (2, 2)
    skipped = texts(report, "skipped")
    assert any("not found" in t and "gone.jpg" in t for t in skipped)
    assert any("not an image" in t and "text.jpg" in t for t in skipped)
    assert any(t.startswith("2 regions were skipped with the images") for t in skipped)
    assert any("cut off" in t and "cut.jpg" in t for t in texts(report, "warning"))


def test_an_import_is_one_change_that_undo_takes_back(store, folder):
    for name in "abc":
        picture(folder / f"{name}.jpg")
    import_file(store, write_json(folder / "via.json", via(*((f"{n}.jpg", ONE) for n in "abc"))), split=Split.TRAIN)
    assert [entry.label for entry in store.history()] == ["Import via.json"]
    store.undo()
    assert (store.images(), store.categories()) == ((), ())
    store.redo()
    assert sum(store.instance_counts().values()) == 3


def test_an_import_that_fails_half_way_leaves_nothing(store, folder, monkeypatch):
    from engine.project.changeset import Changeset

    for name in "ab":
        picture(folder / f"{name}.jpg")
    file = write_json(folder / "via.json", via(("a.jpg", ONE), ("b.jpg", ONE)))
    put = Changeset.put_annotation
    calls = []

    def failing(self, after):
        calls.append(after)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        put(self, after)

    monkeypatch.setattr(Changeset, "put_annotation", failing)
    with pytest.raises((OSError, UserError)):
        import_file(store, file)
    assert len(calls) == 2
    assert (store.images(), store.categories(), store.instance_counts()) == ((), (), {})


def test_a_dry_run_tells_the_same_and_writes_nothing(store, folder):
    picture(folder / "a.jpg")
    file = write_json(folder / "via.json", via(("a.jpg", ONE)))
    before = snapshot(store)
    dry = import_file(store, file, dry_run=True)
    assert snapshot(store) == before
    assert dry.sentences()[0].startswith("Would import 1 instance in 1 image")
    wet = import_file(store, file)
    assert (dry.images, dry.instances, dry.findings) == (wet.images, wet.instances, wet.findings)


def test_importing_again_adds_only_what_is_new(store, folder):
    picture(folder / "a.jpg")
    import_file(store, write_json(folder / "via.json", via(("a.jpg", ONE))))
    file = write_json(folder / "via.json", via(("a.jpg", [*ONE, square(20, 10, 5)])))
    report = import_file(store, file)
    assert report.instances == 1
    assert any("1 instance was in the project already" in t for t in texts(report, "note"))
    assert len(store.annotation(1)) == 2


def test_a_set_is_taken_from_the_folders_name_but_never_changed_silently(store, folder):
    picture(folder / "train" / "a.jpg")
    file = write_json(folder / "train" / "via.json", via(("a.jpg", ONE)))
    import_file(store, file)
    assert store.image(1).split is Split.TRAIN
    with store.change("Move") as change:
        change.set_split(1, Split.TEST)
    report = import_file(store, file)
    assert store.image(1).split is Split.TEST
    assert any("stayed in the set “test”" in t for t in texts(report, "note"))
    report = import_file(store, file, split=Split.VAL)
    assert store.image(1).split is Split.VAL
    assert any("moved from the set “test” to “val”" in t for t in texts(report, "warning"))


WEIRD = [None, True, -1, 0, 3.5, 1e300, 10**400, "", "x", "../x", "NaN", [], {}, [[]], {"a": {}}, [None]]
WEIRD += ["\ud800", "\0"]


def mutated(value, rng):
    """`value` with one random place replaced by nonsense."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        return value | {key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(value[place], rng), *value[place + 1 :]]
    return rng.choice(WEIRD)


@pytest.mark.parametrize("seed", range(6))
def test_no_damage_to_a_file_gives_anything_but_a_report_or_a_sentence(store, folder, seed):
    picture(folder / "a.jpg")
    rng = random.Random(seed)
    rle = {"size": [30, 40], "counts": [100, 50, 1050]}
    segmentations = [[[2, 2, 9, 2, 9, 9]], rle, {"size": [30, 40], "counts": "d31000ZR1"}, []]
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 30, "width": 40}],
        "categories": [{"id": 1, "name": "ring"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [1, 2, 3, 4], "segmentation": s}
            for i, s in enumerate(segmentations)
        ],
    }
    ellipse = {"name": "ellipse", "cx": 9, "cy": 9, "rx": 4, "ry": 3, "theta": 1}
    rect = {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3}
    plain = [{"shape_attributes": shape, "region_attributes": {}} for shape in (ellipse, rect)]
    regions = [square(1, 1, 5, c={"x": True}), *plain]
    attributes = {"region": {"c": {"options": {"x": ""}}}}
    project = {"_via_img_metadata": via(("a.jpg", regions)), "_via_attributes": attributes}
    finished = 0
    for _ in range(120):
        data = rng.choice([coco, project, via(("a.jpg", regions))])
        for _ in range(rng.randrange(1, 4)):
            data = mutated(data, rng)
        try:
            write_json(folder / "x.json", data)
            import_file(store, folder / "x.json", dry_run=rng.random() < 0.8, nested_as_holes=rng.random() < 0.5)
            finished += 1
        except UserError:
            continue
    assert finished > 30
