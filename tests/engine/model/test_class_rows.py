import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.annotation import Category
from engine.model.class_rows import KnownClass, carry_rows, match_classes, rows_of


def known(*names: str | None) -> list[KnownClass]:
    return [KnownClass(n) for n in names]


def wanted(*names: str) -> list[Category]:
    return [Category(i, n, "#000000") for i, n in enumerate(names, start=1)]


def test_classes_are_found_by_name_wherever_they_stand() -> None:
    match = match_classes(known("nut", "bolt", "washer"), wanted("washer", "screw", "nut"))
    assert match.sources == (3, None, 1)
    assert match.kept == (("washer", "washer"), ("nut", "nut"))
    assert match.fresh == ("screw",)
    assert match.dropped == ("bolt",)


def test_the_exact_name_goes_before_one_that_differs_in_case() -> None:
    assert match_classes(known("Nut", "nut"), wanted("nut", "NUT ")).sources == (2, 1)


def test_within_a_project_the_id_goes_before_the_name() -> None:
    swapped = [KnownClass("nut", 1), KnownClass("bolt", 2), KnownClass("pin", None)]
    new = [Category(1, "bolt", "#000000"), Category(2, "nut", "#000000"), Category(7, "pin", "#000000")]
    match = match_classes(swapped, new)
    assert match.sources == (1, 2, 3)
    assert match.kept[0] == ("nut", "bolt")


def test_weights_without_names_match_nothing() -> None:
    match = match_classes(known(None, None), wanted("nut"))
    assert (match.sources, match.kept, match.dropped) == ((None,), (), ())


@given(st.permutations(["a", "b", "c", "d"]), st.integers(0, 4), st.sampled_from([1, 4]))
def test_every_row_of_a_class_that_goes_on_is_its_old_one(order: list[str], count: int, rows: int) -> None:
    old_names, new_names = ["a", "b", "c"], order[:count]
    old = torch.arange((1 + len(old_names)) * rows * 2.0).reshape(-1, 2)
    fresh = -torch.ones((1 + count) * rows, 2)
    carried = carry_rows(old, fresh, match_classes(known(*old_names), wanted(*new_names)), rows)
    assert torch.equal(carried[:rows], old[:rows])  # the background
    for label, name in enumerate(new_names, start=1):
        found = carried[label * rows : (label + 1) * rows]
        at = (old_names.index(name) + 1) * rows if name in old_names else None
        assert torch.equal(found, -torch.ones(rows, 2) if at is None else old[at : at + rows])


def test_a_box_has_four_rows_a_class_and_other_layers_have_none() -> None:
    assert rows_of("roi_heads.box_predictor.bbox_pred.bias") == 4
    assert rows_of("roi_heads.mask_predictor.mask_fcn_logits.weight") == 1
    assert rows_of("roi_heads.box_head.fc6.weight") is None
