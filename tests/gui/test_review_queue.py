"""What the queue shows, in which order, and what a verdict changes in it."""

from __future__ import annotations

import pytest

from engine.domain.annotation import Annotation, ImageStatus, Instance, Origin, Split
from engine.domain.mask import Mask
from engine.domain.pair_policy import PairPolicy, PairRule, by_pair
from engine.domain.prediction import Prediction
from engine.project.records import Decision, ImageRecord, Verdict
from engine.review.overlaps import OverlapRule
from gui.models.instance_list import RowRole
from gui.models.review_bulk import IN_DONE, IN_GROUP, OTHER_CLASS, PUT_OFF, choose_above
from gui.models.review_filter import ItemKind, ItemState, QueueFilter
from gui.models.review_gather import facts_of_image
from gui.models.review_queue import ReviewQueue

pytestmark = pytest.mark.gui
NAMES = {1: "washer", 2: "nut", 3: "gasket"}
SIZE = (100, 100)


def mask(x: int, y: int, size: int = 20) -> Mask:
    return Mask.from_box((x, y, x + size, y + size), *SIZE)


def predicted(id: int, category: int, score: float, shape: Mask, image: int = 1, roi: int = -1) -> Prediction:
    box = tuple(float(v) for v in shape.box)
    return Prediction(id, image, category, score, box, shape, roi)  # type: ignore[arg-type]


def facts(image: int, *predictions: Prediction, labels: tuple[Instance, ...] = (), done: bool = False):
    status = ImageStatus.DONE if done else ImageStatus.TODO
    record = ImageRecord(image, f"images/img_{image:04d}.jpg", 100, 100, status)
    return facts_of_image(record, Annotation(image, *SIZE, labels), predictions, NAMES)


def decision(prediction: int, verdict: Verdict, image: int = 1) -> Decision:
    return Decision("run", prediction, image, verdict)


@pytest.fixture
def queue(qapp) -> ReviewQueue:
    return ReviewQueue(lambda i: NAMES.get(i, "object"))


def group_in(image: int, first: int, scores: tuple[float, float] = (0.83, 0.79)):
    return facts(
        image,
        predicted(first, 1, scores[0], mask(10, 10), image, roi=4),
        predicted(first + 1, 3, scores[1], mask(10, 10, 19), image, roi=4),
    )


def test_a_group_says_who_is_in_doubt_and_how_much_they_overlap(queue):
    queue.load([group_in(43, 1)], ())
    (item,) = queue.items
    assert item.title == "img_0043 · washer ↔ gasket"
    assert item.detail == "mask IoU 0.90, scores 0.83/0.79"
    assert (item.chip, item.chip_kind) == ("group", "warn")
    assert item.predictions == (1, 2)
    assert queue.data(queue.index(0), RowRole.CHIP) == "group"


def test_groups_come_first_and_the_closest_call_before_the_clear_one(queue):
    clear, close = group_in(1, 1, (0.95, 0.5)), group_in(2, 11, (0.8, 0.79))
    alone = facts(3, predicted(21, 2, 0.9, mask(50, 50), 3))
    queue.load([alone, clear, close], ())
    assert [i.image_id for i in queue.items] == [2, 1, 3]
    assert queue.open_groups == 2


def test_what_agrees_with_a_label_is_settled_and_a_label_of_another_class_is_not(queue):
    label = Instance.from_mask(mask(10, 10), 1)
    agrees = facts(1, predicted(1, 1, 0.9, mask(10, 10)), labels=(label,))
    differs = facts(2, predicted(2, 2, 0.9, mask(10, 10), 2), labels=(label,))
    queue.load([agrees, differs], ())
    by_image = {i.image_id: i for i in queue.items}
    assert (by_image[1].settled, by_image[1].chip) == (True, "agrees")
    assert (by_image[2].settled, by_image[2].chip) == (False, "class differs")


def test_the_threshold_decides_what_counts(queue):
    queue.load([facts(1, predicted(1, 1, 0.9, mask(10, 10)), predicted(2, 2, 0.3, mask(60, 60)))], ())
    assert queue.items[0].open == (1,)
    queue.set_threshold(0.2)
    assert queue.items[0].open == (1, 2)
    queue.set_threshold(0.95)
    assert (queue.items[0].settled, queue.items[0].chip) == (True, "empty")


def test_a_verdict_settles_a_group_and_the_order_stays(queue):
    queue.load([group_in(1, 1, (0.8, 0.79)), group_in(2, 11)], ())
    order = [i.key for i in queue.items]
    queue.update_images([group_in(1, 1, (0.8, 0.79))], [decision(1, Verdict.ACCEPTED), decision(2, Verdict.REJECTED)])
    assert [i.key for i in queue.items] == order
    assert (queue.items[0].settled, queue.items[0].chip) == (True, "kept washer")
    assert queue.progress == 0.5
    assert queue.open_after(order[0]).key == order[1]
    assert queue.open_after(order[1]) is None


