"""Why objects of a split are missed: every image traced, every missed object followed back to the step that lost it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.domain.annotation import Annotation
from engine.prediction.predictor import Predictor
from engine.review.miss_stages import explain_misses
from engine.review.missed import Miss, MissReport, MissRule


def find_misses(
    predictor: Predictor, images: Iterable[tuple[Path, Annotation]], rule: MissRule | None = None
) -> MissReport:
    """Trace `images` one after another and explain every object that the predictor misses.

    One trace is in memory at a time.

    Raises:
        ImageReadError: when a file cannot be read.
    """
    rule = rule or MissRule()
    names: dict[int, str] = {}
    objects: Counter[int] = Counter()
    misses: list[Miss] = []
    for path, annotation in images:
        trace = predictor.trace(path, annotation.image_id)
        names[annotation.image_id] = path.name
        objects.update(i.category_id for i in annotation)
        misses += explain_misses(trace, annotation, rule)
    return MissReport(rule, names, dict(sorted(objects.items())), tuple(misses))
