"""Findings on single objects: what training leaves out, what the anchors miss, what the mask's grid cannot hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from engine.project.dataset import FrozenImage
from engine.review.preflight.findings import Finding, FindingKind, FindingLevel, counted, finding, listed
from engine.review.preflight.fit import ANCHOR_SIZES, LARGEST_INPUT, Fit, fit_of

Progress = Callable[[int, int], None]

# A pasted target with less than half of the object in common is counted as a miss by every COCO measure.
_LEAST_IOU = 0.5
# From this share of all objects on, what the anchors miss is more than a few exceptions.
_MANY_SMALL = 0.1
_PLACES_SHOWN = 3
_MOST = 0.8  # the size that is named suffices for this share of the small objects


def object_findings(
    images: Sequence[FrozenImage],
    *,
    image_size: int,
    names: Mapping[int, str],
    anchors: Sequence[int] = ANCHOR_SIZES,
    progress: Progress | None = None,
) -> list[Finding]:
    """What the objects of `images` lose on their way into a network of that input size.

    Args:
        anchors: its anchors' sides in input pixels, rising.
        names: class names by category id.
        progress: called with (images looked at, images in all).
    """
    fits: list[Fit] = []
    for done, image in enumerate(images):
        if progress is not None:
            progress(done, len(images))
        fits += [fit_of(image, instance, image_size, anchors) for instance in image.annotation.instances]
    found = (
        _degenerate([f for f in fits if f.degenerate], image_size, names),
        _too_small([f for f in fits if f.helpful_size], len(fits), image_size, anchors[0]),
        _shape_lost([f for f in fits if f.shape_iou < _LEAST_IOU and not f.degenerate], names),
        _hole_lost([f for f in fits if f.holes_lost and f.shape_iou >= _LEAST_IOU], names),
    )
    return [f for f in found if f is not None]


def _degenerate(fits: Sequence[Fit], image_size: int, names: Mapping[int, str]) -> Finding | None:
    if not fits:
        return None
    text = (
        f"{counted(len(fits), 'object is', 'objects are')} less than a pixel at {image_size} pixels and left out: "
        f"{_where(fits, names)}. Remove what is only a speck, or choose a larger image size."
    )
    return _about(FindingKind.DEGENERATE, FindingLevel.WARN, text, fits)


def _too_small(fits: Sequence[Fit], total: int, image_size: int, smallest: int) -> Finding | None:
    if not fits:
        return None
    level = FindingLevel.WARN if len(fits) >= _MANY_SMALL * total else FindingLevel.NOTE
    text = (
        f"{len(fits):,} of {counted(total, 'object')} {'is' if len(fits) == 1 else 'are'} too small at {image_size} "
        f"pixels for the smallest anchor ({smallest} pixels) and easily missed; {_remedy(fits)}."
    )
    return _about(FindingKind.TOO_SMALL, level, text, fits)


def _remedy(fits: Sequence[Fit]) -> str:
    sizes = sorted(f.helpful_size for f in fits)
    size = sizes[int(_MOST * (len(sizes) - 1) + 0.999)]
    if size > LARGEST_INPUT:
        return f"even {LARGEST_INPUT} pixels would not help most of them: cut the images into tiles"
    enough = sum(s <= size for s in sizes)
    whom = "it" if len(sizes) == 1 else "all" if enough == len(sizes) else f"{enough:,} of them"
    return f"an image size of {size} would do for {whom}"


def _shape_lost(fits: Sequence[Fit], names: Mapping[int, str]) -> Finding | None:
    if not fits:
        return None
    text = (
        f"{counted(len(fits), 'object loses its', 'objects lose their')} shape in the network's 28 x 28 masks "
        f"(IoU below {_LEAST_IOU}): {_where(fits, names)}. A larger image size helps small ones; long thin ones can be "
        "drawn in pieces."
    )
    return _about(FindingKind.SHAPE_LOST, FindingLevel.WARN, text, fits)


def _hole_lost(fits: Sequence[Fit], names: Mapping[int, str]) -> Finding | None:
    if not fits:
        return None
    text = (
        f"{counted(len(fits), 'object loses a hole', 'objects lose holes')} in the network's 28 x 28 masks: "
        f"{_where(fits, names)}. Predictions will show these holes closed."
    )
    return _about(FindingKind.HOLE_LOST, FindingLevel.WARN, text, fits)


def _about(kind: FindingKind, level: FindingLevel, text: str, fits: Sequence[Fit]) -> Finding:
    ids = (f.instance.id for f in fits)
    return finding(kind, level, text, images=(f.image for f in fits), count=len(fits), instance_ids=ids)


def _where(fits: Sequence[Fit], names: Mapping[int, str]) -> str:
    """ "nut in 3.jpg, 2 times ring in 4.jpg and 5 more"; the number counts objects."""
    places = Counter(f"{names.get(f.instance.category_id, '?')} in {f.image.path.name}" for f in fits)
    shown = list(places.items())[:_PLACES_SHOWN]
    more = len(fits) - sum(count for _, count in shown)
    words = [place if count == 1 else f"{count} times {place}" for place, count in shown]
    return f"{', '.join(words)} and {more:,} more" if more else listed(words)
