"""What the queue shows, in which order, and what a verdict changes in it."""

from __future__ import annotations

import pytest

from engine.domain.annotation import Annotation, ImageStatus, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from engine.project.records import Decision, ImageRecord, Verdict
from gui.models.instance_list import RowRole
from gui.models.review_queue import ReviewQueue, facts_of_image

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
