"""What is put into a project comes out of it, also after reopening."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.domain import edits
from engine.domain.annotation import ImageStatus, Instance, Origin, Provenance, Split
from engine.domain.mask import Mask
from engine.errors import DataError, ProjectError
from engine.project.records import Decision, Verdict
from engine.project.store import ProjectStore


def test_an_annotation_with_holes_and_provenance_survives_reopening(folder: Path, tools: Any) -> None:
    made = Instance.from_mask(tools.ring(), 2, origin=Origin.MODEL, provenance=Provenance("run", 7, 0.123456789))
    with ProjectStore.open(folder) as store:
        before = store.annotation(2)
        store.commit_annotation(before, edits.add(before, made), "Accept")
    with ProjectStore.open(folder) as store:
        (read,) = store.annotation(2).instances
        assert read == made
        assert read.mask is not None
        assert len(read.mask.holes) == 1


def test_the_order_of_instances_is_kept_through_inserts_and_reordering(folder: Path, tools: Any) -> None:
    a, b, c = (Instance.from_mask(tools.ring(x), 1) for x in (0, 10, 20))
    with ProjectStore.open(folder) as store:
        empty = store.annotation(1)
        for order in ((a, b), (a, c, b), (b, a), (c, b, a)):
            with store.change("Arrange") as change:
                change.put_annotation(replace(empty, instances=order))
            store._contents.forget()
            assert store.annotation(1).instances == order


def test_a_box_without_a_mask_survives_reopening(tmp_path: Path) -> None:
    box = Instance("i", 1, (1.5, 2.25, 30.0, 20.0))
    with ProjectStore.create(tmp_path / "p", boxes_only=True) as store, store.change("Box") as change:
        change.add_category("nut")
        change.add_image("a.png", 60, 40)
        change.put_annotation(replace(store.annotation(1), instances=(box,)))
    with ProjectStore.open(tmp_path / "p") as store:
        assert store.boxes_only
        assert store.annotation(1).instances == (box,)


def test_an_image_marked_as_showing_nothing_stays_so(store: ProjectStore) -> None:
    before = store.annotation(3)
    changed = store.commit_annotation(before, edits.set_negative(before, True), "Nothing here")
    assert changed is not None
    assert changed.tables == {"images"}
    store._contents.forget()
    assert store.annotation(3).negative
    assert not store.annotation(1).negative


def test_a_commit_tells_what_it_touched(store: ProjectStore, tools: Any) -> None:
    before = store.annotation(2)
    after = edits.add(before, Instance.from_mask(tools.ring(), 1))
    changed = store.commit_annotation(before, after, "Draw")
    assert changed is not None
    assert (changed.label, changed.image_ids, changed.tables) == ("Draw", {2}, {"instances"})


def test_an_edit_that_changes_nothing_leaves_no_step_to_undo(store: ProjectStore) -> None:
    before = store.annotation(1)
    assert store.commit_annotation(before, replace(before), "Nothing") is None
    assert store.undo_label(1) == "Set up"


def test_an_edit_of_an_outdated_annotation_is_refused_and_overwrites_nothing(store: ProjectStore, tools: Any) -> None:
    outdated = store.annotation(1)
    kept = tools.draw(store, 1, tools.ring())
    with pytest.raises(ProjectError, match="changed elsewhere"):
        store.commit_annotation(outdated, edits.add(outdated, Instance.from_mask(tools.ring(20), 1)), "Draw")
    assert store.annotation(1).instances == (kept,)


def test_an_exception_inside_a_change_undoes_all_of_it(store: ProjectStore, tools: Any) -> None:
    before = tools.everything(store)
    with pytest.raises(ValueError, match="into itself"), store.change("Half") as change:  # noqa: PT012
        change.add_category("gasket")
        change.set_split(1, Split.VAL)
        change.put_annotation(edits.add(store.annotation(1), Instance.from_mask(tools.ring(), 1)))
        change.merge_category(1, 1)
    assert tools.everything(store) == before
    assert store.undo_label() == "Set up"


def test_a_mask_of_another_size_is_refused(store: ProjectStore) -> None:
    before = store.annotation(1)
    with pytest.raises(ValueError, match="another size"):
        store.commit_annotation(before, edits.add(before, Instance.from_mask(Mask.empty(3, 3), 1)), "Draw")
    assert store.annotation(1) == before


def test_numpy_numbers_are_stored_as_numbers(store: ProjectStore) -> None:
    with store.change("Numbers") as change:
        image_id = change.add_image("n.png", np.int64(30), np.int64(20))  # type: ignore[arg-type]
    store._contents.forget()
    assert (store.image(image_id).width, store.image(image_id).height) == (30, 20)


def test_adding_a_class_that_exists_gives_the_existing_one(store: ProjectStore) -> None:
    with store.change("Add class") as change:
        assert change.add_category(" nut ") == store.category_named("nut")
    assert change.changed is None


def test_classes_get_different_colours(store: ProjectStore) -> None:
    with store.change("Add classes") as change:
        for n in range(8):
            change.add_category(f"class {n}")
    assert len({c.color for c in store.categories()}) == 10


def test_a_class_cannot_take_the_name_of_another(store: ProjectStore) -> None:
    with pytest.raises(DataError, match="“washer” already"), store.change("Rename") as change:
        change.rename_category(1, "washer")
    with pytest.raises(DataError, match="needs a name"), store.change("Rename") as change:
        change.rename_category(1, "  ")


def test_merging_a_class_relabels_its_instances_and_removes_it(store: ProjectStore, tools: Any) -> None:
    for image_id in (1, 2):
        tools.draw(store, image_id, tools.ring(), category_id=1)
    with store.change("Merge") as change:
        change.merge_category(1, 2)
    assert [c.name for c in store.categories()] == ["washer"]
    assert [i.category_id for a in store.annotations() for i in a] == [2, 2]
    assert change.changed is not None
    assert change.changed.image_ids == {1, 2}


def test_removing_a_class_removes_its_instances_only(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring(), category_id=1)
    kept = tools.draw(store, 1, tools.ring(20), category_id=2)
    with store.change("Remove class") as change:
        change.remove_category(1)
    assert store.annotation(1).instances == (kept,)
    assert store.category_counts() == {2: 1}
    assert store.instance_counts() == {1: 1}


def test_the_latest_decision_on_a_prediction_wins(store: ProjectStore) -> None:
    with store.change("Decide") as change:
        change.decide(Decision("r", 5, 1, Verdict.UNSURE))
        change.decide(Decision("r", 6, 2, Verdict.REJECTED, reason="a shadow"))
        change.decide(Decision("r", 5, 1, Verdict.ACCEPTED, "i"))
    assert store.decisions() == (
        Decision("r", 5, 1, Verdict.ACCEPTED, "i"),
        Decision("r", 6, 2, Verdict.REJECTED, reason="a shadow"),
    )
    assert store.decisions(image_id=2) == store.decisions(run="r")[1:]
    assert store.decisions(run="other") == ()


def test_a_removed_image_takes_its_instances_and_decisions_with_it(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 2, tools.ring())
    with store.change("Decide") as change:
        change.decide(Decision("r", 5, 2, Verdict.REJECTED))
    with store.change("Remove image") as change:
        change.remove_image(2)
    assert [r.id for r in store.images()] == [1, 3]
    assert store.decisions() == ()
    assert store.category_counts() == {}
    with pytest.raises(ProjectError, match="no image with the number 2"):
        store.annotation(2)


def test_paths_are_relative_where_a_folder_is_shared_and_absolute_otherwise(store: ProjectStore) -> None:
    with store.change("Add") as change:
        inside = change.add_image(store.folder / "images" / "x.png", 4, 3)
        beside = change.add_image(store.folder.parent / "y.png", 4, 3)
        far = change.add_image("/elsewhere/z.png", 4, 3)
    assert [store.image(i).path for i in (inside, beside, far)] == ["images/x.png", "../y.png", "/elsewhere/z.png"]
    assert store.image_path(beside) == store.folder.parent / "y.png"
    assert store.image_path(far) == Path("/elsewhere/z.png")


def test_a_moved_project_finds_images_that_moved_with_it(tmp_path: Path, folder: Path) -> None:
    folder.rename(tmp_path / "moved")
    with ProjectStore.open(tmp_path / "moved") as store:
        assert store.image_path(1) == tmp_path / "a.png"


def test_the_same_file_is_one_image_and_another_size_is_refused(store: ProjectStore) -> None:
    with store.change("Again") as change:
        assert change.add_image(store.folder / ".." / "a.png", 60, 40) == 1
    with pytest.raises(DataError, match="another size"), store.change("Again") as change:
        change.add_image("../a.png", 61, 40)


def test_two_images_of_one_name_are_told_apart_by_their_folder(store: ProjectStore) -> None:
    with store.change("Add") as change:
        first = change.add_image("train/same.png", 4, 3)
        second = change.add_image("val/same.png", 4, 3)
    assert [r.id for r in store.image_named("same.png")] == [first, second]
    assert [r.id for r in store.image_named("val/same.png")] == [second]
    assert [r.id for r in store.image_named(store.folder / "train" / "same.png")] == [first]
    assert store.image_named("ame.png") == []


@pytest.mark.parametrize("name", ["ünï çödé 图.png", "line\nbreak.png", "quo'te\".png", "#%?.png", " lead.png"])
def test_any_unicode_name_is_kept_as_it_is(folder: Path, name: str) -> None:
    with ProjectStore.open(folder) as store, store.change("Add") as change:
        image_id = change.add_image(name, 4, 3)
    with ProjectStore.open(folder) as store:
        assert store.image(image_id).name == name
        assert store.image_path(image_id) == folder / name
        assert [r.id for r in store.image_named(name)] == [image_id]


def test_a_name_that_is_not_unicode_is_refused_with_a_sentence(store: ProjectStore) -> None:
    with pytest.raises(DataError, match="not valid Unicode"), store.change("Add") as change:
        change.add_image("\udcff.png", 4, 3)


def test_status_and_split_are_stored(folder: Path) -> None:
    with ProjectStore.open(folder) as store, store.change("Mark") as change:
        change.set_status(1, ImageStatus.DONE)
        change.set_split(1, Split.TEST)
    with ProjectStore.open(folder) as store:
        assert (store.image(1).status, store.image(1).split) == (ImageStatus.DONE, Split.TEST)
        assert store.images()[0] == store.image(1)


def test_more_images_than_one_batch_are_streamed_in_order(store: ProjectStore, tools: Any) -> None:
    with store.change("Many") as change:
        ids = [change.add_image(f"{n}.png", 60, 40) for n in range(450)]
    instance = tools.draw(store, ids[-1], tools.ring())
    read = list(store.annotations())
    assert [a.image_id for a in read] == [1, 2, 3, *ids]
    assert read[-1].instances == (instance,)
