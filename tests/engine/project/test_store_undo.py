"""The journal is the undo history: what undo takes back, what it refuses, and that it is exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.domain import edits
from engine.domain.annotation import Annotation, ImageStatus, Instance, Split
from engine.errors import UndoError
from engine.project.records import Decision, Verdict
from engine.project.store import ProjectStore


def _label(changed: Any) -> str | None:
    return changed.label if changed is not None else None


def test_every_kind_of_change_can_be_undone_and_redone_exactly(folder: Path, tools: Any) -> None:
    def merge(change: Any) -> None:
        change.merge_category(1, 2)

    def decide(change: Any) -> None:
        change.decide(Decision("r", 1, 1, Verdict.REJECTED))
        change.decide(Decision("r", 1, 1, Verdict.ACCEPTED, "x"))

    steps = [
        lambda c: c.add_category("gasket"),
        lambda c: c.add_image("d.png", 9, 9),
        lambda c: c.set_split(1, Split.VAL),
        lambda c: c.set_status(2, ImageStatus.DONE),
        lambda c: c.put_annotation(Annotation(3, 40, 60, (), negative=True)),
        lambda c: c.put_annotation(Annotation(1, 40, 60, (Instance.from_mask(tools.ring(), 1, id="x"),))),
        lambda c: c.put_annotation(Annotation(1, 40, 60, (Instance.from_mask(tools.ring(20), 2, id="x"),))),
        lambda c: c.put_annotation(Annotation(2, 40, 60, (Instance.from_mask(tools.ring(), 1, id="y"),))),
        decide,
        lambda c: c.rename_category(1, "bolt"),
        lambda c: c.recolor_category(1, "#123456"),
        merge,
        lambda c: c.remove_image(1),
        lambda c: c.remove_category(2),
    ]
    states = []
    with ProjectStore.open(folder) as store:
        for number, step in enumerate(steps):
            states.append(tools.everything(store))
            with store.change(f"Step {number}") as change:
                step(change)
        states.append(tools.everything(store))
    for index in reversed(range(len(steps))):
        with ProjectStore.open(folder) as store:  # reopened each time: the history survives a restart
            assert _label(store.undo()) == f"Step {index}"
            assert tools.everything(store) == states[index]
    with ProjectStore.open(folder) as store:
        for index in range(len(steps)):
            assert _label(store.redo()) == f"Step {index}"
            assert tools.everything(store) == states[index + 1]
        assert store.redo() is None


def test_undo_takes_back_the_newest_change_of_the_image_on_screen(store: ProjectStore, tools: Any) -> None:
    first = tools.draw(store, 1, tools.ring(), "Draw one")
    tools.draw(store, 2, tools.ring(), "Draw two")
    assert store.undo_label(1) == "Draw one"
    changed = store.undo(1)
    assert changed is not None
    assert (changed.label, changed.image_ids, changed.tables) == ("Draw one", {1}, {"instances"})
    assert len(store.annotation(1)) == 0
    assert len(store.annotation(2)) == 1
    assert store.redo_label(1) == "Draw one"
    assert store.redo_label(2) is None
    store.redo(1)
    assert store.annotation(1).instances == (first,)


def test_without_anything_to_undo_or_redo_nothing_happens(store: ProjectStore, tools: Any) -> None:
    assert _label(store.undo(1)) == "Set up"
    before = tools.everything(store)
    assert store.undo(1) is None
    assert store.undo() is None
    assert store.undo_label() is None
    assert tools.everything(store) == before
    assert _label(store.redo(1)) == "Set up"
    assert store.redo(1) is None


def test_a_change_of_several_images_is_undone_as_a_whole(store: ProjectStore, tools: Any) -> None:
    with store.change("Accept all") as change:
        for image_id in (1, 2, 3):
            change.put_annotation(Annotation(image_id, 40, 60, (Instance.from_mask(tools.ring(), 1),)))
    changed = store.undo(2)
    assert changed is not None
    assert changed.image_ids == {1, 2, 3}
    assert store.instance_counts() == {}
    store.redo(3)
    assert store.instance_counts() == {1: 1, 2: 1, 3: 1}


def test_undoing_several_images_is_refused_when_a_later_change_builds_on_it(store: ProjectStore, tools: Any) -> None:
    with store.change("Accept all") as change:
        for image_id in (1, 2):
            change.put_annotation(Annotation(image_id, 40, 60, (Instance.from_mask(tools.ring(), 1),)))
    accepted = store.annotation(2)
    store.commit_annotation(accepted, edits.paint(accepted, accepted.instances[0].id, tools.ring(10)), "Paint")
    before = tools.everything(store)
    with pytest.raises(UndoError, match=r"“Accept all” cannot be undone: “Paint” on 'b.png' came later"):
        store.undo(1)
    assert tools.everything(store) == before
    store.undo(2)
    assert _label(store.undo(1)) == "Accept all"


def test_a_later_change_of_something_else_does_not_stand_in_the_way(store: ProjectStore, tools: Any) -> None:
    with store.change("Split") as change:
        for image_id in (1, 2, 3):
            change.set_split(image_id, Split.TRAIN)
    kept = tools.draw(store, 2, tools.ring())
    with store.change("Done") as change:
        change.set_status(2, ImageStatus.DONE)
    assert _label(store.undo(1)) == "Split"
    assert store.image(2).split is Split.NONE
    assert store.image(2).status is ImageStatus.DONE
    assert store.annotation(2).instances == (kept,)


def test_project_wide_changes_are_undone_from_any_image(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring())
    with store.change("Rename") as change:
        change.rename_category(1, "bolt")
    assert store.undo_label(1) == store.undo_label(3) == "Rename"
    store.undo(3)
    assert store.category_named("nut") is not None


def test_a_new_class_that_is_used_elsewhere_does_not_block_an_images_own_undo(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring(), "Draw nut")
    with store.change("Add class") as change:
        gasket = change.add_category("gasket")
    tools.draw(store, 2, tools.ring(), "Draw gasket", gasket.id)
    assert _label(store.undo(1)) == "Draw nut"
    assert store.category_named("gasket") is not None
    assert _label(store.undo(2)) == "Draw gasket"
    assert _label(store.undo(1)) == "Add class"


def test_a_class_is_not_taken_back_while_an_undo_could_bring_an_object_of_it_back(
    store: ProjectStore, tools: Any
) -> None:
    with store.change("Add class") as change:
        gasket = change.add_category("gasket")
    drawn = tools.draw(store, 1, tools.ring(), "Draw gasket", gasket.id)
    store.commit_annotation(store.annotation(1), edits.remove(store.annotation(1), [drawn.id]), "Delete")
    with pytest.raises(UndoError, match="“Set up” cannot be undone: “Delete”"):
        store.undo(2)  # passes over “Add class”
    assert _label(store.undo(1)) == "Delete"
    assert store.annotation(1).instances == (drawn,)


def test_a_name_is_not_given_back_while_something_else_has_it(store: ProjectStore, tools: Any) -> None:
    with store.change("Rename") as change:
        change.rename_category(1, "bolt")
    with store.change("New nut") as change:
        nut = change.add_category("nut")
        change.put_annotation(Annotation(1, 40, 60, (Instance.from_mask(tools.ring(), nut.id),)))
    with pytest.raises(UndoError, match="“Set up” cannot be undone: “New nut”"):
        store.undo(2)  # passes over “Rename”
    assert _label(store.undo(1)) == "New nut"
    assert _label(store.undo(2)) == "Rename"


def test_a_new_edit_drops_the_redo_of_its_image_only(store: ProjectStore, tools: Any) -> None:
    for image_id in (1, 2):
        tools.draw(store, image_id, tools.ring(), f"Draw {image_id}")
        store.undo(image_id)
    tools.draw(store, 1, tools.ring(20), "Draw anew")
    assert store.redo_label(1) is None
    assert store.redo(1) is None
    assert _label(store.redo(2)) == "Draw 2"


def test_undoing_an_import_is_refused_while_its_images_are_drawn_on(store: ProjectStore, tools: Any) -> None:
    with store.change("Import") as change:
        new = change.add_image("new.png", 60, 40)
    tools.draw(store, new, tools.ring())
    assert store.undo_label(1) == "Set up"
    store.undo(new)
    assert _label(store.undo(new)) == "Import"
    assert [r.id for r in store.images()] == [1, 2, 3]
    assert _label(store.redo(1)) == "Import"
    assert _label(store.redo(new)) == "Draw"


def test_what_builds_on_an_undone_change_cannot_be_redone_first(store: ProjectStore, tools: Any) -> None:
    with store.change("Both") as change:
        for image_id in (1, 2):
            change.put_annotation(
                Annotation(image_id, 40, 60, (Instance.from_mask(tools.ring(), 1, id=f"i{image_id}"),))
            )
    with store.change("Relabel") as change:
        for image_id in (2, 3):
            change.put_annotation(edits.set_category(store.annotation(image_id), ["i2"], 2))
        change.set_status(3, ImageStatus.DONE)
    store.undo(2)
    store.undo(2)
    before = tools.everything(store)
    with pytest.raises(UndoError, match="cannot be redone before “Both”"):
        store.redo(3)
    assert tools.everything(store) == before
    assert _label(store.redo(2)) == "Both"
    assert _label(store.redo(3)) == "Relabel"


def test_a_redo_whose_ground_is_gone_is_refused_once_and_then_forgotten(store: ProjectStore, tools: Any) -> None:
    with store.change("Class and drawing") as change:
        gasket = change.add_category("gasket")
        change.put_annotation(Annotation(1, 40, 60, (Instance.from_mask(tools.ring(), gasket.id),)))
    tools.draw(store, 2, tools.ring(), "Draw gasket", gasket.id)
    store.undo(2)
    store.undo(1)
    tools.draw(store, 1, tools.ring(), "Something else")  # drops the class's redo
    before = tools.everything(store)
    with pytest.raises(UndoError, match="“Draw gasket” cannot be redone"):
        store.redo(2)
    assert tools.everything(store) == before
    assert store.redo(2) is None


def test_undo_reaches_hundreds_of_steps_back_after_a_restart(folder: Path, tools: Any) -> None:
    with ProjectStore.open(folder) as store:
        first = tools.draw(store, 1, tools.ring())
        for n in range(300):
            before = store.annotation(1)
            mask = tools.ring(n % 30, n % 15)
            store.commit_annotation(before, edits.set_mask(before, first.id, mask), f"Set {n}")
    with ProjectStore.open(folder) as store:
        steps = 0
        while store.undo_label(1) != "Draw":
            store.undo(1)
            steps += 1
        assert steps > 290  # equal masks in a row are no change
        assert store.annotation(1).instances == (first,)


def test_the_history_lists_newest_first_and_says_what_is_undone(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring(), "Draw one")
    tools.draw(store, 2, tools.ring(), "Draw two")
    store.undo(2)
    assert [(e.label, e.undone) for e in store.history()] == [
        ("Draw two", True),
        ("Draw one", False),
        ("Set up", False),
    ]
    assert [e.label for e in store.history(1)] == ["Draw one", "Set up"]
    assert store.history(2)[0].image_ids == {2}
    assert len(store.history(limit=1)) == 1


def test_a_stroke_is_journalled_as_a_small_difference(store: ProjectStore, tools: Any) -> None:
    tools.draw(store, 1, tools.ring())
    before = store.annotation(1)
    dot = tools.ring(30, 30, 2, 1)
    store.commit_annotation(before, edits.paint(before, before.instances[0].id, dot), "Dot")
    (delta,) = store._db.rows("SELECT delta FROM journal ORDER BY changeset_id DESC, seq DESC LIMIT 1")[0]
    assert delta == dot.to_bytes()
