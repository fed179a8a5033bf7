from __future__ import annotations

import pytest
from quality_cases import CATEGORIES, CORK, NUT, WASHER, box, compared, instance, predicted, random_images

from engine.review.quality.compared import compare_images
from engine.review.quality.confusion import confusion_of


def test_hits_mistakes_misses_and_inventions_each_have_their_cell() -> None:
    objects = [
        instance("hit", box(5, 5), NUT),
        instance("mistaken", box(40, 5), WASHER),
        instance("missed", box(75, 5), WASHER),
    ]
    found = [
        predicted(1, box(5, 5), NUT),
        predicted(2, box(40, 5), NUT),
        predicted(3, box(5, 60), CORK),
        predicted(4, box(75, 5), WASHER, score=0.4),
    ]
    confusion = confusion_of([compared(objects, found)], CATEGORIES, min_score=0.5)
    assert confusion.to_json() == {
        "labels": ["nut", "washer", "cork", "background"],
        "matrix": [[1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]],
    }


def test_it_is_the_pixels_that_must_meet_and_not_the_boxes() -> None:
    ring = box(5, 5, 60, 60) - box(10, 10, 50, 50)
    confusion = confusion_of([compared([instance("ring", ring)], [predicted(1, box(10, 10, 50, 50))])], CATEGORIES,
                             min_score=0)  # fmt: skip
    assert confusion.counts[0].tolist() == [0, 0, 0, 1]
    assert confusion.counts[-1].tolist() == [1, 0, 0, 0]


def test_the_surer_of_two_predictions_on_an_object_decides_and_the_other_is_one_too_many() -> None:
    found = [predicted(1, box(5, 5), WASHER, 0.9), predicted(2, box(5, 5), NUT, 0.8)]
    confusion = confusion_of([compared([instance("a", box(5, 5), NUT)], found)], CATEGORIES, min_score=0.5)
    assert confusion.counts.tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]


def test_an_object_that_rightly_has_two_classes_confuses_nothing() -> None:
    objects = [instance("nut", box(5, 5), NUT), instance("washer", box(5, 6), WASHER)]
    found = [predicted(1, box(5, 6), NUT, 0.9), predicted(2, box(5, 5), WASHER, 0.8)]
    confusion = confusion_of([compared(objects, found)], CATEGORIES, min_score=0.5)
    assert confusion.counts.diagonal().tolist() == [1, 1, 0, 0]
    assert confusion.counts.sum() == 2


@pytest.mark.parametrize("seed", range(3))
def test_rows_sum_to_the_objects_and_columns_to_the_predictions(seed: int) -> None:
    truth, found = random_images(seed)
    images = list(compare_images(truth, found, CATEGORIES, boxes_only=False))
    counts = confusion_of(images, CATEGORIES, min_score=0.4).counts
    shown = [p for i in images for p in i.predictions if p.score >= 0.4]
    for k, category in enumerate(CATEGORIES):
        assert counts[k].sum() == sum(o.category_id == category.id for i in images for o in i.annotation)
        assert counts[:, k].sum() == sum(p.category_id == category.id for p in shown)
    assert counts[-1, -1] == 0


def test_nothing_at_all_is_a_matrix_of_zeros() -> None:
    assert confusion_of([], CATEGORIES, min_score=0.5).counts.tolist() == [[0] * 4] * 4
