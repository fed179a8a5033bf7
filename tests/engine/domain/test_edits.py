import pytest

from engine.domain import edits
from engine.domain.annotation import Annotation, Instance, Origin, Provenance
from engine.domain.mask import Mask

SIZE = (20, 30)


def box_mask(x0: int, y0: int, x1: int, y1: int) -> Mask:
    return Mask.from_box((x0, y0, x1, y1), *SIZE)


@pytest.fixture
def annotation() -> Annotation:
    square = Instance.from_mask(box_mask(5, 5, 15, 15), 1, id="square")
    other = Instance.from_mask(box_mask(20, 5, 28, 15), 2, id="other")
    return Annotation(1, *SIZE, (square, other))


def test_painting_and_erasing_the_same_stroke_leads_back(annotation: Annotation) -> None:
    stroke = box_mask(0, 0, 4, 4)
    painted = edits.paint(annotation, "square", stroke)
    assert painted.get("square").area == 116
    assert edits.erase(painted, "square", stroke) == annotation


def test_a_hole_that_is_cut_can_be_filled_again(annotation: Annotation) -> None:
    cut = edits.erase(annotation, "square", box_mask(8, 8, 11, 11))
    assert len(cut.get("square").mask.holes) == 1
    assert cut.get("square").box_xyxy == (5.0, 5.0, 15.0, 15.0)
    assert edits.fill_hole(cut, "square", 9, 9) == annotation
    assert edits.fill_hole(cut, "square", 0, 0) == cut


def test_erasing_everything_removes_the_object(annotation: Annotation) -> None:
    assert edits.erase(annotation, "square", box_mask(0, 0, 19, 19)).find("square") is None


def test_a_changed_prediction_counts_as_corrected() -> None:
    guess = Instance.from_mask(
        box_mask(1, 1, 9, 9), 1, id="guess", origin=Origin.MODEL, provenance=Provenance("run", 3, 0.9)
    )
    annotation = Annotation(1, *SIZE, (guess,))
    changed = edits.paint(annotation, "guess", box_mask(9, 9, 12, 12)).get("guess")
    assert changed.origin is Origin.CORRECTED
    assert changed.provenance == guess.provenance


def test_an_object_ends_the_mark_that_nothing_is_here() -> None:
    empty = edits.set_negative(Annotation(1, *SIZE), True)
    assert empty.negative
    assert not edits.add(empty, Instance.from_mask(box_mask(1, 1, 3, 3), 1)).negative


def test_an_image_with_objects_cannot_show_nothing(annotation: Annotation) -> None:
    with pytest.raises(ValueError, match="objects"):
        edits.set_negative(annotation, True)


def test_only_the_named_instances_are_relabelled_or_removed(annotation: Annotation) -> None:
    relabelled = edits.set_category(annotation, ["other", "unknown"], 7)
    assert [i.category_id for i in relabelled] == [1, 7]
    assert [i.id for i in edits.remove(annotation, ["square"])] == ["other"]


def test_editing_what_is_not_there_is_an_error(annotation: Annotation) -> None:
    with pytest.raises(KeyError):
        edits.paint(annotation, "gone", box_mask(0, 0, 1, 1))


def test_the_topmost_instance_is_found_and_a_hole_lets_through(annotation: Annotation) -> None:
    on_top = Instance.from_mask(box_mask(4, 4, 16, 16) - box_mask(8, 8, 11, 11), 3, id="ring")
    stacked = edits.add(annotation, on_top)
    assert stacked.at(6, 6).id == "ring"
    assert stacked.at(9, 9).id == "square"
    assert stacked.at(0, 0) is None