@pytest.mark.parametrize(
    ("verdicts", "chip"),
    [
        ((Verdict.REJECTED, Verdict.REJECTED), "rejected"),
        ((Verdict.ACCEPTED, Verdict.ACCEPTED), "both kept"),
        ((Verdict.UNSURE, Verdict.UNSURE), "unsure"),
    ],
)
def test_the_chip_tells_what_was_said_about_a_group(queue, verdicts, chip):
    queue.load([group_in(1, 1)], [decision(n, v) for n, v in enumerate(verdicts, start=1)])
    assert queue.items[0].chip == chip
    assert queue.items[0].settled is (chip != "unsure")


def test_an_image_is_settled_when_all_its_new_objects_are_decided_or_it_is_done(queue):
    both = (predicted(1, 1, 0.9, mask(10, 10)), predicted(2, 2, 0.8, mask(60, 60)))
    queue.load([facts(1, *both)], [decision(1, Verdict.ACCEPTED)])
    assert queue.items[0].open == (2,)
    assert queue.items[0].title == "img_0001 · 1 object"
    queue.update_images([facts(1, *both)], [decision(1, Verdict.ACCEPTED), decision(2, Verdict.REJECTED)])
    assert queue.items[0].settled
    queue.update_images([facts(1, *both, done=True)], ())
    assert queue.items[0].settled


def test_earlier_choices_in_such_pairs_are_counted(queue):
    queue.load(
        [group_in(1, 1), group_in(2, 11), group_in(3, 21)],
        [
            decision(1, Verdict.REJECTED, 1), decision(2, Verdict.ACCEPTED, 1),
            decision(11, Verdict.REJECTED, 2), decision(12, Verdict.CORRECTED, 2),
        ],
    )  # fmt: skip
    last = next(i for i in queue.items if i.image_id == 3)
    assert queue.kept_before(last.group) == ("gasket", 2, 2)


def test_an_image_where_nothing_was_found_is_listed_as_empty(queue):
    queue.load([facts(1)], ())
    assert queue.items[0].chip == "empty"
    assert queue.progress == 1.0


def test_an_object_that_was_predicted_twice_in_one_class_is_told_from_one_in_two_classes(queue):
    twice = (predicted(1, 1, 0.9, mask(10, 10)), predicted(2, 1, 0.8, mask(10, 10, 19)))
    record, rule = ImageRecord(1, "img_0001.jpg", 100, 100), OverlapRule(duplicates=True)
    queue.load([facts_of_image(record, Annotation(1, *SIZE), twice, NAMES, rule)], ())
    (item,) = queue.items
    assert (item.title, item.chip) == ("img_0001 · washer", "twice")


def test_two_classes_that_may_lie_on_one_object_make_no_group(queue):
    both = (predicted(1, 1, 0.83, mask(10, 10)), predicted(2, 3, 0.79, mask(10, 10, 19)))
    allowed = by_pair([PairPolicy(3, 1, PairRule.ALLOW)])
    record = ImageRecord(1, "img_0001.jpg", 100, 100)
    queue.load([facts_of_image(record, Annotation(1, *SIZE), both, NAMES, policies=allowed)], ())
    assert [item.chip for item in queue.items] == ["new"]
    queue.load([facts_of_image(record, Annotation(1, *SIZE), both, NAMES)], ())
    assert [item.chip for item in queue.items] == ["group"]


# --- what contradicts a label ---------------------------------------------------------------------------------------


def labelled(image: int, *predictions: Prediction, at: Mask, split: Split = Split.VAL, done: bool = False):
    """An image in a split on which a person labelled one washer."""
    record = ImageRecord(
        image, f"images/img_{image:04d}.jpg", 100, 100, ImageStatus.DONE if done else ImageStatus.TODO, split
    )
    label = Instance.from_mask(at, 1, origin=Origin.HUMAN)
    return facts_of_image(record, Annotation(image, *SIZE, (label,)), predictions, NAMES)


def test_a_label_that_nothing_was_predicted_on_is_missed_and_wants_a_look(queue):
    queue.load([labelled(1, at=mask(10, 10))], ())
    (item,) = queue.items
    assert (item.chip, item.chip_kind, item.settled) == ("missed", "bad", False)
    assert item.detail == "not found: washer"
    queue.update_images([labelled(1, at=mask(10, 10), done=True)], ())
    assert queue.items[0].settled


def test_a_label_is_missed_as_soon_as_its_prediction_is_below_the_threshold(queue):
    queue.load([labelled(1, predicted(1, 1, 0.6, mask(10, 10)), at=mask(10, 10))], ())
    assert queue.items[0].chip == "agrees"
    queue.set_threshold(0.7)
    assert queue.items[0].chip == "missed"


def test_what_is_predicted_beside_the_labels_is_spurious_only_where_the_labels_are_the_whole_truth(queue):
    both = (predicted(1, 1, 0.9, mask(10, 10)), predicted(2, 2, 0.8, mask(60, 60)))
    queue.load([labelled(1, *both, at=mask(10, 10))], ())
    assert queue.items[0].chip == "spurious"
    queue.load([labelled(1, *both, at=mask(10, 10), split=Split.NONE)], ())
    assert queue.items[0].chip == "new"


