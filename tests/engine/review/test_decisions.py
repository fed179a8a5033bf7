"""What a verdict makes of an image."""

from __future__ import annotations

from engine.domain.annotation import Annotation, Instance, Origin
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from engine.project.records import Verdict
from engine.review.decisions import Source, labelled_as, set_aside, take

SIZE = (60, 80)
SOURCE = Source("run", 12)
EMPTY = Annotation(1, *SIZE)


def box_mask(x0: int, y0: int, x1: int, y1: int) -> Mask:
    return Mask.from_box((x0, y0, x1, y1), *SIZE)


def ring() -> Mask:
    return box_mask(10, 10, 40, 40) - box_mask(20, 20, 30, 30)


def predicted(id: int, category: int, mask: Mask | None, score: float = 0.8) -> Prediction:
    box = tuple(float(v) for v in mask.box) if mask is not None else (10.0, 10.0, 40.0, 40.0)
    return Prediction(id, 1, category, score, box, mask)  # type: ignore[arg-type]


def test_an_accepted_prediction_becomes_an_instance_that_remembers_where_it_came_from():
    outcome = take(EMPTY, [predicted(5, 2, ring(), 0.83)], [], SOURCE)
    (instance,) = outcome.annotation.instances
    assert instance.mask == ring(), "the hole is kept to the pixel"
    assert instance.origin is Origin.MODEL
    assert instance.provenance is not None
    assert (instance.provenance.run, instance.provenance.epoch, instance.provenance.score) == ("run", 12, 0.83)
    (decision,) = outcome.decisions
    assert (decision.prediction_id, decision.verdict, decision.instance_id) == (5, Verdict.ACCEPTED, instance.id)


def test_without_masks_the_box_is_taken():
    outcome = take(EMPTY, [predicted(5, 2, None)], [], SOURCE)
    assert outcome.annotation.instances[0].box_xyxy == (10, 10, 40, 40)


def test_keeping_one_of_a_group_rejects_the_others():
    outcome = take(EMPTY, [predicted(1, 1, ring())], [predicted(2, 3, ring())], SOURCE)
    assert len(outcome.annotation) == 1
    assert [d.verdict for d in outcome.decisions] == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert outcome.decisions[1].reason


def test_both_are_right_keeps_both_even_on_the_same_pixels():
    outcome = take(EMPTY, [predicted(1, 1, ring()), predicted(2, 3, ring())], [], SOURCE)
    assert [i.category_id for i in outcome.annotation.instances] == [1, 3]


def test_an_object_that_is_labelled_so_already_is_confirmed_and_not_doubled():
    label = Instance.from_mask(ring(), 1, id="mine")
    outcome = take(Annotation(1, *SIZE, (label,)), [predicted(1, 1, box_mask(10, 10, 41, 40) & ring())], [], SOURCE)
    assert outcome.annotation.instances == (label,)
    assert outcome.first_instance == "mine"


def test_a_label_of_another_class_gets_the_class_and_keeps_its_pixels():
    label = Instance.from_mask(ring(), 1, id="mine")
    outcome = take(Annotation(1, *SIZE, (label,)), [predicted(1, 3, ring() - box_mask(10, 10, 12, 40))], [], SOURCE)
    (after,) = outcome.annotation.instances
    assert (after.id, after.category_id, after.mask, after.origin) == ("mine", 3, ring(), Origin.HUMAN)


def test_a_core_in_the_hole_of_a_labelled_ring_is_another_object():
    annotation = Annotation(1, *SIZE, (Instance.from_mask(ring(), 1, id="ring"),))
    core = predicted(1, 2, box_mask(20, 20, 30, 30))
    assert labelled_as(annotation, core) is None
    assert len(take(annotation, [core], [], SOURCE).annotation) == 2


def test_a_change_of_mind_takes_back_what_the_first_verdict_made():
    prediction = predicted(1, 1, ring())
    first = take(EMPTY, [prediction], [], SOURCE)
    second = set_aside(first.annotation, [prediction], "run", Verdict.REJECTED, earlier=first.decisions)
    assert second.annotation.instances == ()
    assert second.decisions[0].verdict is Verdict.REJECTED


def test_a_change_of_mind_leaves_what_a_person_has_corrected_since():
    prediction = predicted(1, 1, ring())
    first = take(EMPTY, [prediction], [], SOURCE)
    (made,) = first.annotation.instances
    corrected = made.with_mask(ring() | box_mask(20, 20, 30, 30))
    annotation = Annotation(1, *SIZE, (corrected,))
    second = set_aside(annotation, [prediction], "run", Verdict.REJECTED, earlier=first.decisions)
    assert second.annotation.instances == (corrected,)


def test_keeping_the_other_candidate_later_swaps_the_class():
    a, b = predicted(1, 1, ring()), predicted(2, 3, ring())
    first = take(EMPTY, [a], [b], SOURCE)
    second = take(first.annotation, [b], [a], SOURCE, earlier=first.decisions)
    assert [i.category_id for i in second.annotation.instances] == [3]


def test_an_accepted_object_makes_an_image_no_negative_any_more():
    outcome = take(Annotation(1, *SIZE, negative=True), [predicted(1, 1, ring())], [], SOURCE)
    assert outcome.annotation.negative is False
