from __future__ import annotations

from dataclasses import replace

from engine.domain.annotation import Annotation
from engine.prediction.diagnosing import chosen
from engine.project.dataset import FrozenDataset, FrozenImage


def many(dataset: FrozenDataset, *, empty: int, shown: int) -> list[FrozenImage]:
    """Images that say "nothing here", and behind them some with objects."""
    image = dataset.images[0]
    nothing = Annotation(0, image.annotation.height, image.annotation.width, negative=True)
    images = [replace(image, image_id=k, annotation=replace(nothing, image_id=k)) for k in range(empty)]
    return images + [replace(image, image_id=1000 + k) for k in range(shown)]


def test_so_many_images_are_chosen_in_their_order_and_the_same_ones_again(tiny_dataset: FrozenDataset) -> None:
    images = many(tiny_dataset, empty=20, shown=20)
    some = chosen(images, 12)
    ids = [i.image_id for i in some]
    assert len(some) == 12
    assert ids == sorted(ids)
    assert ids != [i.image_id for i in images[:12]]
    assert chosen(images, 12) == some


def test_a_choice_has_something_to_measure_on(tiny_dataset: FrozenDataset) -> None:
    (only,) = chosen(many(tiny_dataset, empty=50, shown=1), 1)
    assert only.image_id == 1000


def test_asking_for_none_or_for_more_than_there_are_gives_all(tiny_dataset: FrozenDataset) -> None:
    images = many(tiny_dataset, empty=2, shown=2)
    assert chosen(images, 0) == chosen(images, 9) == images
