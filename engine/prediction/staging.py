"""Detections on a project's images, staged in their run's database as they come; a killed one goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.domain.prediction import Detections
from engine.prediction.predictor import Predictor, in_order
from engine.prediction.work import ImageResult, Item
from engine.project.predictions import PredictionStore

_BESIDE_THE_POINT = {"batch_size", "device"}  # they change when something is found, not what


def stage(
    store: PredictionStore,
    predictor: Predictor,
    images: Iterable[tuple[int, Path]],
    *,
    fresh: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[ImageResult]:
    """What came of each of ``(image id, file)``, stored before it is told; not in their order.

    What the same weights found in the same files with the same settings is not looked for again: it is
    `kept` and comes first.

    Args:
        fresh: look at everything again.
    """
    items = [Item.of(index, image_id, path) for index, (image_id, path) in enumerate(images)]
    keys = {item.image_id: _key(predictor, item) for item in items}
    known = {} if fresh else store.keys(predictor.epoch)
    kept = [item for item in items if keys[item.image_id] and known.get(item.image_id) == keys[item.image_id]]
    store.touch([item.image_id for item in kept], predictor.epoch)
    for item in kept:
        yield ImageResult(item, store.detections(item.image_id, predictor.epoch), kept=True)
    done = {item.index for item in kept}
    missing = [item for item in items if item.index not in done]
    named = ((item.image_id, item.source) for item in missing)
    for result in predictor.results(named, cancelled=cancelled):
        item, found = missing[result.item.index], result.found
        if isinstance(found, Detections):
            store.add(found, predictor.epoch, key=keys[item.image_id])
            found = store.detections(item.image_id, predictor.epoch)
        yield replace(result, item=item, found=found)


def detect_into(
    store: PredictionStore,
    predictor: Predictor,
    images: Iterable[tuple[int, Path]],
    *,
    fresh: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Detections]:
    """Like :func:`stage`, in the order of `images`.

    Raises:
        UserError: at the first image that cannot be looked at.
    """
    return in_order(stage(store, predictor, images, fresh=fresh, cancelled=cancelled))


def _key(predictor: Predictor, item: Item) -> str:
    """Equal for equal weights, settings and files; "" when that cannot be told."""
    try:
        file = Path(item.source).stat() if isinstance(item.source, Path) else None
    except OSError:
        return ""
    if file is None or not predictor.weights_hash:
        return ""
    settings = predictor.config.model_dump_json(exclude=_BESIDE_THE_POINT)
    facts = f"{predictor.weights_hash} {settings} {file.st_size} {file.st_mtime_ns}"
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()
