from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from engine.review import relations
from engine.review.candidates import as_candidates, overlap, possible_pairs
from engine.review.overlaps import Group, OverlapRule, find_annotation_groups, find_groups

HEIGHT, WIDTH = 48, 64
NAMES = {1: "washer", 2: "nut", 3: "gasket"}
EVERYTHING = OverlapRule(min_score=0.0, min_score_ratio=0.0)
LAWS = settings(deadline=None)


def ring(cx: float, cy: float, radius: float, hole: float = 0.0) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    r = np.hypot(x - cx, y - cy)
    return Mask.from_array((r <= radius) & (r >= hole))


def predicted(id: int, mask: Mask, category: int, score: float, *, roi: int = -1, image_id: int = 1) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(id, image_id, category, score, (float(x0), float(y0), float(x1), float(y1)), mask, roi)


def keys(groups: tuple[Group, ...]) -> list[tuple[str, list[str | int]]]:
    return [(g.kind, [g.keeper.key, *(m.key for m in g.others)]) for g in groups]


@st.composite
def scenes(draw: st.DrawFn) -> list[Prediction]:
    """Predictions in two images around few places, so that overlaps are common."""
    items = []
    for k in range(draw(st.integers(0, 9))):
        cx, cy = draw(st.sampled_from([(20, 20), (23, 21), (26, 20), (40, 24)]))
        radius = draw(st.integers(4, 11))
        hole = draw(st.sampled_from([0.0, 0.4, 0.6])) * radius
        mask = ring(cx, cy, radius, hole)
        masked = draw(st.sampled_from([True, True, True, False]))
        item = predicted(k + 1, mask, draw(st.integers(1, 3)), draw(st.sampled_from([0.1, 0.35, 0.5, 0.5, 0.9])))
        items.append(replace(item, image_id=draw(st.sampled_from([7, 7, 8])), mask=mask if masked else None))
    return items


RULES = st.sampled_from([OverlapRule(), EVERYTHING, OverlapRule(min_iou=0.3, min_containment=0.7)])


@LAWS
@given(scenes(), RULES, st.randoms(use_true_random=False))
def test_the_order_in_which_predictions_come_changes_nothing(
    items: list[Prediction], rule: OverlapRule, random
) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(items)
    random.shuffle(shuffled)
    assert find_groups(shuffled, NAMES, rule) == find_groups(items, NAMES, rule)


@LAWS
@given(scenes(), RULES, st.integers(-3, 3), st.integers(-3, 3))
def test_moving_everything_by_whole_pixels_changes_nothing(
    items: list[Prediction], rule: OverlapRule, dx: int, dy: int
) -> None:
    def moved(item: Prediction) -> Prediction:
        x0, y0, x1, y1 = (v + 16 for v in item.box_xyxy)
        box = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
        mask = item.mask and item.mask.padded(16, 16, HEIGHT + 32, WIDTH + 32).translated(dx, dy)
        return replace(item, box_xyxy=box, mask=mask)

    before, after = find_groups(items, NAMES, rule), find_groups([moved(i) for i in items], NAMES, rule)
    assert keys(after) == keys(before)


@LAWS
@given(scenes(), RULES)
def test_every_member_matches_its_keeper_is_of_another_class_and_of_the_same_image(
    items: list[Prediction], rule: OverlapRule
) -> None:
    by_id = {i.id: i for i in items}
    for group in find_groups(items, NAMES, rule):
        keeper = by_id[int(group.keeper.key)]
        assert keeper.image_id == group.image_id
        for member in group.others:
            item = by_id[int(member.key)]
            shared = overlap(keeper, item)
            assert member.iou == shared.iou
            assert (shared.iou >= rule.min_iou) == (group.kind == "same-object")
            assert group.kind == "same-object" or shared.containment >= rule.min_containment
            assert item.image_id == group.image_id
            assert item.category_id != keeper.category_id
            assert keeper.score >= item.score >= max(rule.min_score, rule.min_score_ratio * keeper.score)


