"""Objects over seams are one instance, objects that touch stay two, and holes are kept."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import DetectConfig
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.prediction.looking import look_at
from engine.prediction.merging import TileFindings, merge
from engine.prediction.tiling import Tile, tiles_of
from engine.prediction.work import Item
from tests.engine.prediction.stubs import KnowsColours, category_of, picture_of, random_instances

H, W, SIDE, OVERLAP = 80, 120, 50, 0.3


def found_in(instances: npt.NDArray[np.int64], *, masks: bool = True, **config: object) -> Detections:
    """What a network that errs in nothing finds tile by tile, put together."""
    item = Item.of(0, 7, picture_of(instances))
    settings_ = DetectConfig.model_validate({"tile": SIDE, "overlap": OVERLAP, **config})
    looked = look_at(KnowsColours(masks=masks), [item], config=settings_, cancelled=lambda: False)  # type: ignore[arg-type]
    (result,) = [result for batch in looked for result in batch]
    assert isinstance(result.found, Detections)
    return result.found


def canvas() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    y, x = np.mgrid[:H, :W]
    return np.zeros((H, W), dtype=np.int64), y, x


def strip() -> tuple[int, int]:
    """Columns that the first two tiles share."""
    first, second = tiles_of(H, W, side=SIDE, overlap=OVERLAP)[:2]
    return second.box[0], first.box[2]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(33, 90),
    st.integers(33, 90),
    st.integers(32, 64),
    st.sampled_from([0.02, 0.2, 0.5]),
    st.integers(3, 14),
)
def test_tiles_of_any_map_of_connected_instances_give_back_that_map(
    seed: int, height: int, width: int, side: int, overlap: float, cell: int
) -> None:
    instances = random_instances(seed, height, width, cell)
    found = found_in(instances, tile=side, overlap=overlap)
    expected = {(category_of(n), Mask.from_array(instances == n)) for n in np.unique(instances).tolist() if n}
    assert {(p.category_id, p.mask) for p in found.predictions} == expected
    assert len(found) == len(expected)
    assert all(p.mask is not None and p.box_xyxy == p.mask.box for p in found.predictions)


def test_a_ring_over_a_seam_is_one_instance_and_keeps_its_hole() -> None:
    instances, y, x = canvas()
    middle = sum(strip()) // 2
    distance = np.hypot(x - middle, y - 25)
    instances[(distance < 22) & (distance > 9)] = 1
    (only,) = found_in(instances).predictions
    assert only.mask == Mask.from_array(instances == 1)
    assert only.mask is not None
    assert len(only.mask.holes) == 1


def test_an_object_over_four_tiles_is_one_instance() -> None:
    instances, _, _ = canvas()
    instances[10:70, 10:70] = 1
    instances[30:50, 30:50] = 0
    (only,) = found_in(instances).predictions
    assert only.mask == Mask.from_array(instances == 1)
    assert only.box_xyxy == (10, 10, 70, 70)


@pytest.mark.parametrize("second", [2, 3], ids=["of another class", "of the same class"])
def test_two_objects_that_touch_inside_the_strip_stay_two(second: int) -> None:
    instances, _, _ = canvas()
    left, right = strip()
    instances[20:40, 5 : (left + right) // 2] = 1
    instances[20:40, (left + right) // 2 : 90] = second
    found = found_in(instances)
    assert {p.mask for p in found.predictions} == {Mask.from_array(instances == n) for n in (1, second)}
    assert len(found) == 2


def test_an_object_that_lies_in_the_strip_alone_is_found_once() -> None:
    instances, _, _ = canvas()
    left, right = strip()
    instances[10:20, left + 2 : right - 2] = 1
    (only,) = found_in(instances).predictions
    assert only.mask == Mask.from_array(instances == 1)


def test_boxes_without_masks_are_joined_by_their_parts_in_the_strip() -> None:
    instances, _, _ = canvas()
    instances[5:30, 10:100] = 1
    instances[60:75, 90:110] = 3
    found = found_in(instances, masks=False)
    assert {p.box_xyxy for p in found.predictions} == {(10, 5, 100, 30), (90, 60, 110, 75)}
    assert all(p.mask is None for p in found.predictions)


def test_the_smallest_area_counts_for_whole_objects_and_not_for_their_pieces() -> None:
    instances, _, _ = canvas()
    left, right = strip()
    instances[10:20, left - 4 : right + 4] = 1
    instances[60:63, 5:8] = 3
    area = int((instances == 1).sum())
    assert [p.area for p in found_in(instances, min_area=area).predictions] == [area]
    assert len(found_in(instances, min_area=area + 1)) == 0


def test_proposals_of_different_tiles_share_no_number() -> None:
    instances, _, _ = canvas()
    instances[5:15, 5:15] = instances[60:70, 100:110] = 1
    assert [p.roi for p in found_in(instances).predictions] == [-1, -1]


# --- networks that err --------------------------------------------------------------------------------------------

LEFT, RIGHT = Tile(0, 0, (0, 0, 60, 40)), Tile(0, 1, (40, 0, 100, 40))


def piece(tile: Tile, box: tuple[int, int, int, int], *, category: int = 1, score: float = 0.9) -> Prediction:
    """A rectangle given in pixels of the image, as `tile` would say it."""
    x0, y0, x1, y1 = tile.box
    local = (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0)
    return Prediction(0, 0, category, score, local, Mask.from_box(local, y1 - y0, x1 - x0))


def joined(left: list[Prediction], right: list[Prediction], *, across_classes: bool = False) -> Detections:
    parts = [TileFindings(t, Detections(0, 40, 60, tuple(found))) for t, found in ((LEFT, left), (RIGHT, right))]
    return merge(parts, image_id=5, height=40, width=100, across_classes=across_classes)


def test_pieces_that_agree_on_half_of_what_they_cover_in_the_strip_are_one_and_below_that_two() -> None:
    whole = piece(LEFT, (20, 0, 60, 20))
    assert len(joined([whole], [piece(RIGHT, (40, 0, 90, 10))])) == 1
    assert len(joined([whole], [piece(RIGHT, (40, 0, 90, 9))])) == 2


def test_agreement_is_counted_in_the_strip_and_not_in_the_image() -> None:
    assert len(joined([piece(LEFT, (0, 0, 42, 30))], [piece(RIGHT, (40, 0, 42, 30))])) == 1
    assert len(joined([piece(LEFT, (0, 0, 40, 30))], [piece(RIGHT, (60, 0, 90, 30))])) == 2


def test_the_better_piece_gives_class_and_score_and_the_image_its_number() -> None:
    found = joined([piece(LEFT, (20, 0, 60, 20), score=0.4)], [piece(RIGHT, (40, 0, 90, 20), score=0.8)])
    (only,) = found.predictions
    assert (only.score, only.image_id, found.image_id) == (0.8, 5, 5)


def test_classes_are_joined_only_where_all_boxes_suppress_each_other() -> None:
    left, right = [piece(LEFT, (20, 0, 60, 20), score=0.4)], [piece(RIGHT, (40, 0, 90, 20), category=2)]
    assert len(joined(left, right)) == 2
    (only,) = joined(left, right, across_classes=True).predictions
    assert only.category_id == 2


def test_two_predictions_of_one_tile_are_never_joined() -> None:
    both = [piece(LEFT, (20, 0, 60, 20)), piece(LEFT, (20, 0, 60, 18), score=0.5)]
    found = joined(both, [piece(RIGHT, (40, 0, 90, 20))])
    assert sorted(p.mask.box for p in found.predictions if p.mask) == [(20, 0, 60, 18), (20, 0, 90, 20)]


def test_each_half_of_a_strip_is_taken_from_the_tile_that_sees_it_better() -> None:
    ring = np.zeros((40, 60), dtype=bool)
    ring[5:35, 25:60] = True
    with_hole = ring.copy()
    with_hole[15:25, 42:48] = False  # the left tile sees the hole well, the right one fills it
    left = replace(piece(LEFT, (25, 5, 60, 35)), mask=Mask.from_array(with_hole))
    (only,) = joined([left], [piece(RIGHT, (40, 5, 80, 35))]).predictions
    assert only.mask is not None
    assert [hole.box for hole in only.mask.holes] == [(42, 15, 48, 25)]
    assert only.mask.box == (25, 5, 80, 35)


def test_a_mosaic_of_a_huge_image_is_put_together_without_an_array_of_its_size() -> None:
    side = 20_000
    tiles = tiles_of(side, side, side=1024, overlap=0.2)
    bar = (500, 9000, side - 500, 9400)  # over every column of tiles

    def seen(tile: Tile) -> Detections:
        x0, y0, x1, y1 = tile.box
        local = (max(bar[0], x0) - x0, max(bar[1], y0) - y0, min(bar[2], x1) - x0, min(bar[3], y1) - y0)
        mask = Mask.from_box(local, y1 - y0, x1 - x0) if local[0] < local[2] and local[1] < local[3] else None
        found = () if mask is None else (Prediction(0, 0, 1, 0.9, local, mask),)
        return Detections(0, y1 - y0, x1 - x0, found)

    parts = [TileFindings(tile, seen(tile)) for tile in tiles]
    tracemalloc.start()
    try:
        (only,) = merge(parts, image_id=0, height=side, width=side).predictions
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert only.mask is not None
    assert (only.mask.box, only.mask.area) == (bar, (bar[2] - bar[0]) * (bar[3] - bar[1]))
    assert peak < side * side / 20  # bytes: one dense mask would take 20 times as much


def test_nothing_found_in_any_tile_is_nothing_found() -> None:
    assert joined([], []) == Detections(5, 40, 100, ())
