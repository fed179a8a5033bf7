"""What a person said of pairs of classes, remembered in the project: each word is a change that undo takes back.

They lie in the project's table of keys and values, so that a project of any age has them without being upgraded.
"""

from __future__ import annotations

from engine.domain.pair_policy import Pair, PairPolicy, PairRule, by_pair, pair_of
from engine.project.changeset import Changeset
from engine.project.store import ProjectStore

_PREFIX = "pair "


def pair_policies(store: ProjectStore) -> dict[Pair, PairPolicy]:
    """The policies of classes that the project has; those of a class that was removed come back with it."""
    known = {category.id for category in store.categories()}
    read = (_policy(key, value) for key, value in store.settings(_PREFIX).items())
    return by_pair(policy for policy in read if policy is not None and known.issuperset(policy.pair))


def set_policy(change: Changeset, policy: PairPolicy) -> None:
    """Remember `policy` in place of what there was on its pair.

    Raises:
        ValueError: for a class and itself.
    """
    if policy.first == policy.second:
        raise ValueError("a policy is about two classes")
    # Which one is named first matters for a part only.
    value = f"{policy.rule} {policy.first}" if policy.rule is PairRule.PART_OF else str(policy.rule)
    change.put_setting(_key(policy.pair), value)


def clear_policy(change: Changeset, a: int, b: int) -> None:
    """Forget what was said of the categories `a` and `b`."""
    change.put_setting(_key(pair_of(a, b)), None)


def _key(pair: Pair) -> str:
    return f"{_PREFIX}{pair[0]} {pair[1]}"


def _policy(key: str, value: str) -> PairPolicy | None:
    """None for what a later version wrote."""
    rule, _, part = value.partition(" ")
    try:
        low, high = map(int, key.removeprefix(_PREFIX).split())
        first = int(part) if part else low
        return PairPolicy(first, high if first == low else low, PairRule(rule))
    except ValueError:
        return None
