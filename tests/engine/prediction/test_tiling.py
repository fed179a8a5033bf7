"""Tiles cover an image, are of one size, and share what was asked for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.config import DetectConfig
from engine.model.architecture import Architecture
from engine.prediction.tiling import spans, tile_side, tiles_of

TORCHVISIONS = Architecture.torchvision(classes=1)


@given(st.integers(1, 3000), st.integers(32, 600), st.floats(0.02, 0.5))
def test_spans_cover_the_length_and_share_at_least_what_was_asked_for(length: int, side: int, overlap: float) -> None:
    found = spans(length, side, overlap)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert len({end - start for start, end in found}) == 1
    assert found[0][1] <= side
    for (_, end), (start, _) in pairwise(found):
        assert end - start >= max(1, round(side * overlap))


@given(st.integers(33, 3000), st.integers(32, 600), st.floats(0.02, 0.5))
def test_no_span_is_superfluous(length: int, side: int, overlap: float) -> None:
    shared = max(1, round(side * overlap))
    count = len(spans(length, side, overlap))
    assert count == 1 or (count - 1) * side - (count - 2) * shared < length


def test_an_image_no_larger_than_a_tile_is_one_tile() -> None:
    (only,) = tiles_of(100, 80, side=100, overlap=0.2)
    assert only.box == (0, 0, 80, 100)


def test_a_long_strip_is_cut_in_one_direction_only() -> None:
    tiles = tiles_of(200, 30_000, side=1024, overlap=0.2)
    assert {tile.row for tile in tiles} == {0}
    assert all(tile.box[1::2] == (0, 200) for tile in tiles)


def test_auto_takes_what_the_network_is_fed_pixel_by_pixel() -> None:
    assert tile_side(DetectConfig(tile="auto"), Architecture(classes=1, image_size=704)) == 704
    assert tile_side(DetectConfig(tile="auto"), TORCHVISIONS) == 800
    assert tile_side(DetectConfig(tile=1024), TORCHVISIONS) == 1024
    assert tile_side(DetectConfig(), TORCHVISIONS) == 0