@LAWS
@given(scenes(), RULES)
def test_a_prediction_follows_at_most_once_and_never_where_another_reading_of_an_object_leads(
    items: list[Prediction], rule: OverlapRule
) -> None:
    groups = find_groups(items, NAMES, rule)
    for kind in ("same-object", "part-of"):
        members = [m.key for g in groups if g.kind == kind for m in (g.keeper, *g.others)]
        assert len(members) == len(set(members))
    readings = {m.key for g in groups if g.kind == "same-object" for m in g.others}
    assert not readings & {m.key for g in groups if g.kind == "part-of" for m in (g.keeper, *g.others)}


@LAWS
@given(scenes())
def test_groups_of_several_images_are_the_groups_of_each(items: list[Prediction]) -> None:
    together = find_groups(items, NAMES, EVERYTHING)
    alone = [g for image in (7, 8) for g in find_groups([i for i in items if i.image_id == image], NAMES, EVERYTHING)]
    assert list(together) == alone


@LAWS
@given(scenes(), st.sampled_from([0.3, 0.5, 0.8]))
def test_two_of_one_object_are_a_group_exactly_when_their_overlap_says_so(
    items: list[Prediction], min_iou: float
) -> None:
    for a in items:
        for b in items:
            if a.id < b.id and a.category_id != b.category_id and a.image_id == b.image_id:
                rule = OverlapRule(min_iou=min_iou, min_score=0, min_score_ratio=0)
                same = [g for g in find_groups([a, b], NAMES, rule) if g.kind == "same-object"]
                assert bool(same) == (overlap(a, b).iou >= min_iou)
                assert overlap(a, b) == overlap(b, a)


