"""Splits are seeded, stored, undoable, and keep apart what must be apart."""

from __future__ import annotations

from typing import Any

import pytest

from engine.domain.annotation import Annotation, Instance, Split
from engine.errors import DataError
from engine.project.splits import make_split, split_counts
from engine.project.store import ProjectStore


@pytest.fixture
def hundred(store: ProjectStore) -> ProjectStore:
    """103 images, of which 20 are annotated."""
    with store.change("Add") as change:
        ids = [change.add_image(f"{n}.png", 60, 40, content_hash=f"h{n}") for n in range(100)]
        for image_id in ids[:20]:
            box = Instance(f"i{image_id}", 1, (0.0, 0.0, 5.0, 5.0))
            change.put_annotation(Annotation(image_id, 40, 60, (box,)))
    return store


def _sets(store: ProjectStore) -> dict[int, Split]:
    return {r.id: r.split for r in store.images()}


def test_a_share_and_a_number_give_as_many_images_as_asked_for(hundred: ProjectStore) -> None:
    make_split(hundred, val=0.2, test=0.1)
    assert split_counts(hundred) == {Split.TRAIN: 72, Split.VAL: 21, Split.TEST: 10, Split.NONE: 0}
    make_split(hundred, val=7)
    assert split_counts(hundred) == {Split.TRAIN: 96, Split.VAL: 7, Split.TEST: 0, Split.NONE: 0}


def test_annotated_images_are_divided_in_the_same_proportion(hundred: ProjectStore) -> None:
    make_split(hundred, val=0.25)
    annotated = set(hundred.instance_counts())
    assert sum(hundred.image(i).split is Split.VAL for i in annotated) == 5


def test_few_annotated_images_still_reach_validation(store: ProjectStore, tools: Any) -> None:
    with store.change("Add") as change:
        for n in range(200):
            change.add_image(f"{n}.png", 60, 40)
    for image_id in (1, 2):
        tools.draw(store, image_id, tools.ring())
    make_split(store, val=0.05)
    assert {store.image(i).split for i in (1, 2)} == {Split.TRAIN, Split.VAL}


def test_the_same_seed_gives_the_same_sets_and_another_seed_others(hundred: ProjectStore) -> None:
    make_split(hundred, val=0.2, seed=1)
    first = _sets(hundred)
    assert make_split(hundred, val=0.2, seed=1) is None
    make_split(hundred, val=0.2, seed=2)
    assert _sets(hundred) != first
    make_split(hundred, val=0.2, seed=1)
    assert _sets(hundred) == first


def test_a_split_is_one_change_that_can_be_undone(hundred: ProjectStore) -> None:
    changed = make_split(hundred, val=5, test=2, seed=3)
    assert changed is not None
    assert (len(changed.image_ids), changed.tables) == (103, {"images"})
    assert hundred.undo_label(1) == "Split: 5 validation, 2 test (seed 3)"
    hundred.undo(1)
    assert split_counts(hundred)[Split.NONE] == 103


def test_images_added_later_leave_the_others_where_they_are(hundred: ProjectStore) -> None:
    make_split(hundred, val=0.2)
    before = _sets(hundred)
    with hundred.change("Add") as change:
        new = [change.add_image(f"new {n}.png", 60, 40) for n in range(10)]
    assert _sets(hundred) == before | dict.fromkeys(new, Split.NONE)
    make_split(hundred, val=0.5, only_unassigned=True)
    after = _sets(hundred)
    assert {i: s for i, s in after.items() if i not in new} == before
    assert [after[i] for i in new].count(Split.VAL) == 5


def test_copies_of_one_file_stay_together(store: ProjectStore) -> None:
    with store.change("Add") as change:
        ids = [change.add_image(f"{n}.png", 60, 40, content_hash=f"h{n // 4}") for n in range(40)]
    for seed in range(5):
        make_split(store, val=0.3, seed=seed)
        sets = [store.image(i).split for i in ids]
        assert all(len(set(sets[n : n + 4])) == 1 for n in range(0, 40, 4))
        assert Split.VAL in sets


def test_the_only_image_of_a_class_stays_in_training(store: ProjectStore, tools: Any) -> None:
    with store.change("Add") as change:
        ids = [change.add_image(f"{n}.png", 60, 40) for n in range(10)]
    for image_id in ids:
        tools.draw(store, image_id, tools.ring())
    tools.draw(store, ids[4], tools.ring(20), category_id=2)
    for seed in range(10):
        make_split(store, val=4, seed=seed)
        assert store.image(ids[4]).split is Split.TRAIN
        assert split_counts(store)[Split.VAL] == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"val": 0}, "nothing could be measured"),
        ({"val": 0.001}, "nothing could be measured"),
        ({"val": 103}, "leave none for training"),
        ({"val": 60, "test": 60}, "leave none for training"),
        ({"val": -1}, "must be a number"),
        ({"val": 1.5}, "must be a number"),
    ],
)
def test_a_split_that_cannot_be_used_is_refused_and_changes_nothing(
    hundred: ProjectStore, arguments: dict[str, Any], sentence: str
) -> None:
    before = _sets(hundred)
    with pytest.raises(DataError, match=sentence):
        make_split(hundred, **arguments)
    assert _sets(hundred) == before


def test_a_validation_set_that_copies_leave_empty_is_refused(store: ProjectStore) -> None:
    with store.change("Copies") as change:
        for image_id in (1, 2, 3):
            change.remove_image(image_id)
        for n in range(4):
            change.add_image(f"{n}.png", 60, 40, content_hash="same")
    with pytest.raises(DataError, match="equal files stay together"):
        make_split(store, val=1)
    with pytest.raises(DataError, match="no image without a set"):
        make_split(_all_assigned(store), val=1, only_unassigned=True)


def _all_assigned(store: ProjectStore) -> ProjectStore:
    with store.change("Assign") as change:
        for record in store.images():
            change.set_split(record.id, Split.TRAIN)
    return store
