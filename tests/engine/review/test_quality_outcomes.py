from __future__ import annotations

from dataclasses import replace

import pytest
from quality_cases import (
    CATEGORIES,
    NUT,
    WASHER,
    annotated,
    box,
    compared,
    detected,
    instance,
    predicted,
    random_images,
)

from engine.domain.outcome import FalseReason, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.prediction import Detections
from engine.review.quality.compared import compare_images
from engine.review.quality.outcomes import outcomes_of


def test_a_prediction_of_the_right_class_on_the_object_is_right_and_the_object_found() -> None:
    outcome = outcomes_of(compared([instance("a", box(10, 10))], [predicted(7, box(12, 10), score=0.8)]))
    iou = 18 / 22
    assert outcome.predictions == (PredictionOutcome(7, 1, NUT, 0.8, "a", pytest.approx(iou)),)
    assert outcome.instances == (InstanceOutcome("a", 1, NUT, 7, 0.8, pytest.approx(iou)),)
    assert outcome.predictions[0].right


def test_a_weaker_double_is_a_duplicate_of_the_object_that_was_found() -> None:
    found = [predicted(1, box(10, 10), score=0.9), predicted(2, box(10, 12), score=0.7)]
    _, double = outcomes_of(compared([instance("a", box(10, 10))], found)).predictions
    assert (double.prediction_id, double.reason, double.instance_id) == (2, FalseReason.DUPLICATE, "a")


def test_a_prediction_on_an_object_of_another_class_is_of_the_wrong_class_and_so_is_the_miss() -> None:
    outcome = outcomes_of(compared([instance("a", box(10, 10), WASHER)], [predicted(1, box(10, 10), NUT)]))
    assert (outcome.predictions[0].reason, outcome.predictions[0].instance_id) == (FalseReason.WRONG_CLASS, "a")
    assert (outcome.instances[0].reason, outcome.instances[0].prediction_id) == (MissReason.WRONG_CLASS, 1)


@pytest.mark.parametrize("mask", [box(10, 10, 20, 8), box(25, 10), box(10, 10, 100, 100), box(12, 12, 4, 4)])
def test_what_lies_on_an_object_but_shares_too_little_with_it_has_a_poor_mask(mask: object) -> None:
    outcome = outcomes_of(compared([instance("a", box(10, 10))], [predicted(1, mask)]))  # type: ignore[arg-type]
    assert (outcome.predictions[0].reason, outcome.predictions[0].instance_id) == (FalseReason.POOR_MASK, "a")
    assert (outcome.instances[0].reason, outcome.instances[0].prediction_id) == (MissReason.POOR_MASK, 1)
    assert 0 < outcome.predictions[0].iou == outcome.instances[0].iou < 0.5


@pytest.mark.parametrize("mask", [box(90, 60), box(28, 28)])
def test_what_lies_beside_every_object_is_background_and_leaves_nothing_on_the_object(mask: object) -> None:
    outcome = outcomes_of(compared([instance("a", box(10, 10))], [predicted(1, mask)]))  # type: ignore[arg-type]
    assert outcome.predictions == (PredictionOutcome(1, 1, NUT, 0.9, None, 0.0, FalseReason.BACKGROUND),)
    assert outcome.instances == (InstanceOutcome("a", 1, NUT, None, 0.0, 0.0, MissReason.NOTHING),)


def test_on_an_object_that_is_labelled_with_two_classes_a_double_of_either_is_a_duplicate() -> None:
    objects = [instance("nut", box(10, 10), NUT), instance("washer", box(10, 11), WASHER)]
    found = [predicted(1, box(10, 10), NUT, 0.9), predicted(2, box(10, 11), NUT, 0.8)]
    _, double = outcomes_of(compared(objects, found)).predictions
    assert (double.reason, double.instance_id) == (FalseReason.DUPLICATE, "nut")


def test_one_mask_over_two_objects_leaves_the_other_one_without() -> None:
    objects = [instance("a", box(10, 10, 20, 20)), instance("b", box(10, 14, 20, 20))]
    outcome = outcomes_of(compared(objects, [predicted(1, box(10, 11, 20, 20))]))
    assert [i.reason for i in outcome.instances] == [None, MissReason.TAKEN]


def test_an_image_that_was_not_looked_at_has_only_misses_and_one_without_objects_only_background() -> None:
    truth = [annotated(instance("a", box(10, 10)), image_id=4), annotated(image_id=2)]
    found = [detected(predicted(9, box(1, 1), image_id=2), image_id=2)]
    empty, missed = (outcomes_of(i) for i in compare_images(truth, found, CATEGORIES, boxes_only=False))
    assert (empty.image_id, [p.reason for p in empty.predictions], empty.instances) == (2, [FalseReason.BACKGROUND], ())
    assert (missed.image_id, missed.predictions, [i.reason for i in missed.instances]) == (4, (), [MissReason.NOTHING])


def test_classes_the_network_does_not_know_do_not_count_on_either_side() -> None:
    outcome = outcomes_of(compared([instance("a", box(10, 10), 99)], [predicted(1, box(10, 10), 99)]))
    assert (outcome.predictions, outcome.instances) == ((), ())


def test_boxes_are_compared_where_there_are_no_masks() -> None:
    truth = [annotated(replace(instance("a", box(10, 10)), mask=None))]
    found = [detected(replace(predicted(1, box(12, 10)), mask=None))]
    (image,) = compare_images(truth, found, CATEGORIES, boxes_only=True)
    assert outcomes_of(image).predictions[0].iou == pytest.approx(18 / 22)


def test_predictions_that_are_not_stored_go_by_their_place() -> None:
    found = [predicted(0, box(10, 10), score=0.9), predicted(0, box(60, 10), score=0.8)]
    assert [p.prediction_id for p in outcomes_of(compared([], found)).predictions] == [0, 1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("score", [0.3, 0.6])
def test_outcomes_stay_what_they_are_when_weaker_predictions_are_left_out(seed: int, score: float) -> None:
    truth, found = random_images(seed)
    strong = [replace(d, predictions=tuple(p for p in d.predictions if p.score >= score)) for d in found]

    def measured(sides: list[Detections]) -> list[PredictionOutcome]:
        images = compare_images(truth, sides, CATEGORIES, boxes_only=False)
        return [p for image in images for p in outcomes_of(image).predictions if p.score >= score]

    assert measured(found) == measured(strong)
    assert any(p.right for p in measured(found))
