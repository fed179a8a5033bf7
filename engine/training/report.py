"""What a running training tells of each step: rates, waiting, memory, time left."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

from engine.config import TrainConfig
from engine.events import StepDone
from engine.model.device import Device
from engine.training.checkpoint import Progress
from engine.training.step import StepResult

T = TypeVar("T")


class StepReporter:
    """Turns steps into events.

    Attributes:
        validation_seconds: how long the last validation took, for the time left.
    """

    def __init__(self, config: TrainConfig, device: Device, steps_per_epoch: int) -> None:
        self.validation_seconds = 0.0
        self._epochs = config.plan.epochs
        self._device = device
        self._steps_per_epoch = steps_per_epoch
        self._seconds: deque[float] = deque(maxlen=50)
        self._last = time.monotonic()
        self._waited = 0.0

    def watched(self, batches: Iterable[T]) -> Iterator[T]:
        """`batches`, with the time spent waiting for them noted."""
        self._last = time.monotonic()
        source = iter(batches)
        while True:
            before = time.monotonic()
            try:
                batch = next(source)
            except StopIteration:
                return
            self._waited = time.monotonic() - before
            yield batch

    def event(self, progress: Progress, result: StepResult, *, images: int, rate: float, vanished: int) -> StepDone:
        """The step that `progress` counts already."""
        now = time.monotonic()
        seconds = max(now - self._last, 1e-9)
        self._last = now
        self._seconds.append(seconds)
        return StepDone(
            epoch=progress.epoch + 1,
            step=progress.step,
            steps_per_epoch=self._steps_per_epoch,
            losses=result.losses,
            learning_rate=rate,
            images_per_second=images / seconds,
            seconds_left=self._seconds_left(progress),
            facts=result.facts,
            gradient_norm=result.gradient_norm,
            data_wait=min(1.0, self._waited / seconds),
            memory_mib=self._device.peak_memory_mib(),
            vanished=vanished,
        )

    def _seconds_left(self, progress: Progress) -> float:
        epochs = self._epochs - progress.epoch
        steps = epochs * self._steps_per_epoch - progress.epoch_step
        return steps * statistics.median(self._seconds) + epochs * self.validation_seconds
