"""Same-object groups: predictions (or labels) of different classes that lie on one object.

Non-maximum suppression compares boxes of one class only, so an object whose class is in doubt comes back once per
class, with nearly the same mask (matterport/Mask_RCNN issue 809).  Here such predictions are found by their pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.domain.annotation import Annotation, BoxXYXY
from engine.domain.prediction import Prediction
from engine.review.candidates import Overlap, area, as_candidates, extent, keys_of, overlap, possible_pairs
from engine.review.wording import reason_for

__all__ = ["Group", "Member", "OverlapRule", "as_candidates", "find_annotation_groups", "find_groups"]

GroupKind = Literal["same-object", "part-of"]

MIN_IOU = 0.5
MIN_CONTAINMENT = 0.9
MIN_SCORE = 0.3
MIN_SCORE_RATIO = 0.4


@dataclass(frozen=True)
class OverlapRule:
    """When two predictions of different classes are worth a person's look.

    Attributes:
        min_iou: mask IoU from which they are the same object.
        min_containment: share of the smaller one inside the other from which it is reported as part of it.
        min_score: lowest score of a runner-up.
        min_score_ratio: lowest score of a runner-up, divided by the keeper's.
    """

    min_iou: float = MIN_IOU
    min_containment: float = MIN_CONTAINMENT
    min_score: float = MIN_SCORE
    min_score_ratio: float = MIN_SCORE_RATIO


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
        kind: "same-object", or "part-of" when one lies inside another but does not fill it.
        keeper: the suggested one: highest score, then largest.
        others: of other classes than the keeper, highest score first.
        reason: why they are shown together, in words.
    """

    image_id: int
    kind: GroupKind
    keeper: Member
    others: tuple[Member, ...]
    reason: str


def find_groups(
    predictions: Sequence[Prediction], categories: Mapping[int, str], rule: OverlapRule | None = None
) -> tuple[Group, ...]:
    """Groups among `predictions`, which may be of several images; a group never spans images.

    Args:
        predictions: in any order.
        categories: category id to name, for the reasons.
        rule: thresholds; the measured defaults when left out.

    Returns:
        Groups by image, then by the keeper's score; a prediction is in one group at most.
    """
    return _groups(predictions, keys_of(predictions), categories, rule or OverlapRule(), scored=True)


def find_annotation_groups(
    annotation: Annotation, categories: Mapping[int, str], rule: OverlapRule | None = None
) -> tuple[Group, ...]:
    """Groups among an image's own instances: one object labelled twice.  Keys are instance ids."""
    keys = [i.id for i in annotation.instances]
    return _groups(as_candidates(annotation), keys, categories, rule or OverlapRule(), scored=False)


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: str | int
    item: Prediction
    order: tuple[float, float, int, BoxXYXY, int]


@dataclass(slots=True)
class _Leader:
    candidate: _Candidate
    followers: list[tuple[_Candidate, Overlap]]


_Pairs = dict[tuple[int, int], Overlap]


def _groups(
    predictions: Sequence[Prediction],
    keys: Sequence[str | int],
    categories: Mapping[int, str],
    rule: OverlapRule,
    *,
    scored: bool,
) -> tuple[Group, ...]:
    by_image: dict[int, list[_Candidate]] = defaultdict(list)
    for key, item in zip(keys, predictions, strict=True):
        if item.score >= rule.min_score:
            order = (-item.score, -area(item), item.category_id, extent(item), item.id)
            by_image[item.image_id].append(_Candidate(key, item, order))
    found: list[Group] = []
    for image_id in sorted(by_image):
        found += _groups_of_image(image_id, by_image[image_id], categories, rule, scored)
    return tuple(found)


def _groups_of_image(
    image_id: int, candidates: list[_Candidate], categories: Mapping[int, str], rule: OverlapRule, scored: bool
) -> Iterable[Group]:
    candidates.sort(key=lambda c: c.order)
    pairs = _overlapping(candidates, rule)
    same = _lead(range(len(candidates)), candidates, pairs, rule, lambda o: o.iou >= rule.min_iou)
    # What already counts as another reading of an object is not reported a second time as a part of something.
    part = _lead(
        same, candidates, pairs, rule, lambda o: o.iou < rule.min_iou and o.containment >= rule.min_containment
    )
    kinds: tuple[tuple[GroupKind, dict[int, _Leader]], ...] = (("same-object", same), ("part-of", part))
    for kind, leaders in kinds:
        for leader in leaders.values():
            if leader.followers:
                yield _group(image_id, kind, leader, categories, scored)


def _overlapping(candidates: Sequence[_Candidate], rule: OverlapRule) -> _Pairs:
    """Overlap of every pair (better, worse) of different classes that could matter."""
    items = [c.item for c in candidates]
    pairs = possible_pairs(items, items, min_iou=rule.min_iou, min_containment=rule.min_containment)
    chosen = [(i, j) for i, j in pairs if i < j and items[i].category_id != items[j].category_id]
    return {(i, j): overlap(items[i], items[j]) for i, j in chosen}


def _lead(
    indices: Iterable[int],
    candidates: Sequence[_Candidate],
    pairs: _Pairs,
    rule: OverlapRule,
    related: Callable[[Overlap], bool],
) -> dict[int, _Leader]:
    """Best first, each candidate follows the leader that it overlaps most, or leads itself.

    Only leaders are compared with, so that no group is chained through neighbours.  One that is related to a leader
    but too weak beside it is dropped: it may not lead a group of its own on an object that is not in doubt.
    """
    better: dict[int, list[int]] = defaultdict(list)
    for i, j in pairs:
        better[j].append(i)
    leaders: dict[int, _Leader] = {}
    for index in sorted(indices):
        matches = [(pairs[i, index], i) for i in better[index] if i in leaders and related(pairs[i, index])]
        worthy = [
            (o, i)
            for o, i in matches
            if candidates[index].item.score >= rule.min_score_ratio * candidates[i].item.score
        ]
        if worthy:
            best, leader = max(worthy, key=lambda m: (m[0].iou, -m[1]))
            leaders[leader].followers.append((candidates[index], best))
        elif not matches:
            leaders[index] = _Leader(candidates[index], [])
    return leaders


def _group(image_id: int, kind: GroupKind, leader: _Leader, categories: Mapping[int, str], scored: bool) -> Group:
    keeper = leader.candidate
    others = tuple(_member(c, o.iou) for c, o in leader.followers)
    reason = reason_for(
        kind,
        keeper.item,
        [(c.item, o) for c, o in leader.followers],
        categories,
        scored=scored,
    )
    return Group(image_id, kind, _member(keeper, 1.0), others, reason)


def _member(candidate: _Candidate, iou: float) -> Member:
    item = candidate.item
    return Member(candidate.key, item.category_id, item.score, iou, item.roi)