def test_what_was_accepted_does_not_make_the_rest_of_the_image_spurious(queue):
    accepted = Instance.from_mask(mask(10, 10), 1, origin=Origin.MODEL)
    record = ImageRecord(1, "img.jpg", 100, 100, split=Split.TRAIN)
    both = (predicted(1, 1, 0.9, mask(10, 10)), predicted(2, 2, 0.8, mask(60, 60)))
    queue.load([facts_of_image(record, Annotation(1, *SIZE, (accepted,)), both, NAMES)], ())
    assert queue.items[0].chip == "new"


def test_disagreements_come_after_groups_and_before_what_is_new(queue):
    new = facts(1, predicted(1, 2, 0.9, mask(50, 50)), predicted(2, 2, 0.9, mask(10, 10)))
    missed = labelled(2, at=mask(10, 10))
    queue.load([new, missed, group_in(3, 31)], ())
    assert [i.image_id for i in queue.items] == [3, 2, 1]


# --- the filter -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(queue) -> ReviewQueue:
    """A group of washer and gasket, a nut that is new, a washer of the validation set that was missed."""
    queue.load([group_in(1, 1), facts(2, predicted(11, 2, 0.9, mask(50, 50), 2)), labelled(30, at=mask(10, 10))], ())
    return queue


@pytest.mark.parametrize(
    ("wanted", "images"),
    [
        (QueueFilter(category_id=1), {1, 30}),
        (QueueFilter(category_id=2), {2}),
        (QueueFilter(split=Split.VAL), {30}),
        (QueueFilter(kind=ItemKind.GROUP), {1}),
        (QueueFilter(kind=ItemKind.IMAGE), {2, 30}),
        (QueueFilter(kind=ItemKind.DISAGREEMENT), {30}),
        (QueueFilter(state=ItemState.SETTLED), set()),
        (QueueFilter(text=" IMG_000"), {1, 2}),
        (QueueFilter(category_id=1, kind=ItemKind.GROUP, text="1"), {1}),
        (QueueFilter(), {1, 2, 30}),
    ],
)
def test_the_filter_lists_what_meets_all_that_is_asked(mixed, wanted, images):
    mixed.set_filter(wanted)
    assert {i.image_id for i in mixed.items} == images
    assert mixed.rowCount() == len(images)
    assert mixed.total == 3


def test_the_filter_stays_when_other_predictions_are_shown(mixed):
    mixed.set_filter(QueueFilter(kind=ItemKind.GROUP))
    mixed.load([group_in(5, 51), facts(6)], ())
    assert [i.image_id for i in mixed.items] == [5]


def test_the_way_goes_only_through_what_is_listed(mixed):
    mixed.set_filter(QueueFilter(kind=ItemKind.IMAGE))
    assert mixed.open_after("g1-2").image_id == 30
    mixed.set_filter(QueueFilter(kind=ItemKind.GROUP))
    assert mixed.open_after("i2").key == "g1-2"
    assert mixed.open_after("g1-2") is None


def test_the_filter_says_in_words_what_it_asks_for():
    wanted = QueueFilter(2, Split.VAL, ItemKind.IMAGE, ItemState.OPEN, "img_00")
    assert wanted.words(lambda id: NAMES[id]) == "nut · validation · images · open · “img_00”"
    assert not QueueFilter().asks


# --- accepting many -------------------------------------------------------------------------------------------------


def test_only_what_nobody_has_to_think_about_is_accepted_together():
    other = Instance.from_mask(mask(10, 10), 3)
    images = [
        facts(
            1,
            predicted(1, 1, 0.95, mask(50, 50)),
            predicted(2, 2, 0.92, mask(10, 50)),
            predicted(3, 2, 0.5, mask(70, 0)),
        ),
        group_in(2, 11, (0.99, 0.98)),
        facts(3, predicted(21, 1, 0.99, mask(10, 10), 3), labels=(other,)),
        facts(4, predicted(31, 1, 0.99, mask(10, 10), 4), done=True),
        facts(5, predicted(41, 1, 0.99, mask(10, 10), 5), predicted(42, 1, 0.99, mask(60, 60), 5)),
    ]
    said = [decision(41, Verdict.UNSURE, 5), decision(42, Verdict.REJECTED, 5)]
    choice = choose_above(images, said, NAMES, score=0.9)
    assert choice.by_image == {1: (1, 2)}
    assert choice.by_category == {1: 1, 2: 1}
    assert choice.left_out == {IN_GROUP: 2, OTHER_CLASS: 1, IN_DONE: 1, PUT_OFF: 1}
    assert choose_above(images, said, NAMES, score=0.9, category_id=2).by_image == {1: (2,)}
    assert choose_above(images, said, [1], score=0.9).by_image == {1: (1,)}, "a class that is gone is left alone"
