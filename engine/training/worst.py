"""The batches of a training that take the most memory, known before a picture is read."""

from __future__ import annotations

from collections.abc import Sequence

from engine.config import TrainConfig
from engine.domain.annotation import Split
from engine.model.inputs import input_size
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.training.loader import SampleLoader
from engine.training.samples import Sample


class WorstBatches:
    """The batch with the largest input, and the one with the most objects (often the same).

    Memory grows with the padded input, and beside it with the objects, each of which is compared with every anchor.  A
    batch is padded to its largest sides, so where upright and lying images can meet, they do in the worst batch.
    """

    def __init__(self, dataset: FrozenDataset, config: TrainConfig) -> None:
        self._images = dataset.annotated(Split.TRAIN)
        self._config = config
        self._loader = SampleLoader(
            self._images,
            labels={c.id: label for label, c in enumerate(dataset.categories, start=1)},
            image_size=config.image_size,
            batch_size=config.batch_size,
            seed=config.seed,
            min_steps=config.min_epoch_steps,
        )

    def indices(self) -> list[tuple[int, ...]]:
        """Images of each batch by their place among the training images; the largest input comes first."""
        found = [max(self._candidates(), key=self._area_then_objects), max(self._candidates(), key=self._objects_first)]
        return list(dict.fromkeys(found))

    def samples(self) -> list[list[Sample]]:
        """The batches as the loader makes them, unaugmented: augmentation changes no size and adds no object."""
        return [[self._loader.sample(i, 0, 1, None) for i in batch] for batch in self.indices()]

    def _candidates(self) -> list[tuple[int, ...]]:
        """Batches that can occur: the largest images with the fullest beside them, and the fullest alone."""
        upright = [i for i, image in enumerate(self._images) if _is_upright(image)]
        lying = [i for i, image in enumerate(self._images) if not _is_upright(image)]
        pools = [pool for pool in (upright, lying) if pool]
        leaders = [[max(pool, key=self._area)] for pool in pools]
        if self._orientations_meet():
            leaders.append([largest for own in leaders for largest in own])
            pools.append([*upright, *lying])
        found = [self._filled(own, pool) for own, pool in zip(leaders, pools, strict=True)]
        return found + [self._filled([], pool) for pool in pools]

    def _filled(self, first: Sequence[int], pool: Sequence[int]) -> tuple[int, ...]:
        """A batch of `first` and the fullest of `pool`; a small set that is gone over again meets itself."""
        fullest = sorted(pool, key=self._objects, reverse=True)
        rest = [i for i in fullest if i not in first] + fullest * (self._loader.passes - 1)
        return tuple([*first, *rest][: self._config.batch_size])

    def _orientations_meet(self) -> bool:
        kinds = [{_is_upright(self._images[i]) for i, _ in batch} for batch in self._loader.batches(1)]
        return any(len(kind) > 1 for kind in kinds)

    # --- how much -----------------------------------------------------------------------------------------------

    def _size(self, index: int) -> tuple[int, int]:
        a = self._images[index].annotation
        return input_size(a.height, a.width, self._config.image_size)

    def _area(self, index: int) -> tuple[int, int]:
        height, width = self._size(index)
        return height * width, self._count(index)

    def _objects(self, index: int) -> tuple[int, int]:
        return self._count(index), self._area(index)[0]

    def _count(self, index: int) -> int:
        return len(self._images[index].annotation.instances)

    def _padded_area(self, batch: Sequence[int]) -> int:
        sizes = [self._size(i) for i in batch]
        return len(batch) * max(h for h, _ in sizes) * max(w for _, w in sizes)

    def _area_then_objects(self, batch: Sequence[int]) -> tuple[int, int]:
        return self._padded_area(batch), sum(map(self._count, batch))

    def _objects_first(self, batch: Sequence[int]) -> tuple[int, int]:
        return sum(map(self._count, batch)), self._padded_area(batch)


def _is_upright(image: FrozenImage) -> bool:
    return image.annotation.height > image.annotation.width
