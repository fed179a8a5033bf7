"""One image as it is when only predictions from a score on count; the overlaps are not measured again."""

from __future__ import annotations

from dataclasses import replace

from engine.review.quality.compared import ComparedImage


def from_score(image: ComparedImage, min_score: float) -> ComparedImage:
    """`image` without the predictions below `min_score`."""
    kept = [k for k, p in enumerate(image.predictions) if p.score >= min_score]
    place = {old: new for new, old in enumerate(kept)}
    return replace(
        image,
        predictions=tuple(image.predictions[k] for k in kept),
        keys=tuple(image.keys[k] for k in kept),
        overlaps={(place[k], t): shared for (k, t), shared in image.overlaps.items() if k in place},
    )
