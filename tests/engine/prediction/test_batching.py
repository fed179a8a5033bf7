"""Which images share a batch, and how many fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.config import DetectConfig
from engine.model.architecture import Architecture
from engine.model.device import Device, choose_device
from engine.model.inputs import prepare
from engine.model.mask_rcnn import MaskRCNN
from engine.prediction import batching
from engine.prediction.batching import LARGEST, SHARE, fitting_batch, grouped, largest_within, padded_input

MIB = 2**20


@given(st.lists(st.sampled_from([None, "a", "b", "c"])), st.integers(1, 5))
def test_every_item_comes_once_in_batches_of_one_key(keys: list[str | None], size: int) -> None:
    items = list(enumerate(keys))
    batches = list(grouped(items, size=lambda: size, key_of=lambda item: item[1]))
    assert sorted(i for batch in batches for i, _ in batch) == list(range(len(keys)))
    assert all(len({key for _, key in batch}) == 1 for batch in batches)
    assert all(len(batch) == 1 if batch[0][1] is None else len(batch) <= size for batch in batches)


def test_few_items_wait_for_others_of_their_kind() -> None:
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    first = next(iter(grouped(items(), size=lambda: 3, key_of=lambda number: number)))
    assert first == [0]
    assert len(taken) == 4 * 3


def test_a_size_that_falls_on_the_way_holds_from_then_on() -> None:
    sizes = iter([4, 4, 4, 4, 2, 2, 2])
    batches = grouped(range(7), size=lambda: next(sizes), key_of=lambda _: 0)
    assert [len(batch) for batch in batches] == [4, 2, 1]


@pytest.mark.parametrize("rule", ["longer side", "torchvision's"])
@pytest.mark.parametrize(("height", "width"), [(40, 90), (90, 40), (64, 64), (1, 1), (3000, 20), (77, 131)])
def test_the_padded_input_is_what_the_network_is_fed(rule: str, height: int, width: int) -> None:
    architecture = Architecture.torchvision(classes=1) if rule != "longer side" else Architecture(classes=1)
    batch, _ = prepare([np.zeros((height, width, 3), np.uint8)], choose_device("cpu", amp="off"), architecture)
    assert tuple(batch.shape[2:]) == padded_input(architecture, height, width)


def test_the_largest_batch_stays_within_its_share_of_the_memory() -> None:
    free, first, each = 10_000 * MIB, 900 * MIB, 400 * MIB
    count = largest_within(free, first, first + each)
    assert first + (count - 1) * each <= SHARE * free < first + count * each
    assert largest_within(free, first, first + 1) == LARGEST
    assert largest_within(10 * MIB, first, first + each) == 1


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Device:
    """A graphics card that is not there: 10,000 MiB, of which this process holds 500."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (9_500 * MIB, 10_000 * MIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda *_: 500 * MIB)
    return Device(torch.device("cuda"), None, "a card")


def test_on_a_card_one_and_two_images_are_measured(card: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_peak", lambda _n, _d, _c, count: (500 + 1000 * count) * MIB)
    network = MaskRCNN(Architecture(classes=1, image_size=64), pretrained=False)
    assert fitting_batch(network, card, DetectConfig()) == 7  # 8,000 MiB are to be had, seven take 7,500


def test_where_two_images_run_out_of_memory_they_go_one_at_a_time(
    card: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peak(_network: object, _device: object, _config: object, count: int) -> int:
        if count > 1:
            raise torch.OutOfMemoryError("out of memory")
        return 500 * MIB

    monkeypatch.setattr(batching, "_peak", peak)
    network = MaskRCNN(Architecture(classes=1, image_size=64), pretrained=False)
    assert fitting_batch(network, card, DetectConfig()) == 1


def test_on_a_processor_images_go_one_at_a_time() -> None:
    network = MaskRCNN(Architecture(classes=1, image_size=64), pretrained=False)
    assert fitting_batch(network, choose_device("cpu", amp="off"), DetectConfig()) == 1
