"""Batches through the network: files are read ahead of it, masks are cut out behind it, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from engine.config import DetectConfig
from engine.errors import UserError
from engine.model.device import Device
from engine.model.inference import RawBatch, cut_out, run_network
from engine.model.mask_rcnn import MaskRCNN
from engine.prediction.work import Found, Image, Job
from engine.training.recovery import is_out_of_memory

_Read = list[Image | UserError]


@dataclass
class Pipeline:
    """A network that looks at jobs, batch by batch.

    Attributes:
        category_ids: category of each network label, starting with label 1.
        batch_size: the largest batch that was found to fit; lowered when memory runs out.
    """

    network: MaskRCNN
    device: Device
    category_ids: Sequence[int]
    batch_size: int

    def look(
        self, batches: Iterable[Sequence[Job]], *, config: DetectConfig, cancelled: Callable[[], bool]
    ) -> Iterator[list[Found]]:
        """What was found in each job of each batch, or why it could not be read; in order.

        `batches` is gone through in the caller's thread.  When `cancelled`, what is on its way still comes out.
        """
        source = iter(batches)
        with ThreadPoolExecutor(2, thread_name_prefix="detect") as pool:
            coming = _ahead(pool, source)
            leaving: Future[list[Found]] | None = None
            while coming is not None and not cancelled():
                jobs, read = coming[0], coming[1].result()
                coming = _ahead(pool, source)
                raw = self._run([pixels for pixels in read if not isinstance(pixels, UserError)], config)
                if leaving is not None:
                    yield leaving.result()
                leaving = pool.submit(self._cut, jobs, read, raw, config)
            if leaving is not None:
                yield leaving.result()

    def _run(self, images: Sequence[Image], config: DetectConfig) -> RawBatch:
        """The network on `images`, in halves when memory runs out."""
        if not images:
            return RawBatch([], [])
        try:
            return run_network(self.network, self.device, images, config=config)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(images) == 1:
                raise UserError(
                    "There is not enough memory to look at an image of this size.",
                    hint="Look at it in tiles (--tile 512), or use the CPU.",
                ) from error
        self.device.release_memory()
        half = self.batch_size = (len(images) + 1) // 2
        first, second = self._run(images[:half], config), self._run(images[half:], config)
        return RawBatch(first.found + second.found, first.sizes + second.sizes)

    def _cut(self, jobs: Sequence[Job], read: _Read, raw: RawBatch, config: DetectConfig) -> list[Found]:
        good = [(job, pixels) for job, pixels in zip(jobs, read, strict=True) if not isinstance(pixels, UserError)]
        shapes = [(pixels.shape[0], pixels.shape[1]) for _, pixels in good]
        ids = [job.image_id for job, _ in good]
        found = iter(cut_out(raw, shapes, ids, category_ids=self.category_ids, config=config))
        return [pixels if isinstance(pixels, UserError) else next(found) for pixels in read]


def _ahead(pool: ThreadPoolExecutor, source: Iterator[Sequence[Job]]) -> tuple[Sequence[Job], Future[_Read]] | None:
    """The next batch, on its way to be read."""
    jobs = next(source, None)
    return None if jobs is None else (jobs, pool.submit(_read, jobs))


def _read(jobs: Sequence[Job]) -> _Read:
    read: _Read = []
    for job in jobs:
        try:
            read.append(job.read())
        except UserError as error:
            read.append(error)
    return read
