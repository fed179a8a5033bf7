"""What comes into the queue, why, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from quality_cases import CATEGORIES, CORK, NUT, SIZE, WASHER, annotated, box, instance, predicted

from engine.domain.annotation import Annotation, ImageStatus, Instance
from engine.domain.prediction import Prediction
from engine.project.records import Decision, ImageRecord, Verdict
from engine.review.pair_history import PairHistory
from engine.review.queue import WORTH, QueueItem, QueueKind, rank
from engine.review.queue_evidence import ImageEvidence, Knowledge, image_evidence

RECORD = ImageRecord(1, "folder/a.png", SIZE[1], SIZE[0])
KNOWN = Knowledge(CATEGORIES, {NUT: 20, WASHER: 20, CORK: 20}, {}, {}, epoch=3)
RUN = "run"


def evidence(objects: list[Instance], *found: Prediction, known: Knowledge = KNOWN) -> ImageEvidence:
    return image_evidence(RECORD, annotated(*objects), found, known)


def ranked(objects: list[Instance], *found: Prediction, known: Knowledge = KNOWN) -> tuple[QueueItem, ...]:
    return rank([evidence(objects, *found, known=known)], known)


def kinds(items: tuple[QueueItem, ...]) -> list[str]:
    return [str(item.kind) for item in items]


def test_a_group_comes_with_its_reason_and_numbers() -> None:
    (item,) = ranked([], predicted(4, box(20, 20), NUT, 0.9), predicted(5, box(21, 20), WASHER, 0.8))
    assert (item.kind, item.name, item.prediction_ids) == (QueueKind.SAME_OBJECT, "a.png", (4, 5))
    assert item.reason.startswith("nut 0.90 and washer 0.80 are on the same object")
    assert (item.numbers["score"], item.numbers["second_score"]) == (0.9, 0.8)
    assert item.numbers["iou"] == pytest.approx(19 / 21)


def test_a_group_tells_what_was_decided_on_its_classes_before() -> None:
    known = replace(KNOWN, histories={(NUT, WASHER): PairHistory({WASHER: 3})})
    (item,) = ranked([], predicted(4, box(20, 20), NUT, 0.9), predicted(5, box(20, 20), WASHER, 0.8), known=known)
    assert item.reason.endswith("Decided 3 times before: washer kept 3.")
    assert item.numbers["decided_before"] == 3


def test_close_scores_are_worth_more_than_clear_ones() -> None:
    def worth(second: float) -> float:
        return ranked([], predicted(4, box(20, 20), NUT, 0.9), predicted(5, box(20, 20), WASHER, second))[0].worth

    assert worth(0.88) > worth(0.6)


def test_two_labels_on_one_object_are_worth_a_look_without_any_prediction() -> None:
    (item,) = rank(
        [image_evidence(RECORD, annotated(*_double()), (), KNOWN, looked_at=False)],
        KNOWN,
    )
    assert (item.kind, set(item.instance_ids)) == (QueueKind.SAME_OBJECT, {"one", "two"})


def _double() -> list[Instance]:
    return [instance("one", box(20, 20), NUT), instance("two", box(20, 20), WASHER)]


def test_what_the_network_calls_otherwise_is_first_and_names_both_sides() -> None:
    items = ranked([instance("x", box(20, 20), NUT)], predicted(4, box(20, 20), WASHER, 0.9))
    assert kinds(items) == ["wrong-class"]
    assert (items[0].prediction_ids, items[0].instance_ids) == ((4,), ("x",))
    assert items[0].reason == "This washer of score 0.90 lies on what a person calls nut (mask IoU 1.00)."


def test_missed_spurious_and_poor_masks_are_told_apart() -> None:
    objects = [instance("missed", box(20, 20)), instance("poor", box(60, 20))]
    items = ranked(objects, predicted(4, box(100, 80), NUT, 0.9), predicted(5, box(70, 20), NUT, 0.9))
    assert {str(i.kind): (i.prediction_ids, i.instance_ids) for i in items} == {
        "spurious": ((4,), ()),
        "missed": ((), ("missed",)),
        "poor-mask": ((5,), ("poor",)),
    }


def test_an_object_found_below_the_threshold_is_missed_and_says_by_how_much() -> None:
    (item,) = ranked([instance("x", box(20, 20))], predicted(4, box(20, 20), NUT, 0.4))
    assert item.kind is QueueKind.MISSED
    assert item.reason == "This nut was found, but only with score 0.40; 0.5 is asked for."


def test_what_was_found_is_not_in_the_queue_nor_are_its_weaker_readings() -> None:
    objects = [instance("x", box(20, 20), NUT)]
    assert ranked(objects, predicted(4, box(20, 20), NUT, 0.9), predicted(5, box(20, 20), WASHER, 0.8)) == ()


def test_only_an_image_without_a_word_has_close_calls() -> None:
    near, sure = predicted(4, box(20, 20), NUT, 0.52), predicted(5, box(100, 80), NUT, 0.95)
    (item,) = ranked([], near, sure)
    assert (item.kind, item.prediction_ids) == (QueueKind.UNCERTAIN, (4,))
    assert "nut of score 0.52 is just shown (threshold 0.5)" in item.reason
    negative = replace(annotated(), negative=True)
    (spurious, _) = rank([image_evidence(RECORD, negative, (near, sure), KNOWN)], KNOWN)
    assert (spurious.kind, spurious.prediction_ids) == (QueueKind.SPURIOUS, (5,))


def test_the_nearer_to_the_threshold_the_more_a_close_call_is_worth() -> None:
    items = ranked([], predicted(4, box(20, 20), NUT, 0.62), predicted(5, box(100, 80), NUT, 0.49))
    assert [i.prediction_ids for i in items] == [(5,), (4,)]


def test_a_class_with_few_labels_is_looked_for() -> None:
    known = replace(KNOWN, counts={NUT: 40, WASHER: 40, CORK: 1})
    sure = [predicted(4, box(20, 20), CORK, 0.9), predicted(5, box(100, 80), NUT, 0.9)]
    (item,) = ranked([], *sure, known=known)
    assert (item.kind, item.prediction_ids) == (QueueKind.RARE_CLASS, (4,))
    assert "a class with 1 annotated objects where the mean is 27" in item.reason
    assert ranked([], *sure) == ()


def test_an_image_that_nobody_looked_at_comes_last() -> None:
    unseen = image_evidence(replace(RECORD, id=9), replace(annotated(), image_id=9), (), KNOWN, looked_at=False)
    items = rank([unseen, evidence([instance("x", box(20, 20))])], KNOWN)
    assert kinds(items) == ["missed", "unseen"]
    done = image_evidence(replace(RECORD, status=ImageStatus.DONE), annotated(), (), KNOWN, looked_at=False)
    assert rank([done], KNOWN) == ()


def test_what_was_decided_is_left_out_unless_a_person_was_unsure() -> None:
    pair = [predicted(4, box(20, 20), NUT, 0.9), predicted(5, box(20, 20), WASHER, 0.8)]

    def after(*verdicts: Verdict) -> list[str]:
        decisions = {p.id: Decision(RUN, p.id, 1, v) for p, v in zip(pair, verdicts, strict=False)}
        return kinds(ranked([], *pair, known=replace(KNOWN, decisions=decisions)))

    assert after(Verdict.ACCEPTED, Verdict.REJECTED) == []
    assert after(Verdict.ACCEPTED) == ["same-object"]
    assert after(Verdict.UNSURE, Verdict.UNSURE) == ["same-object"]


def test_each_prediction_is_in_one_item_that_of_the_highest_worth() -> None:
    # a close call and a member of a group at once
    items = ranked([], predicted(4, box(20, 20), NUT, 0.55), predicted(5, box(20, 20), WASHER, 0.5))
    assert kinds(items) == ["same-object"]


def test_the_order_of_images_changes_nothing_and_worth_falls() -> None:
    images = []
    for k in range(1, 7):
        found = [
            predicted(10 * k, box(20, 20), NUT, 0.4 + k / 12, k),
            predicted(10 * k + 1, box(90, 60 + k), CORK, 0.5, k),
        ]
        objects = (instance(f"i{k}", box(20 + 4 * k, 20), WASHER),) if k % 2 else ()
        annotation = Annotation(k, *SIZE, objects)
        images.append(image_evidence(replace(RECORD, id=k), annotation, found, KNOWN))
    items = rank(images, KNOWN)
    assert rank(images[::-1], KNOWN) == items
    assert [i.worth for i in items] == sorted((i.worth for i in items), reverse=True)
    for item in items:
        assert WORTH[item.kind] / 2 <= item.worth <= WORTH[item.kind]
        assert item.reason.endswith((".", "?"))


def test_predictions_of_a_class_that_is_gone_are_passed_over() -> None:
    assert ranked([], predicted(4, box(20, 20), 99, 0.5)) == ()
