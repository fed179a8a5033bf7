"""Parts of a batch side by side on the CPU's cores.

Splitting every operation over the cores keeps them waiting for each other some thousand times a step, and whenever
another program takes one of them for a moment.  Images apart, each on one core, wait once.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from engine.model.mask_rcnn import MaskRCNN

T = TypeVar("T")
R = TypeVar("R")


class Crew:
    """Threads that each run one part of a batch through a view of the same network.

    Attributes:
        size: how many parts go side by side; 1 works in the caller's thread, with all of torch's threads.
    """

    def __init__(self, network: MaskRCNN, size: int) -> None:
        self.size = size
        self._views = [network, *(shared_view(network) for _ in range(size - 1))]
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="part") if size > 1 else None
        if self._pool is not None:
            self._make_single(self._pool)

    def run(self, work: Callable[[MaskRCNN, T], R], parts: Sequence[T]) -> list[R]:
        """`work` on each of `parts` (at most `size`), in their order."""
        views = self._views[: len(parts)]
        if self._pool is None:
            return [work(view, part) for view, part in zip(views, parts, strict=True)]
        return list(self._pool.map(work, views, parts))

    def train(self) -> None:
        """Put every view into training mode."""
        for view in self._views:
            view.train()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _make_single(self, pool: ThreadPoolExecutor) -> None:
        """One torch thread in each of the pool's, as many as before in this one."""
        before, met = torch.get_num_threads(), threading.Barrier(self.size)

        def be_single(_number: int) -> None:
            torch.set_num_threads(1)
            torch.get_num_threads()  # torch settles a thread's number when it first asks for it
            met.wait()  # so that every thread of the pool comes by

        list(pool.map(be_single, range(self.size)))
        torch.set_num_threads(before)


def shared_view(network: MaskRCNN) -> MaskRCNN:
    """A network of its own modules on the very parameters and buffers of `network`.

    What modules remember from one call to the next (anchors, draws) is apart; what is learned is the same.
    """
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})
