"""Which images go through the network together, and how many at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import torch

from engine.config import DetectConfig
from engine.model.architecture import Architecture
from engine.model.device import Device
from engine.model.inference import run_network
from engine.model.inputs import input_size
from engine.model.mask_rcnn import MaskRCNN

LARGEST = 64  # more gain nothing and only delay the first result
SHARE = 0.8  # of the free memory; the rest is for images with more objects, and for other programs
_WAITING = 4  # batches' worth of images that may wait for others of their shape
_DIVISOR = 32

T = TypeVar("T")


def grouped(items: Iterable[T], *, size: Callable[[], int], key_of: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """Lists of at most `size` items that have one key; nothing is dropped, so some lists are short.

    An item whose key is None goes alone and at once.  Few wait: when there are four lists' worth of them, those that
    wait longest go as they are.
    """
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        if (key := key_of(item)) is None:
            yield [item]
            continue
        most = size()
        groups.setdefault(key, []).append(item)
        if len(groups[key]) >= most:
            yield groups.pop(key)
        elif sum(map(len, groups.values())) >= _WAITING * most:
            yield groups.pop(next(iter(groups)))
    yield from groups.values()


def padded_input(architecture: Architecture, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the tensor that an image of ``height x width`` becomes; equal ones share a batch for free.

    No image of such a batch is padded further than it would be alone, so what is found does not depend on the others.
    """
    if architecture.short_side is None:
        h, w = input_size(height, width, architecture.image_size)
    else:
        short, long = sorted((height, width))
        scale = max(min(architecture.short_side / short, architecture.image_size / long), 1 / short)
        h, w = int(height * scale), int(width * scale)
    return -(-h // _DIVISOR) * _DIVISOR, -(-w // _DIVISOR) * _DIVISOR


def fitting_batch(network: MaskRCNN, device: Device, config: DetectConfig) -> int:
    """The largest batch that fits.

    On CUDA two batches of the largest input, one and two images with as many detections as are allowed, are run and
    their memory is measured.  Elsewhere it is one: a processor's cores share the work of one image already, and memory
    that a system gives to processor and graphics alike cannot be told apart.
    """
    if device.kind != "cuda":
        return 1
    try:
        first, second = (_peak(network, device, config, count) for count in (1, 2))
    except torch.OutOfMemoryError:
        device.release_memory()
        return 1
    device.release_memory()
    free, _ = torch.cuda.mem_get_info(device.torch_device)
    return largest_within(free + torch.cuda.memory_reserved(device.torch_device), first, second)


def largest_within(free: int, first: int, second: int) -> int:
    """Images that fit into :data:`SHARE` of `free` bytes when one takes `first` and two take `second`; at least 1."""
    each = max(second - first, 1)
    return min(LARGEST, max(1, 1 + int((SHARE * free - first) // each)))


def _peak(network: MaskRCNN, device: Device, config: DetectConfig, count: int) -> int:
    """Most bytes in use while `count` of the largest inputs go through."""
    architecture = network.architecture
    side = (architecture.short_side or architecture.image_size, architecture.image_size)
    noise = np.random.default_rng(0).integers(0, 256, size=(*side, 3), dtype=np.uint8)
    torch.cuda.reset_peak_memory_stats(device.torch_device)
    run_network(network, device, [noise] * count, config=config.model_copy(update={"score_threshold": 0.0}))
    return torch.cuda.max_memory_allocated(device.torch_device)
