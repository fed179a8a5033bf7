"""Laws of the relation between two objects, and what a person's word about two classes makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.domain.pair_policy import PairPolicy, PairRule, by_pair
from engine.domain.prediction import Prediction
from engine.review import candidates
from engine.review.candidates import overlap, possible_pairs
from engine.review.overlaps import Group, find_annotation_groups, find_groups
from engine.review.relations import OverlapRule, related_pairs, relation

HEIGHT, WIDTH = 48, 64
WASHER, NUT, GASKET = 1, 2, 3
NAMES = {WASHER: "washer", NUT: "nut", GASKET: "gasket"}
LAWS = settings(deadline=None, max_examples=60)
RULES = st.sampled_from([OverlapRule(0.5, 0.9, 0, 0), OverlapRule(0.3, 0.7, 0, 0), OverlapRule(0.8, 0.95, 0, 0)])
DUPLICATES = OverlapRule(duplicates=True)


def ring(cx: float, cy: float, radius: float, hole: float = 0.0) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    r = np.hypot(x - cx, y - cy)
    return Mask.from_array((r <= radius) & (r >= hole))


def predicted(id: int, mask: Mask, category: int, score: float = 0.9, image_id: int = 1) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(id, image_id, category, score, (float(x0), float(y0), float(x1), float(y1)), mask)


def moved(item: Prediction, dx: int, dy: int) -> Prediction:
    assert item.mask is not None
    return predicted(item.id, item.mask.translated(dx, dy), item.category_id, item.score, item.image_id)


def said(groups: tuple[Group, ...]) -> list[tuple[str, list[str | int]]]:
    return [(g.kind, [g.keeper.key, *(m.key for m in g.others)]) for g in groups]


@st.composite
def objects(draw: st.DrawFn) -> Prediction:
    """A disc or a ring near one of few places, whole within the image and four pixels from its edge."""
    cx, cy = draw(st.sampled_from([(20, 22), (22, 23), (26, 22), (40, 24)]))
    radius = draw(st.integers(2, 14))
    hole = draw(st.sampled_from([0.0, 0.0, 0.4, 0.7, 0.9])) * radius
    category, image_id = draw(st.integers(1, 3)), draw(st.sampled_from([7, 7, 7, 8]))
    return predicted(1, ring(cx, cy, radius, hole), category, image_id=image_id)


@LAWS
@given(objects(), objects(), RULES)
def test_the_relation_is_symmetric(a: Prediction, b: Prediction, rule: OverlapRule) -> None:
    assert relation(a, b, rule) == relation(b, a, rule)


@LAWS
@given(objects(), objects(), RULES, st.integers(-4, 4), st.integers(-4, 4))
def test_the_relation_does_not_depend_on_where_the_two_lie(
    a: Prediction, b: Prediction, rule: OverlapRule, dx: int, dy: int
) -> None:
    assert relation(moved(a, dx, dy), moved(b, dx, dy), rule) == relation(a, b, rule)


@LAWS
@given(objects(), objects(), RULES)
def test_objects_of_different_images_are_unrelated(a: Prediction, b: Prediction, rule: OverlapRule) -> None:
    assert relation(a, replace(b, image_id=a.image_id + 1), rule) is None


@LAWS
@given(objects(), RULES)
def test_an_object_is_a_duplicate_of_itself_and_the_same_as_its_other_reading(a: Prediction, rule: OverlapRule) -> None:
    assume(a.mask is not None and not a.mask.is_empty)
    assert relation(a, a, rule) == "duplicate"
    assert relation(a, replace(a, category_id=a.category_id % 3 + 1), rule) == "same-object"


@LAWS
@given(st.integers(6, 16), st.integers(2, 5), st.integers(0, 3), RULES)
def test_a_ring_and_its_core_are_unrelated_however_close_they_are(
    hole: int, thickness: int, gap: int, rule: OverlapRule
) -> None:
    core, around = ring(32, 24, hole - gap - 0.5), ring(32, 24, hole + thickness, hole)
    assert relation(predicted(1, core, NUT), predicted(2, around, WASHER), rule) is None
    assert relation(predicted(1, core, NUT), predicted(2, around, NUT), rule) is None


@LAWS
@given(st.lists(objects(), max_size=8), RULES, st.booleans())
def test_the_related_pairs_are_those_that_the_relation_names(
    items: list[Prediction], rule: OverlapRule, duplicates: bool
) -> None:
    rule = replace(rule, duplicates=duplicates)
    items = [replace(item, image_id=1) for item in items]
    found = related_pairs(items, rule)
    for j in range(len(items)):
        for i in range(j):
            kind = relation(items[i], items[j], rule)
            kind = None if kind == "duplicate" and not duplicates else kind
            assert (found[i, j].kind if (i, j) in found else None) == kind
            if (i, j) in found:
                assert found[i, j].overlap == overlap(items[i], items[j])


@LAWS
@given(st.lists(objects(), max_size=8), RULES, st.randoms(use_true_random=False))
def test_duplicates_match_their_keeper_whatever_order_they_come_in(
    items: list[Prediction], rule: OverlapRule, random
) -> None:  # type: ignore[no-untyped-def]
    rule = replace(rule, duplicates=True)
    items = [replace(item, id=k) for k, item in enumerate(items, start=1)]
    by_id = {item.id: item for item in items}
    groups = find_groups(items, NAMES, rule)
    for group in (g for g in groups if g.kind == "duplicate"):
        keeper = by_id[int(group.keeper.key)]
        for member in group.others:
            assert relation(keeper, by_id[int(member.key)], rule) == "duplicate"
            assert by_id[int(member.key)].image_id == group.image_id
    random.shuffle(items)
    assert find_groups(items, NAMES, rule) == groups


@LAWS
@given(st.lists(objects(), max_size=6), st.lists(objects(), max_size=6), st.sampled_from([0.0, 0.3, 0.5]))
def test_looking_in_blocks_gives_the_same_pairs(a: list[Prediction], b: list[Prediction], least: float) -> None:
    whole = list(possible_pairs(a, b, min_iou=least))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_BLOCK", 2)
        assert list(possible_pairs(a, b, min_iou=least)) == whole


def test_masks_of_images_of_different_sizes_are_an_error() -> None:
    larger = predicted(2, Mask.from_box((0, 0, 40, 40), HEIGHT + 1, WIDTH), NUT)
    with pytest.raises(ValueError, match="shape"):
        overlap(predicted(1, ring(20, 20, 10), NUT), larger)


def test_two_readings_of_one_class_are_a_duplicate_and_the_third_class_joins_the_better_one() -> None:
    items = [predicted(k, ring(20, 22, 12), c, s) for k, c, s in ((1, NUT, 0.9), (2, NUT, 0.8), (3, WASHER, 0.7))]
    assert said(find_groups(items, NAMES, DUPLICATES)) == [("same-object", [1, 3]), ("duplicate", [1, 2])]
    assert said(find_groups(items, NAMES)) == [("same-object", [1, 3])]
    reason = find_groups(items, NAMES, DUPLICATES)[1].reason
    assert reason.startswith("nut 0.90 and nut 0.80 are on the same object (mask IoU 1.00).")


def test_an_object_labelled_twice_with_one_class_is_a_duplicate() -> None:
    instances = (Instance.from_mask(ring(20, 22, 12), NUT, id="a"), Instance.from_mask(ring(20, 22, 11), NUT, id="b"))
    groups = find_annotation_groups(Annotation(3, HEIGHT, WIDTH, instances), NAMES, DUPLICATES)
    assert said(groups) == [("duplicate", ["a", "b"])]


# --- what a person said of two classes ----------------------------------------------------------------------------


def policies(first: int, second: int, rule: PairRule) -> dict[tuple[int, int], PairPolicy]:
    return by_pair([PairPolicy(first, second, rule)])


SAME = [predicted(1, ring(20, 22, 12), NUT, 0.9), predicted(2, ring(20, 22, 12), WASHER, 0.8)]
PART = [predicted(1, ring(20, 22, 14), GASKET, 0.9), predicted(2, ring(20, 22, 8), NUT, 0.8)]


def test_what_is_allowed_is_not_shown_and_other_pairs_still_are() -> None:
    allowed = policies(WASHER, NUT, PairRule.ALLOW)
    assert find_groups(SAME, NAMES, policies=allowed) == ()
    third = predicted(3, ring(20, 22, 12), GASKET, 0.7)
    assert said(find_groups([*SAME, third], NAMES, policies=allowed)) == [("same-object", [1, 3])]


def test_an_expected_part_is_not_shown_but_the_whole_inside_the_part_is() -> None:
    assert find_groups(PART, NAMES, policies=policies(NUT, GASKET, PairRule.PART_OF)) == ()
    assert said(find_groups(PART, NAMES, policies=policies(GASKET, NUT, PairRule.PART_OF))) == [("part-of", [1, 2])]


def test_a_part_that_is_the_whole_object_is_shown() -> None:
    groups = find_groups(SAME, NAMES, policies=policies(NUT, WASHER, PairRule.PART_OF))
    assert said(groups) == [("same-object", [1, 2])]


def test_a_forbidden_pair_is_shown_however_weak_the_runner_up_is_and_says_so() -> None:
    weak = [SAME[0], replace(SAME[1], score=0.31)]
    assert find_groups(weak, NAMES) == ()
    (group,) = find_groups(weak, NAMES, policies=policies(WASHER, NUT, PairRule.FORBID))
    assert "No object may be both, so it was decided for these classes. Suggested: keep nut" in group.reason
    (part,) = find_groups(PART, NAMES, policies=policies(NUT, GASKET, PairRule.FORBID))
    assert "Both may be right" not in part.reason


def test_policies_hold_for_labels_too() -> None:
    annotation = Annotation(
        3, HEIGHT, WIDTH, (Instance.from_mask(ring(20, 22, 12), NUT), Instance.from_mask(ring(20, 22, 12), WASHER))
    )
    assert len(find_annotation_groups(annotation, NAMES)) == 1
    assert find_annotation_groups(annotation, NAMES, policies=policies(NUT, WASHER, PairRule.ALLOW)) == ()
