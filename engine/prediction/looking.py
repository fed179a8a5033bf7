"""From images to what is in them: whole in batches of one shape, or in tiles, whichever the configuration says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from engine.config import DetectConfig
from engine.domain.prediction import Detections
from engine.errors import UserError
from engine.prediction.batching import grouped, padded_input
from engine.prediction.merging import TileFindings, merge
from engine.prediction.pipeline import Pipeline
from engine.prediction.tiling import Tile, tile_side, tiles_of
from engine.prediction.work import Found, ImageResult, Item, Job

Cancelled = Callable[[], bool]


def look_at(
    pipeline: Pipeline, items: Iterable[Item], *, config: DetectConfig, cancelled: Cancelled
) -> Iterator[list[ImageResult]]:
    """What came of `items`, a batch at a time (some are empty), not in their order; ends early when `cancelled`."""
    going: deque[list[Item]] = deque()
    tiled: deque[Item] = deque()
    batches = _jobs(pipeline, items, config, going, tiled)
    for found in pipeline.look(batches, config=config, cancelled=cancelled):
        yield [ImageResult(item, each) for item, each in zip(going.popleft(), found, strict=True)]
        while tiled and not cancelled():
            yield _in_tiles(pipeline, tiled.popleft(), config, cancelled)


def _jobs(
    pipeline: Pipeline, items: Iterable[Item], config: DetectConfig, going: deque[list[Item]], tiled: deque[Item]
) -> Iterator[list[Job]]:
    """Batches of whole images, noted in `going`; an image that needs tiles goes to `tiled`, with an empty batch."""
    for batch in grouped(items, size=lambda: pipeline.batch_size, key_of=partial(_key_of, pipeline, config)):
        large = [item for item in batch if len(_tiles(pipeline, config, item)) > 1]
        whole = [] if large else batch  # such an image has no key, so it comes alone
        tiled += large
        going.append(whole)
        yield [Job(item.image_id, item.pixels) for item in whole]


def _key_of(pipeline: Pipeline, config: DetectConfig, item: Item) -> tuple[int, int] | None:
    """What images have in common that share a batch; None goes alone."""
    if item.shape is None or len(_tiles(pipeline, config, item)) > 1:
        return None
    return padded_input(pipeline.network.architecture, *item.shape)


def _tiles(pipeline: Pipeline, config: DetectConfig, item: Item) -> tuple[Tile, ...]:
    side = tile_side(config, pipeline.network.architecture)
    if not side or item.shape is None:
        return ()
    return tiles_of(*item.shape, side=side, overlap=config.overlap)


def _in_tiles(pipeline: Pipeline, item: Item, config: DetectConfig, cancelled: Cancelled) -> list[ImageResult]:
    """The result of one large image; none when it was `cancelled` half-way."""
    tiles = _tiles(pipeline, config, item)
    try:
        regions = item.regions()
    except UserError as error:
        return [ImageResult(item, error)]
    jobs = (Job(item.image_id, partial(regions.read, tile.box)) for tile in tiles)
    batches = grouped(jobs, size=lambda: pipeline.batch_size, key_of=lambda _: regions.height)
    parts = config.model_copy(update={"min_area": 0})  # a piece of an object may be small
    found = [each for batch in pipeline.look(batches, config=parts, cancelled=cancelled) for each in batch]
    if len(found) < len(tiles):
        return []
    return [ImageResult(item, _merged(tiles, found, item.image_id, (regions.height, regions.width), config))]


def _merged(
    tiles: Sequence[Tile], found: Sequence[Found], image_id: int, shape: tuple[int, int], config: DetectConfig
) -> Found:
    parts = []
    for tile, each in zip(tiles, found, strict=True):
        if isinstance(each, UserError):
            return each
        parts.append(TileFindings(tile, each))
    height, width = shape
    across = config.nms_scope == "all"
    whole = merge(parts, image_id=image_id, height=height, width=width, across_classes=across)
    large = tuple(p for p in whole.predictions if p.area >= config.min_area)
    return Detections(image_id, height, width, large)
