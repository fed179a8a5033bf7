"""Same-object groups: predictions (or labels) of different classes that lie on one object.

Non-maximum suppression compares boxes of one class only, so an object whose class is in doubt comes back once per
class, with nearly the same mask (matterport/Mask_RCNN issue 809).  Here such predictions are found by their pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.annotation import Annotation, BoxXYXY
from engine.domain.pair_policy import Pair, Policies
from engine.domain.prediction import Prediction
from engine.review.candidates import area, as_candidates, extent, keys_of
from engine.review.relations import KINDS, Kind, OverlapRule, Related, Relations
from engine.review.wording import reason_for

__all__ = ["Group", "Member", "OverlapRule", "as_candidates", "find_annotation_groups", "find_groups"]


@dataclass(frozen=True, slots=True)
class Member:
    """One prediction (or instance) of a group.

    Attributes:
        key: the prediction's id (positions in the sequence when they are not all stored), or the instance's id.
        category_id: its class.
        score: in [0, 1]; 1.0 for an instance.
        iou: with the keeper, 1.0 for the keeper itself.
        roi: the proposal it came from, -1 when unknown.
    """

    key: str | int
    category_id: int
    score: float
    iou: float
    roi: int


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates for one object; every one of `others` overlaps the keeper itself.

    Attributes:
        kind: "same-object"; "part-of" when one lies inside another but does not fill it; "duplicate" when the others
            are of the keeper's class.
        keeper: the suggested one: highest score, then largest.
        others: of other classes than the keeper unless it is a duplicate, highest score first.
        reason: why they are shown together, in words.
    """

    image_id: int
    kind: Kind
    keeper: Member
    others: tuple[Member, ...]
    reason: str


def find_groups(
    predictions: Sequence[Prediction],
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
    *,
    policies: Policies | None = None,
) -> tuple[Group, ...]:
    """Groups among `predictions`, which may be of several images; a group never spans images.

    Args:
        predictions: in any order.
        categories: category id to name, for the reasons.
        rule: thresholds; the measured defaults when left out.
        policies: what a person said of pairs of classes: what is expected is not reported.

    Returns:
        Groups by image, then by the keeper's score; a prediction is in one group of a kind at most.
    """
    keys = keys_of(predictions)
    return _groups(predictions, keys, categories, _Setting(rule or OverlapRule(), policies or {}, scored=True))


def find_annotation_groups(
    annotation: Annotation,
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
    *,
    policies: Policies | None = None,
) -> tuple[Group, ...]:
    """Groups among an image's own instances: one object labelled twice.  Keys are instance ids."""
    keys = [i.id for i in annotation.instances]
    setting = _Setting(rule or OverlapRule(), policies or {}, scored=False)
    return _groups(as_candidates(annotation), keys, categories, setting)


@dataclass(frozen=True, slots=True)
class _Setting:
    rule: OverlapRule
    policies: Policies
    scored: bool


_Candidate = tuple[str | int, Prediction]  # with its key
_Followers = dict[int, list[tuple[int, Related]]]  # of each leader, by their places


def _groups(
    predictions: Sequence[Prediction], keys: Sequence[str | int], categories: Mapping[int, str], setting: _Setting
) -> tuple[Group, ...]:
    by_image: dict[int, list[_Candidate]] = defaultdict(list)
    for key, item in zip(keys, predictions, strict=True):
        if item.score >= setting.rule.min_score:
            by_image[item.image_id].append((key, item))
    found: list[Group] = []
    for image_id in sorted(by_image):
        found += _groups_of_image(image_id, by_image[image_id], categories, setting)
    return tuple(found)


def _groups_of_image(
    image_id: int, candidates: list[_Candidate], categories: Mapping[int, str], setting: _Setting
) -> Iterator[Group]:
    candidates.sort(key=_order)
    items = [item for _, item in candidates]
    relations = Relations(items, setting.rule, setting.policies)
    leading: _Followers = {index: [] for index in range(len(items))}
    led: dict[Kind, _Followers] = {}
    # What already counts as another reading of an object is not reported a second time as a part of something.
    for kind in ("duplicate", "same-object", "part-of"):
        leading = led[kind] = _lead(leading, items, relations.among(leading, kind), setting.rule)
    for kind in KINDS:
        for leader, followers in led[kind].items():
            if followers:
                others = [(candidates[k], related) for k, related in followers]
                yield _group(image_id, kind, candidates[leader], others, categories, setting.scored)


def _order(candidate: _Candidate) -> tuple[float, float, int, BoxXYXY, int]:
    """Best first, and by everything that tells two apart, so that the order of the input does not matter."""
    item = candidate[1]
    return -item.score, -area(item), item.category_id, extent(item), item.id


def _lead(
    indices: Iterable[int], items: Sequence[Prediction], pairs: Mapping[Pair, Related], rule: OverlapRule
) -> _Followers:
    """Best first, each candidate follows the leader that it overlaps most, or leads itself.

    Only leaders are compared with, so that no group is chained through neighbours.  One that is related to a leader
    but too weak beside it is dropped: it may not lead a group of its own on an object that is not in doubt.
    """
    better: dict[int, list[int]] = defaultdict(list)
    for i, j in pairs:
        better[j].append(i)
    followers: _Followers = {index: [] for index in indices}
    for index in sorted(better):
        leaders = [i for i in better[index] if i in followers]
        if not leaders:
            continue
        del followers[index]
        worthy = [i for i in leaders if pairs[i, index].forbidden or _comes_near(items[index], items[i], rule)]
        if worthy:
            leader = max(worthy, key=lambda i: (pairs[i, index].overlap.iou, -i))
            followers[leader].append((index, pairs[leader, index]))
    return followers


def _comes_near(runner_up: Prediction, keeper: Prediction, rule: OverlapRule) -> bool:
    return runner_up.score >= rule.min_score_ratio * keeper.score


def _group(
    image_id: int,
    kind: Kind,
    keeper: _Candidate,
    others: Sequence[tuple[_Candidate, Related]],
    categories: Mapping[int, str],
    scored: bool,
) -> Group:
    shared = [(item, related.overlap) for (_, item), related in others]
    forbidden = any(related.forbidden for _, related in others)
    reason = reason_for(kind, keeper[1], shared, categories, scored=scored, forbidden=forbidden)
    members = tuple(_member(candidate, related.overlap.iou) for candidate, related in others)
    return Group(image_id, kind, _member(keeper, 1.0), members, reason)


def _member(candidate: _Candidate, iou: float) -> Member:
    key, item = candidate
    return Member(key, item.category_id, item.score, iou, item.roi)
