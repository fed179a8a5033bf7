"""Edits in which objects meet, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from engine.domain import combine, edits
from engine.domain.annotation import Annotation, Instance, Origin, Provenance
from engine.domain.mask import Mask
from engine.errors import DataError

SHAPE = (12, 16)
arrays = hnp.arrays(np.bool_, SHAPE).filter(lambda a: bool(a.any()))
law = settings(max_examples=100, deadline=None)


def instance(array: np.ndarray, name: str, category: int = 1) -> Instance:
    return Instance.from_mask(Mask.from_array(array), category, id=name)


def annotated(*instances: Instance) -> Annotation:
    return Annotation(1, *SHAPE, instances)


def boxed(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    array = np.zeros(SHAPE, bool)
    array[y0:y1, x0:x1] = True
    return array


def pixels(annotation: Annotation, name: str) -> np.ndarray:
    return annotation.get(name).mask.to_array()


@law
@given(arrays, arrays, arrays)
def test_merging_keeps_the_lowest_object_with_all_pixels(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    before = annotated(instance(a, "a"), instance(b, "b"), instance(c, "c"))
    after = combine.merge(before, ["c", "a"])
    assert [i.id for i in after] == ["a", "b"]
    assert np.array_equal(pixels(after, "a"), a | c)
    assert np.array_equal(pixels(after, "b"), b)


def test_merging_keeps_a_hole_that_no_other_object_fills() -> None:
    ring = boxed(1, 1, 8, 8) & ~boxed(3, 3, 6, 6)
    after = combine.merge(annotated(instance(ring, "ring"), instance(boxed(7, 2, 14, 6), "bar")), ["ring", "bar"])
    (hole,) = after.get("ring").mask.holes
    assert np.array_equal(hole.to_array(), boxed(3, 3, 6, 6))


@law
@given(arrays, arrays)
def test_intersecting_leaves_what_both_have(a: np.ndarray, b: np.ndarray) -> None:
    before = annotated(instance(a, "a"), instance(b, "b"))
    if not (a & b).any():
        with pytest.raises(DataError, match="share no pixel"):
            combine.intersect(before, ["a", "b"])
        return
    after = combine.intersect(before, ["a", "b"])
    assert [i.id for i in after] == ["a"]
    assert np.array_equal(pixels(after, "a"), a & b)


def test_objects_of_two_classes_and_a_single_object_are_not_merged() -> None:
    both = annotated(instance(boxed(0, 0, 4, 4), "a"), instance(boxed(2, 2, 6, 6), "b", category=2))
    with pytest.raises(DataError, match="one class"):
        combine.merge(both, ["a", "b"])
    with pytest.raises(DataError, match="two selected"):
        combine.merge(both, ["a"])


@law
@given(arrays, arrays, arrays)
def test_what_is_taken_from_the_others_leaves_the_takers_whole(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    after = combine.take_from_others(annotated(instance(a, "a"), instance(b, "b"), instance(c, "c")), ["b"])
    assert np.array_equal(pixels(after, "b"), b)
    for name, array in (("a", a), ("c", c)):
        rest = array & ~b
        assert after.find(name) is None if not rest.any() else np.array_equal(pixels(after, name), rest)


@law
@given(arrays, arrays, arrays)
def test_the_free_part_of_an_area_touches_nobody_but_the_keeper(a: np.ndarray, b: np.ndarray, area: np.ndarray) -> None:
    free = combine.free_part(annotated(instance(a, "a"), instance(b, "b")), Mask.from_array(area), keepers=["a"])
    assert np.array_equal(free.to_array(), area & ~b)


def test_an_object_that_gives_way_counts_as_corrected_and_an_untouched_one_does_not() -> None:
    guesses = [
        Instance.from_mask(Mask.from_array(boxed(x, 0, x + 4, 4)), 1, id=name, origin=Origin.MODEL)
        for x, name in ((0, "near"), (10, "far"))
    ]
    after = combine.give_way(annotated(*guesses), Mask.from_array(boxed(2, 2, 6, 6)), keepers=[])
    assert after.get("near").origin is Origin.CORRECTED
    assert after.get("far") is guesses[1]


def test_splitting_keeps_the_larger_piece_as_the_object_and_puts_the_other_above_it() -> None:
    guess = Instance.from_mask(
        Mask.from_array(boxed(2, 2, 14, 8)), 1, id="a", origin=Origin.MODEL, provenance=Provenance("run", 3, 0.9)
    )
    after, new = combine.split(annotated(guess, instance(boxed(0, 10, 2, 12), "b")), "a", (6.0, 0.0), (6.0, 11.0))
    assert [i.id for i in after] == ["a", new, "b"]
    assert np.array_equal(pixels(after, "a"), boxed(6, 2, 14, 8))
    assert np.array_equal(pixels(after, new), boxed(2, 2, 6, 8))
    assert after.get(new).provenance == guess.provenance
    assert {i.origin for i in after.instances[:2]} == {Origin.CORRECTED}


def test_copies_are_new_objects_of_a_person_and_are_cut_at_the_border() -> None:
    guess = Instance.from_mask(
        Mask.from_array(boxed(10, 2, 16, 6)), 1, origin=Origin.MODEL, provenance=Provenance("run", 3, 0.9)
    )
    (copy,) = combine.copies([guess], *SHAPE, dx=3, dy=1)
    assert copy.id != guess.id
    assert (copy.origin, copy.provenance) == (Origin.HUMAN, None)
    assert np.array_equal(copy.mask.to_array(), boxed(13, 3, 16, 7))
    assert combine.copies([guess], 8, 10) == ()
    (box,) = combine.copies([Instance("b", 1, (2.0, 2.0, 9.0, 9.0))], 8, 8)
    assert (box.mask, box.box_xyxy) == (None, (2.0, 2.0, 8.0, 8.0))


# --- holes where objects meet ---------------------------------------------------------------------------------------


def test_an_island_in_a_hole_is_part_of_the_object_and_filling_the_hole_joins_it() -> None:
    nested = (boxed(1, 1, 11, 11) & ~boxed(3, 3, 9, 9)) | boxed(5, 5, 7, 7)
    before = annotated(instance(nested, "a"))
    (hole,) = before.get("a").mask.holes
    assert np.array_equal(hole.to_array(), boxed(3, 3, 9, 9) & ~boxed(5, 5, 7, 7))
    assert len(before.get("a").mask.parts()) == 2
    assert edits.fill_hole(before, "a", 6, 6) == before  # the island itself is no hole
    assert np.array_equal(pixels(edits.fill_hole(before, "a", 4, 4), "a"), boxed(1, 1, 11, 11))


def test_a_hole_that_is_cut_through_to_the_border_is_no_hole_any_more() -> None:
    ring = annotated(instance(boxed(2, 2, 10, 10) & ~boxed(5, 5, 7, 7), "a"))
    opened = edits.erase(ring, "a", Mask.from_array(boxed(5, 2, 7, 7)))
    assert len(ring.get("a").mask.holes) == 1
    assert opened.get("a").mask.holes == ()
    assert edits.fill_hole(opened, "a", 6, 6) == opened


def test_background_enclosed_only_with_the_images_border_is_no_hole() -> None:
    arch = annotated(instance(boxed(0, 0, 8, 8) & ~boxed(0, 3, 4, 5), "a"))
    assert arch.get("a").mask.holes == ()
    assert edits.reshape(arch, ["a"], lambda m: m.filled) == arch


def test_a_hole_across_two_objects_changes_only_the_named_one() -> None:
    left, right, cut = boxed(1, 1, 9, 9), boxed(7, 1, 15, 9), boxed(6, 3, 11, 6)
    after = edits.erase(annotated(instance(left, "left"), instance(right, "right")), "left", Mask.from_array(cut))
    assert np.array_equal(pixels(after, "left"), left & ~cut)
    assert np.array_equal(pixels(after, "right"), right)


def test_reshaping_never_takes_the_last_pixel() -> None:
    before = annotated(instance(boxed(2, 2, 3, 3), "dot"), instance(boxed(5, 5, 9, 9), "square"))
    after = edits.reshape(before, ["dot", "square"], lambda m: Mask.empty(*SHAPE) if m.area == 1 else m - m)
    assert after == before
