"""Policies of pairs of classes: remembered, undone, and there in projects of any age."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.pair_policy import PairPolicy, PairRule
from engine.project.pair_policies import clear_policy, pair_policies, set_policy
from engine.project.store import ProjectStore

NUT, WASHER = 1, 2
FORBID = PairPolicy(NUT, WASHER, PairRule.FORBID)


def remember(store: ProjectStore, policy: PairPolicy) -> None:
    with store.change("Classes on one object") as change:
        set_policy(change, policy)


def test_a_project_that_knows_no_policies_has_none(store: ProjectStore) -> None:
    assert pair_policies(store) == {}


@pytest.mark.parametrize("rule", list(PairRule))
@pytest.mark.parametrize("order", [(NUT, WASHER), (WASHER, NUT)])
def test_a_policy_survives_closing_and_a_part_stays_the_part(
    folder: Path, rule: PairRule, order: tuple[int, int]
) -> None:
    with ProjectStore.open(folder) as store:
        remember(store, PairPolicy(*order, rule))
    with ProjectStore.open(folder, read_only=True) as store:
        (kept,) = pair_policies(store).values()
    assert (kept.pair, kept.rule) == ((NUT, WASHER), rule)
    if rule is PairRule.PART_OF:
        assert (kept.first, kept.second) == order


def test_the_last_word_counts_and_undo_brings_back_the_one_before(store: ProjectStore) -> None:
    remember(store, FORBID)
    remember(store, PairPolicy(WASHER, NUT, PairRule.PART_OF))
    assert pair_policies(store)[NUT, WASHER].rule is PairRule.PART_OF
    store.undo()
    assert pair_policies(store) == {(NUT, WASHER): FORBID}
    store.undo(image_id=1)  # it belongs to every image's history
    assert pair_policies(store) == {}
    store.redo()
    store.redo()
    assert pair_policies(store) == {(NUT, WASHER): PairPolicy(WASHER, NUT, PairRule.PART_OF)}


def test_forgetting_is_a_change_too(store: ProjectStore) -> None:
    remember(store, FORBID)
    with store.change("Forget") as change:
        clear_policy(change, WASHER, NUT)
    assert pair_policies(store) == {}
    changed = store.undo()
    assert changed is not None
    assert changed.tables == {"meta"}
    assert pair_policies(store) == {(NUT, WASHER): FORBID}


def test_saying_the_same_again_is_no_change(store: ProjectStore) -> None:
    remember(store, FORBID)
    with store.change("Again") as change:
        set_policy(change, FORBID)
    assert change.changed is None


def test_a_removed_class_takes_its_policies_along_and_undo_brings_both_back(store: ProjectStore) -> None:
    remember(store, FORBID)
    with store.change("Remove") as change:
        change.remove_category(WASHER)
    assert pair_policies(store) == {}
    store.undo()
    assert pair_policies(store) == {(NUT, WASHER): FORBID}


def test_a_setting_leaves_the_projects_own_facts_alone(folder: Path) -> None:
    with ProjectStore.open(folder) as store:
        remember(store, FORBID)
        name = store.name
    with ProjectStore.open(folder) as store:
        assert (store.name, store.boxes_only) == (name, False)


def test_what_a_later_version_wrote_is_passed_over(store: ProjectStore) -> None:
    with store.change("From the future") as change:
        change.put_setting("pair 1 2", "sometimes")
        change.put_setting("pair of shoes", "allow")
    assert pair_policies(store) == {}


def test_a_class_and_itself_have_no_policy(store: ProjectStore) -> None:
    with pytest.raises(ValueError, match="two classes"):
        remember(store, PairPolicy(NUT, NUT, PairRule.ALLOW))
