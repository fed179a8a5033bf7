"""Where two masks of one object differ, pixel by pixel, and which of that is a matter of holes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.mask import BoxInt, Mask


@dataclass(frozen=True, slots=True)
class PixelDifference:
    """Three disjoint masks of the image's size; together they are ``truth ^ predicted``.

    Attributes:
        missed: annotated, but not predicted.
        extra: predicted, but not annotated.
        holes: predicted where the annotation has a hole, or left out where the prediction has a hole of its own.
        iou: of the two masks, in [0, 1].
    """

    missed: Mask
    extra: Mask
    holes: Mask
    iou: float


def pixel_difference(truth: Mask, predicted: Mask) -> PixelDifference:
    """Compare two masks of one image.  Only what lies in the box around both is looked at.

    Raises:
        ValueError: when the masks differ in size.
    """
    iou = truth.iou(predicted)
    box = _around(truth.box, predicted.box)
    a, b = truth.cropped(box), predicted.cropped(box)
    filled_in, left_out = (b - a) & (a.filled - a), (a - b) & (b.filled - b)
    parts = ((a - b) - left_out, (b - a) - filled_in, filled_in | left_out)
    missed, extra, holes = (part.padded(box[0], box[1], truth.height, truth.width) for part in parts)
    return PixelDifference(missed, extra, holes, iou)


def _around(a: BoxInt, b: BoxInt) -> BoxInt:
    """The box around two boxes; that of an empty mask counts for nothing."""
    there = [box for box in (a, b) if box[2] > box[0]]
    if not there:
        return (0, 0, 1, 1)
    x0, y0, x1, y1 = zip(*there, strict=True)
    return min(x0), min(y0), max(x1), max(y1)
