"""Why a prediction is wrong or an instance was missed, in words for the person who looks at it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.domain.outcome import FalseReason, InstanceOutcome, MissReason, PredictionOutcome
from engine.review.quality.compared import MIN_IOU, ON_OBJECT_IOU
from engine.review.quality.holes import HoleOutcome

FALSE_TITLES: Mapping[str, str] = {
    FalseReason.DUPLICATE: "Duplicate",
    FalseReason.WRONG_CLASS: "Wrong class",
    FalseReason.POOR_MASK: "Poor mask",
    FalseReason.BACKGROUND: "Background",
}
FALSE_MEANINGS: Mapping[str, str] = {
    FalseReason.DUPLICATE: "a better prediction has found this object already",
    FalseReason.WRONG_CLASS: "it lies on an object that a person gave another class",
    FalseReason.POOR_MASK: f"it lies on an object, but shares too little with it (IoU below {MIN_IOU:g})",
    FalseReason.BACKGROUND: f"nothing is annotated there (IoU below {ON_OBJECT_IOU:g} with everything)",
}
LOW_SCORE = "low_score"
MISS_TITLES: Mapping[str, str] = {
    MissReason.NOTHING: "Nothing there",
    MissReason.POOR_MASK: "Poor mask",
    MissReason.WRONG_CLASS: "Wrong class",
    MissReason.TAKEN: "One mask for two",
    LOW_SCORE: "Low score",
}
MISS_MEANINGS: Mapping[str, str] = {
    MissReason.NOTHING: "no prediction came near it, at whatever score",
    MissReason.POOR_MASK: f"a prediction lies on it, but shares too little with it (IoU below {MIN_IOU:g})",
    MissReason.WRONG_CLASS: "a prediction of another class lies on it",
    MissReason.TAKEN: "the prediction on it fits a neighbour of its class better, and counts there",
    LOW_SCORE: "it was found, but with a lower score than is asked for",
}
_HOLES = {
    "filled": "The hole of {area} pixels is filled: no predicted hole meets it.",
    "inexact": "The hole of {area} pixels is there, but not where it should be or not as large (IoU {iou:.2f}).",
    "false": "A hole of {area} pixels that the object does not have.",
    "kept": "The hole of {area} pixels is there (IoU {iou:.2f}).",
}


def why_false(row: PredictionOutcome, owner: int | None, names: Mapping[int, str], *, of: str) -> str:
    """One sentence about a false positive.

    Args:
        owner: category of the instance it was judged by, None on background.
        names: category id to name.
        of: "mask" or "box".
    """
    what = f"This {names[row.category_id]} of score {row.score:.2f}"
    other = names.get(owner, "object") if owner is not None else "object"
    said = {
        FalseReason.DUPLICATE: f"lies on one that a better prediction has found already ({of} IoU {row.iou:.2f}).",
        FalseReason.WRONG_CLASS: f"lies on what a person calls {other} ({of} IoU {row.iou:.2f}).",
        FalseReason.POOR_MASK: f"lies on an annotated {other}, but the two share too little "
        f"({of} IoU {row.iou:.2f}; {MIN_IOU:g} is needed).",
        FalseReason.BACKGROUND: "lies where nothing is annotated. If there is an object, its annotation is missing.",
    }
    return f"{what} {said[row.reason]}" if row.reason is not None else f"{what} is right."


def why_missed(row: InstanceOutcome, guess: int | None, names: Mapping[int, str], *, of: str, min_score: float) -> str:
    """One sentence about an instance that was not found at `min_score`.

    Args:
        guess: category of the prediction that came nearest, None without one.
        names: category id to name.
        of: "mask" or "box".
    """
    what = f"This {names[row.category_id]}"
    near = f"{names.get(guess, 'prediction') if guess is not None else 'prediction'} of score {row.score:.2f}"
    iou = f"{of} IoU {row.iou:.2f}"
    if row.reason is None:
        return f"{what} was found, but only with score {row.score:.2f}; {min_score:g} is asked for."
    return {
        MissReason.NOTHING: f"{what} has no prediction on it.",
        MissReason.POOR_MASK: f"{what} has a {near} on it that shares too little ({iou}; {MIN_IOU:g} is needed).",
        MissReason.WRONG_CLASS: f"{what} was taken for a {near} ({iou}).",
        MissReason.TAKEN: f"{what} has a {near} on it ({iou}) that counts for a neighbour, which it fits better.",
    }[row.reason]


def about_hole(hole: HoleOutcome) -> str:
    """One sentence about a hole."""
    return _HOLES[hole.kind].format(area=hole.area, iou=hole.iou)