@settings(LAWS, max_examples=60)
@given(scenes(), scenes(), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_box_prefilter_drops_no_pair_that_overlaps_enough(
    a: list[Prediction], b: list[Prediction], threshold: float
) -> None:
    kept = set(possible_pairs(a, b, min_iou=threshold, min_containment=threshold))
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            shared = overlap(left, right)
            if shared.iou >= threshold or shared.containment >= threshold:
                assert (i, j) in kept


def test_two_classes_on_one_ring_are_one_group_that_keeps_the_better_score() -> None:
    items = [predicted(4, ring(20, 20, 10, 5), 3, 0.5, roi=12), predicted(9, ring(20, 20, 10, 5), 1, 0.8, roi=12)]
    (group,) = find_groups(items, NAMES)
    assert (group.keeper.key, [m.key for m in group.others]) == (9, [4])
    assert group.reason == (
        "washer 0.80 and gasket 0.50 are on the same object (mask IoU 1.00). Both come from one ROI: the network saw "
        "one object and could not settle its class. Suggested: keep washer, the highest score."
    )


def test_the_reason_says_when_two_rois_lie_on_the_object_and_nothing_when_that_is_unknown() -> None:
    items = [predicted(1, ring(20, 20, 10, 5), 3, 0.5, roi=3), predicted(2, ring(20, 20, 10, 5), 1, 0.8, roi=12)]
    assert "They come from two ROIs" in find_groups(items, NAMES)[0].reason
    unknown = [replace(i, roi=-1) for i in items]
    assert "ROI" not in find_groups(unknown, NAMES)[0].reason


def test_a_core_in_a_rings_hole_is_neither_the_same_object_nor_a_part() -> None:
    items = [predicted(1, ring(20, 20, 14, 9), 3, 0.9), predicted(2, ring(20, 20, 8), 2, 0.9)]
    assert find_groups(items, NAMES, EVERYTHING) == ()


def test_a_core_on_a_filled_disc_is_a_part_of_it() -> None:
    items = [predicted(1, ring(20, 20, 14), 3, 0.9), predicted(2, ring(20, 20, 8), 2, 0.8)]
    (group,) = find_groups(items, NAMES)
    assert group.kind == "part-of"
    assert group.reason.startswith("100 % of nut 0.80 lies inside gasket 0.90 (mask IoU 0.32).")


def test_neighbours_are_not_chained_through_a_common_one() -> None:
    # b overlaps a and c by half or more, a and c overlap less
    a, b, c = (predicted(k, ring(x, 20, 10), k, s) for k, x, s in ((1, 20, 0.9), (2, 24, 0.8), (3, 28, 0.7)))
    assert overlap(a, b).iou >= 0.5 > overlap(a, c).iou
    assert keys(find_groups([a, b, c], NAMES)) == [("same-object", [1, 2])]


def test_a_follower_joins_the_leader_that_it_overlaps_most() -> None:
    strong, near = predicted(1, ring(20, 20, 10), 1, 0.9), predicted(2, ring(29, 20, 10), 2, 0.8)
    torn = predicted(3, ring(25, 20, 10), 3, 0.7)
    assert keys(find_groups([strong, near, torn], NAMES, OverlapRule(min_iou=0.45))) == [("same-object", [2, 3])]


def test_predictions_of_one_class_are_never_a_group() -> None:
    items = [predicted(k, ring(20, 20, 10), 1, 0.9) for k in (1, 2, 3)]
    assert find_groups(items, NAMES, EVERYTHING) == ()


@pytest.mark.parametrize(("runner_up", "flagged"), [(0.29, False), (0.35, False), (0.37, True), (0.6, True)])
def test_a_runner_up_needs_a_score_of_its_own_and_a_share_of_the_best(runner_up: float, flagged: bool) -> None:
    items = [predicted(1, ring(20, 20, 10), 1, 0.9), predicted(2, ring(20, 20, 10), 2, runner_up)]
    assert bool(find_groups(items, NAMES)) == flagged


def test_two_weak_runners_up_on_a_settled_object_do_not_form_a_group_of_their_own() -> None:
    scores = {1: 0.98, 2: 0.31, 3: 0.3}
    items = [predicted(k, ring(20, 20, 10), k, score) for k, score in scores.items()]
    assert find_groups(items, NAMES) == ()
    assert keys(find_groups(items[1:], NAMES)) == [("same-object", [2, 3])]


def test_without_masks_boxes_decide() -> None:
    items = [replace(predicted(k, ring(20, 20, 10, 5), k, 0.9), mask=None) for k in (1, 2)]
    (group,) = find_groups(items, NAMES)
    assert "box IoU 1.00" in group.reason


def test_predictions_that_are_not_stored_are_called_by_their_position() -> None:
    items = [predicted(0, ring(20, 20, 10), k, 0.5 + k / 10) for k in (1, 2)]
    assert keys(find_groups(items, NAMES)) == [("same-object", [1, 0])]


def test_an_object_labelled_twice_is_found_by_instance_ids_without_scores_in_the_words() -> None:
    small, large = ring(20, 20, 10, 5), ring(20, 20, 11, 5)
    instances = (Instance.from_mask(small, 1, id="small"), Instance.from_mask(large, 3, id="large"))
    annotation = Annotation(5, HEIGHT, WIDTH, instances)
    (group,) = find_annotation_groups(annotation, NAMES)
    assert (group.keeper.key, group.others[0].key, group.image_id) == ("large", "small", 5)
    assert group.reason.startswith("gasket and washer are labelled on the same object (mask IoU 0.")
    assert group.reason.endswith("Suggested: keep gasket, the largest.")
    assert [c.score for c in as_candidates(annotation)] == [1.0, 1.0]


def test_masks_of_different_sizes_of_nothing_overlap_nothing() -> None:
    empty = Prediction(1, 1, 1, 0.9, (0.0, 0.0, 0.0, 0.0), Mask.empty(HEIGHT, WIDTH))
    assert overlap(empty, replace(empty, id=2)).iou == 0
    assert find_groups([empty, replace(empty, id=2, category_id=2)], NAMES, EVERYTHING) == ()


def test_most_pairs_of_a_crowded_image_are_never_compared_pixel_by_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    items = []
    for k in range(2000):
        crop = np.ones((40, 40), dtype=np.uint8)
        mask = Mask.from_crop(crop, int(rng.integers(0, 3900)), int(rng.integers(0, 3900)), 4000, 4000)
        items.append(predicted(k + 1, mask, int(rng.integers(1, 4)), float(rng.uniform(0.3, 1))))
    compared: list[int] = []
    monkeypatch.setattr(relations, "overlap", lambda a, b: compared.append(1) or overlap(a, b))
    assert find_groups(items, NAMES)
    assert len(compared) < len(items)  # of nearly two million pairs
