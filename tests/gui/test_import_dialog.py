"""Importing through the window: real VIA files, choices, refusals, the report."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import Qt

from engine.domain.annotation import Origin, Split

pytestmark = pytest.mark.gui


@pytest.fixture
def via_file(image_folder):
    """Two classes on two of the three images, named by the attribute "kind"; "note" says something else."""

    def region(x: int, kind: str, note: str):
        shape = {"name": "rect", "x": x, "y": 20, "width": 20, "height": 30}
        return {"shape_attributes": shape, "region_attributes": {"kind": kind, "note": note}}

    images = {
        name: {"filename": name, "size": -1, "file_attributes": {}, "regions": regions}
        for name, regions in {
            "a.png": [region(10, "nut", "x1"), region(60, "bolt", "x2")],
            "b.png": [region(30, "nut", "x3")],
        }.items()
    }
    file = image_folder / "via.json"
    file.write_text(json.dumps(images))
    return file


def shown(qtbot, dialog):
    qtbot.waitUntil(dialog.primary.isEnabled, timeout=10_000)
    return dialog.report.toPlainText()


def test_the_real_balloon_folder_is_imported_with_its_splits_and_a_report(window, balloon, tmp_path, qtbot):
    window.session.new_project(tmp_path / "project", name="balloon")
    dialog = window.commands.import_annotations(balloon)
    before = shown(qtbot, dialog)
    assert not dialog.form.isRowVisible(dialog.classes)
    dialog.default_class.setText("balloon")
    dialog.default_class.textEdited.emit("balloon")
    before = shown(qtbot, dialog)
    assert "(balloon 305)" in before
    assert before.startswith("Would import 305 instances in 74 images")
    assert window.session.store.images() == ()
    dialog.primary.click()
    qtbot.waitUntil(lambda: not window.session.busy, timeout=60_000)
    assert dialog.report.toPlainText().startswith("Imported 305 instances in 74 images")
    assert "13" in dialog.report.toPlainText()
    records = window.session.store.images()
    assert [r.split for r in records].count(Split.VAL) == 13
    assert window.session.document.is_open
    assert {i.origin for i in window.session.document.annotation} == {Origin.IMPORTED}
    window.session.undo()
    assert window.session.store.images() == ()
    assert not window.session.document.is_open


test_the_real_balloon_folder_is_imported_with_its_splits_and_a_report = pytest.mark.realdata(
    test_the_real_balloon_folder_is_imported_with_its_splits_and_a_report
)


def test_a_class_that_is_unchecked_is_left_out(project, via_file, qtbot):
    dialog = project.commands.import_annotations(via_file)
    shown(qtbot, dialog)
    assert dialog.attribute.currentData() == "kind"
    names = [dialog.classes.item(n).data(Qt.ItemDataRole.UserRole) for n in range(dialog.classes.count())]
    assert names == ["bolt", "nut"]
    dialog.classes.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.primary.isEnabled()
    assert shown(qtbot, dialog).startswith("Would import 2 instances")
    dialog.primary.click()
    qtbot.waitUntil(lambda: not project.session.busy)
    assert project.session.store.category_named("bolt") is None
    assert project.session.store.category_counts()[project.session.store.category_named("nut").id] == 2


def test_another_attribute_gives_other_classes(project, via_file, qtbot):
    dialog = project.commands.import_annotations(via_file)
    shown(qtbot, dialog)
    dialog.attribute.setCurrentIndex(dialog.attribute.findData("note"))
    shown(qtbot, dialog)
    assert dialog.classes.count() == 3


def test_the_chosen_split_is_given_to_the_images_of_the_file_only(project, via_file, qtbot):
    dialog = project.commands.import_annotations(via_file)
    shown(qtbot, dialog)
    dialog.split.setCurrentIndex(dialog.split.findData(Split.VAL))
    shown(qtbot, dialog)
    dialog.primary.click()
    qtbot.waitUntil(lambda: not project.session.busy)
    assert {r.name: r.split for r in project.session.store.images()} == {
        "a.png": Split.VAL, "b.png": Split.VAL, "c.png": Split.NONE,
    }  # fmt: skip


def test_a_file_that_is_no_annotation_file_is_refused_with_a_sentence(project, tmp_path, qtbot):
    bad = tmp_path / "settings.json"
    bad.write_text('{"colour": "red"}')
    dialog = project.commands.import_annotations(bad)
    qtbot.waitUntil(lambda: "settings.json" in dialog.facts.text())
    assert not dialog.primary.isEnabled()
    dialog.source.set_path(tmp_path / "nowhere.json")
    assert "There is no file" in dialog.facts.text()


def test_the_newest_question_wins(project, via_file, tmp_path, qtbot):
    bad = tmp_path / "settings.json"
    bad.write_text('{"colour": "red"}')
    dialog = project.commands.import_annotations(bad)
    dialog.source.set_path(via_file)
    shown(qtbot, dialog)
    assert "3 regions" in dialog.facts.text()


def test_an_import_that_is_cancelled_changes_nothing(project, via_file, qtbot, monkeypatch):
    from engine.formats import importing

    real = importing.import_file

    def and_cancel(*args, progress, **options):
        project.session.cancel_job()
        return real(*args, progress=progress, **options)

    monkeypatch.setattr(importing, "import_file", and_cancel)
    project.session.import_file(via_file, done=lambda report: pytest.fail("it was cancelled"))
    qtbot.waitUntil(lambda: not project.session.busy)
    assert "Cancelled" in project.banner.text
    assert sum(project.session.store.instance_counts().values()) == 0


def test_a_json_dropped_on_the_welcome_page_makes_a_project_and_then_asks(window, via_file, qtbot):
    from gui.dialogs.import_dialog import ImportDialog
    from gui.dialogs.new_project import NewProjectDialog

    window.take(via_file)
    window.findChild(NewProjectDialog).primary.click()
    qtbot.waitUntil(lambda: window.findChild(ImportDialog) is not None)
    assert window.findChild(ImportDialog).source.path == via_file
    shown(qtbot, window.findChild(ImportDialog))


def test_a_coco_export_of_what_was_imported_can_be_read(project, via_file, qtbot, tmp_path):
    dialog = project.commands.import_annotations(via_file)
    shown(qtbot, dialog)
    dialog.primary.click()
    qtbot.waitUntil(lambda: not project.session.busy)
    out = tmp_path / "out.json"
    project.session.export_coco(out)
    qtbot.waitUntil(lambda: not project.session.busy)
    assert len(json.loads(out.read_text())["annotations"]) == 3
    assert str(out) in project.banner.text
