"""Splits by group: nothing is torn, nothing is lost, and the share comes as close as whole groups allow."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.domain.annotation import Annotation, Instance, Split
from engine.errors import DataError
from engine.project.groups import GroupBy, group_names
from engine.project.records import ImageRecord
from engine.project.split_groups import ImageGroup, choose_groups
from engine.project.splits import make_split, split_counts
from engine.project.store import ProjectStore

# --- choosing -----------------------------------------------------------------------------------------------------


@st.composite
def image_groups(draw: st.DrawFn, *, classes: int = 0) -> list[ImageGroup]:
    groups, number = [], itertools.count(1)
    for _ in range(draw(st.integers(2, 9))):
        images = tuple(ImageRecord(next(number), "", 8, 8) for _ in range(draw(st.integers(1, 6))))
        seen = draw(st.frozensets(st.integers(1, classes), max_size=3)) if classes else frozenset()
        groups.append(ImageGroup(images, seen, draw(st.integers(1, len(images))) if seen else 0))
    return groups


def _images(groups: list[ImageGroup]) -> list[int]:
    return [image.id for group in groups for image in group.images]


@given(image_groups(), st.integers(1, 30))
def test_the_number_of_images_is_as_close_as_whole_groups_allow(groups: list[ImageGroup], wanted: int) -> None:
    chosen = choose_groups(groups, {Split.VAL: wanted})[Split.VAL]
    possible = [
        sum(len(g.images) for g in some) for n in range(1, len(groups)) for some in itertools.combinations(groups, n)
    ]
    assert abs(len(_images(chosen)) - wanted) == min(abs(total - wanted) for total in possible)


@given(image_groups(classes=4), st.integers(0, 30), st.integers(0, 30))
def test_every_group_is_chosen_whole_and_once_and_some_are_left(groups: list[ImageGroup], val: int, test: int) -> None:
    chosen = choose_groups(groups, {Split.VAL: val, Split.TEST: test})
    taken = chosen[Split.VAL] + chosen[Split.TEST]
    assert len(taken) == len(set(taken)) < len(groups)
    assert set(taken) <= set(groups)
    assert bool(chosen[Split.VAL]) == (val > 0)
    assert val or test or not taken
    assert choose_groups(groups, {Split.VAL: val, Split.TEST: test}) == chosen


@given(image_groups(classes=4), st.integers(1, 30))
def test_no_class_leaves_training_when_some_group_is_not_needed_there(groups: list[ImageGroup], val: int) -> None:
    rich = ImageGroup((ImageRecord(1000, "", 8, 8),), frozenset({1, 2, 3, 4}), 1)  # the rest may go
    groups = [*groups, rich, ImageGroup((ImageRecord(1001, "", 8, 8),), frozenset({1}), 1)]
    chosen = choose_groups(groups, {Split.VAL: val})[Split.VAL]
    assert frozenset().union(*(g.categories for g in groups if g not in chosen)) == {1, 2, 3, 4}
    assert any(g.annotated for g in chosen)


@given(st.integers(0, 1000), st.integers(1, 20))
def test_annotated_images_are_divided_in_proportion_where_groups_are_small(first: int, val: int) -> None:
    images = [ImageRecord(n, "", 8, 8) for n in range(80)]
    groups = [ImageGroup((image,), frozenset({1} if n < 20 else ()), int(n < 20)) for n, image in enumerate(images)]
    start = first % 80
    chosen = choose_groups(groups[start:] + groups[:start], {Split.VAL: val})[Split.VAL]
    assert len(chosen) == val
    assert sum(g.annotated for g in chosen) == max(1, round(val / 4))


# --- in a project -------------------------------------------------------------------------------------------------


@st.composite
def folders(draw: st.DrawFn) -> list[int]:
    """For each image the number of its folder, at least two of them."""
    numbers = draw(st.lists(st.integers(0, 7), min_size=2, max_size=30))
    return numbers if len(set(numbers)) > 1 else [*numbers, 8]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory):
    with ProjectStore.create(tmp_path_factory.mktemp("groups") / "project") as store:
        with store.change("Class") as change:
            change.add_category("nut")
        yield store


def _fill(store: ProjectStore, numbers: list[int]) -> None:
    with store.change("Fill") as change:
        for record in store.images():
            change.remove_image(record.id)
        for position, number in enumerate(numbers):
            image_id = change.add_image(f"f{number}/{position}.png", 60, 40, content_hash=f"h{position}")
            if position % 3:
                box = Instance(f"{image_id}", 1, (0.0, 0.0, 5.0, 5.0))
                change.put_annotation(Annotation(image_id, 40, 60, (box,)))


@given(folders(), st.integers(0, 50), st.sampled_from([0.2, 0.5, 1]))
def test_groups_are_never_torn_every_image_is_in_one_set_and_the_seed_decides(
    empty: ProjectStore, numbers: list[int], seed: int, val: float
) -> None:
    _fill(empty, numbers)
    groups = group_names(empty, GroupBy.FOLDER)
    make_split(empty, val=val if val * len(numbers) >= 1 else 1, seed=seed, groups=groups)
    sets = {r.id: r.split for r in empty.images()}
    assert set(sets.values()) == {Split.TRAIN, Split.VAL}
    assert len({(groups[i], s) for i, s in sets.items()}) == len(set(groups.values()))
    assert make_split(empty, val=val if val * len(numbers) >= 1 else 1, seed=seed, groups=groups) is None


def test_another_seed_chooses_other_groups(store: ProjectStore) -> None:
    _fill(store, [n // 2 for n in range(40)])
    groups = group_names(store, GroupBy.FOLDER)
    chosen = set()
    for seed in range(6):
        make_split(store, val=0.2, seed=seed, groups=groups)
        chosen.add(frozenset(r.id for r in store.images() if r.split is Split.VAL))
        assert split_counts(store)[Split.VAL] == 8
    assert len(chosen) > 1


def test_images_added_later_follow_their_group(store: ProjectStore) -> None:
    _fill(store, [0, 0, 1, 1, 2, 2, 3, 3])
    make_split(store, val=2, groups=group_names(store, GroupBy.FOLDER))
    before = {r.id: r.split for r in store.images()}
    with store.change("Add") as change:
        new = [change.add_image(f"f{n}/new.png", 60, 40) for n in (0, 1, 2, 3, 9)]
    groups = group_names(store, GroupBy.FOLDER)
    make_split(store, val=1, only_unassigned=True, groups=groups)
    after = {r.id: r.split for r in store.images()}
    assert {i: s for i, s in after.items() if i in before} == before
    assert len({(groups[i], s) for i, s in after.items()}) == 5
    assert all(after[i] is not Split.NONE for i in new)


def test_equal_files_are_together_whatever_their_folders_are(store: ProjectStore) -> None:
    with store.change("Copies") as change:
        for record in store.images():
            change.remove_image(record.id)
        ids = [change.add_image(f"f{n}/{n}.png", 60, 40, content_hash=f"h{n // 2}") for n in range(8)]
    for seed in range(4):
        make_split(store, val=2, seed=seed, groups=group_names(store, GroupBy.FOLDER))
        sets = [store.image(i).split for i in ids]
        assert sets[::2] == sets[1::2]
        assert sets.count(Split.VAL) == 2


def test_a_split_by_group_is_one_change_that_names_what_came_of_it(store: ProjectStore) -> None:
    _fill(store, [0, 0, 0, 1, 1, 1])
    make_split(store, val=2, groups=group_names(store, GroupBy.FOLDER), seed=4)
    assert store.undo_label(store.images()[0].id) == "Split: 3 validation (seed 4)"


def test_one_group_cannot_be_divided(store: ProjectStore) -> None:
    with pytest.raises(DataError, match="all images are in one group"):
        make_split(store, val=1, groups=dict.fromkeys((r.id for r in store.images()), "all"))
    assert split_counts(store)[Split.NONE] == 3


# --- names --------------------------------------------------------------------------------------------------------


@pytest.fixture
def named(store: ProjectStore) -> ProjectStore:
    with store.change("Add") as change:
        for record in store.images():
            change.remove_image(record.id)
        for path in ("a/part1_01.png", "b/part1_02.png", "b/part2_01.png", "odd.png"):
            change.add_image(path, 60, 40)
    return store


def _by_path(store: ProjectStore, names: dict[int, str]) -> dict[str, str]:
    return {r.path: names[r.id] for r in store.images()}


def test_the_pattern_names_the_group_and_what_it_does_not_fit_is_alone(named: ProjectStore) -> None:
    assert _by_path(named, group_names(named, GroupBy.NAME, pattern=r"^(.+)_\d+")) == {
        "a/part1_01.png": "part1", "b/part1_02.png": "part1", "b/part2_01.png": "part2", "odd.png": "/odd.png",
    }  # fmt: skip


def test_images_of_one_folder_are_a_group(named: ProjectStore) -> None:
    assert list(_by_path(named, group_names(named, GroupBy.FOLDER)).values()) == ["a", "b", "b", "."]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("", "need a pattern"),
        ("(part", "cannot be read: missing .* at character 1"),
        ("part", "has no group"),
        ("(frame)_", "fits no file name, for example not “part1_01.png”"),
    ],
)
def test_a_pattern_that_cannot_be_used_gets_a_sentence(named: ProjectStore, pattern: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        group_names(named, GroupBy.NAME, pattern=pattern)


def test_a_pattern_beside_another_grouping_is_refused(named: ProjectStore) -> None:
    with pytest.raises(DataError, match="does not go with groups by folder"):
        group_names(named, GroupBy.FOLDER, pattern="(a)")


def test_similar_pictures_are_a_group_and_missing_files_are_alone(store: ProjectStore, tmp_path: Path) -> None:
    gradient = Image.linear_gradient("L").resize((120, 90))
    gradient.save(tmp_path / "a.png")
    gradient.resize((60, 45)).save(tmp_path / "b.png")
    told: list[Any] = []
    names = group_names(store, GroupBy.SIMILAR, progress=lambda *state: told.append(state))
    a, b, c = (names[r.id] for r in store.images())
    assert a == b != c
    assert told == [(0, 3), (1, 3), (2, 3)]
