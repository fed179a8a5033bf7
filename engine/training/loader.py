"""The order of the images and their batches; every random number is keyed by seed, epoch, image and pass.

Nothing depends on how many threads make samples or where a run was interrupted, so a resumed run sees what an
uninterrupted one would have seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from engine.project.dataset import FrozenImage
from engine.training.augment import Augmentation
from engine.training.ranks import Ranks
from engine.training.samples import ImageCache, Sample, make_sample

_PREFETCH = 2  # batches made ahead
Item = tuple[int, int]  # index of an image, number of the pass over all images


class SampleLoader:
    """Batches of samples for one run.

    With several ranks a batch is `batch_size` images for each of them, and this loader makes only its own rank's part.
    A small set is gone over several times in an epoch, so that an epoch has at least `min_steps` batches; each pass
    changes its samples in its own way.
    """

    def __init__(
        self,
        images: Sequence[FrozenImage],
        *,
        labels: Mapping[int, int],
        image_size: int,
        batch_size: int,
        seed: int,
        threads: int = 1,
        min_steps: int = 0,
        ranks: Ranks | None = None,
    ) -> None:
        self._images = tuple(images)
        self._labels = labels
        self._image_size = image_size
        self._ranks = ranks or Ranks()
        self._share = batch_size
        self._batch_size = batch_size * self._ranks.count
        self._seed = seed
        self._passes = max(1, -(-min_steps * self._batch_size // len(self._images)))
        self._threads = threads
        # Zooming in to 1.4 should still find pixels.
        self._cache = ImageCache(longest_side=round(image_size * 1.5))

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; the last one may be short, no image is dropped."""
        return -(-len(self._images) * self._passes // self._batch_size)

    @property
    def passes(self) -> int:
        """How often an epoch goes over all images."""
        return self._passes

    def epoch(self, epoch: int, augmentation: Augmentation | None, *, skip: int = 0) -> Iterator[list[Sample]]:
        """Batches of `epoch` (from 1), without the first `skip`."""
        first = self._ranks.rank * self._share
        batches = [batch[first : first + self._share] for batch in self.batches(epoch)[skip:]]
        with ThreadPoolExecutor(self._threads, thread_name_prefix="samples") as pool:
            waiting: deque[list[Future[Sample]]] = deque()
            for items in batches:
                waiting.append([pool.submit(self.sample, *item, epoch, augmentation) for item in items])
                if len(waiting) > _PREFETCH:
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]

    def batches(self, epoch: int) -> list[list[Item]]:
        """Images of each batch: upright ones and lying ones kept apart as far as the numbers allow.

        A batch is padded to its largest sides, so mixing them would have the network work on padding.
        """
        rng = np.random.default_rng([self._seed, epoch, 0])
        order = [(int(i), turn) for turn in range(self._passes) for i in rng.permutation(len(self._images))]
        batches, left = [], []
        for kind in (False, True):
            alike = [item for item in order if self._is_upright(item[0]) is kind]
            whole = len(alike) - len(alike) % self._batch_size
            batches += _cut(alike[:whole], self._batch_size)
            left += alike[whole:]
        batches = [batches[i] for i in rng.permutation(len(batches))]
        return batches + _cut(left, self._batch_size)

    def _is_upright(self, index: int) -> bool:
        annotation = self._images[index].annotation
        return annotation.height > annotation.width

    def sample(self, index: int, turn: int, epoch: int, augmentation: Augmentation | None) -> Sample:
        """What image `index` is in pass `turn` (from 0) of `epoch`, in whatever batch."""
        frozen = self._images[index]
        return make_sample(
            frozen,
            self._cache.get(frozen.path),
            labels=self._labels,
            image_size=self._image_size,
            augmentation=augmentation,
            rng=np.random.default_rng([self._seed, epoch, 1, frozen.image_id, turn]),
        )


def _cut(items: list[Item], size: int) -> list[list[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
