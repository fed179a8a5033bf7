"""Why an object was missed, in a sentence, and what helps against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.review.missed import BoxEvidence, Miss, MissStage

TITLES: dict[MissStage, str] = {
    MissStage.UNKNOWN_CLASS: "class never learned",
    MissStage.NO_ANCHOR: "no anchor",
    MissStage.PROPOSAL_BOX: "proposal's box",
    MissStage.PROPOSAL_SCORE: "proposal's score",
    MissStage.PROPOSAL_NMS: "NMS of proposals",
    MissStage.PROPOSAL_LIMIT: "limit of proposals",
    MissStage.BACKGROUND: "taken for background",
    MissStage.OTHER_CLASS: "taken for another class",
    MissStage.SCORE: "score threshold",
    MissStage.BOX: "box",
    MissStage.NMS: "NMS of detections",
    MissStage.LIMIT: "limit of detections",
    MissStage.MASK: "mask",
    MissStage.TAKEN: "found for another object",
}
ADVICE: dict[MissStage, str] = {
    MissStage.UNKNOWN_CLASS: "Train again with this class.",
    MissStage.NO_ANCHOR: "Set anchor sizes that fit (advise measures them), or detect at a larger size.",
    MissStage.PROPOSAL_BOX: "Train longer, and on more objects of that size and shape.",
    MissStage.PROPOSAL_SCORE: "Train longer, and on more objects like it.",
    MissStage.PROPOSAL_NMS: "Objects stand close together: label more such places.",
    MissStage.PROPOSAL_LIMIT: "More objects or clutter than proposals: look at parts of the image (tiles).",
    MissStage.BACKGROUND: "Label more objects like it, and check that none is left unlabelled in training images.",
    MissStage.OTHER_CLASS: "Check the labels of both classes, and label more of the rarer one.",
    MissStage.SCORE: "Lower the threshold, or train longer.",
    MissStage.BOX: "Train longer, and on more objects of that size and shape.",
    MissStage.NMS: "Raise the NMS threshold: objects overlap more than it allows.",
    MissStage.LIMIT: "Allow more detections an image.",
    MissStage.MASK: "Check the outlines of such objects, and train longer.",
    MissStage.TAKEN: "Two annotations lie on one object, or the network takes two objects for one.",
}


def miss_words(miss: Miss, categories: Mapping[int, str]) -> str:
    """What happened to the object, with the numbers that show it; `categories` are names by id."""
    return _SENTENCES[miss.stage](miss, categories)


def _unknown_class(miss: Miss, categories: Mapping[int, str]) -> str:
    return f"The network does not know the class {_name(miss.category_id, categories)}."


def _no_anchor(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"No anchor fits it: the best overlaps its box by {f['anchor_iou']:.2f} ({f['min_iou']:g} needed), after"
        f" regression by {f['regressed_iou']:.2f}. It is {f['input_width']:.0f} x {f['input_height']:.0f} pixels of"
        " the input."
    )


def _proposal_box(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"An anchor overlaps its box by {f['anchor_iou']:.2f}, but regression made no box that overlaps it by more than"
        f" {f['regressed_iou']:.2f} ({f['min_iou']:g} needed)."
    )


def _proposal_score(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"The best of its boxes scores {f['score']:.3f}, number {f['rank']:.0f} of its level: {f['pre_nms']:.0f} go on,"
        f" down to {f['cutoff']:.3f}."
    )


def _proposal_nms(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"Its best proposal ({f['score']:.3f}) was suppressed by {_of(miss.rival)}, which overlaps that by"
        f" {f['iou']:.2f} ({f['rpn_nms_threshold']:g} allowed)."
    )


def _proposal_limit(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return f"Its best proposal ({f['score']:.3f}) is number {f['rank']:.0f}; {f['post_nms']:.0f} go on."


def _background(miss: Miss, categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"A ROI overlaps its box by {f['roi_iou']:.2f}, after regression by {f['box_iou']:.2f}, but is taken for"
        f" background ({f['background']:.2f}; {_name(miss.category_id, categories)} {f['score']:.2f})."
    )


def _other_class(miss: Miss, categories: Mapping[int, str]) -> str:
    f = miss.facts
    other = miss.rival
    named = f"{_name(other.category_id, categories)} ({other.score:.2f}" if other is not None else "another class ("
    return (
        f"A ROI overlaps its box by {f['roi_iou']:.2f}, after regression by {f['box_iou']:.2f}, but is taken for"
        f" {named}; {_name(miss.category_id, categories)} {f['score']:.2f})."
    )


def _score(miss: Miss, _categories: Mapping[int, str]) -> str:
    return f"It was seen with a score of {miss.facts['score']:.2f}, below {miss.facts['min_score']:g}."


def _box(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"A ROI of its class ({f['score']:.2f}) overlaps its box by {f['roi_iou']:.2f}, after regression by"
        f" {f['box_iou']:.2f}."
    )


def _nms(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return (
        f"Its box ({f['score']:.2f}) was suppressed by {_of(miss.rival)}, which overlaps that by {f['iou']:.2f}"
        f" ({f['nms_threshold']:g} allowed)."
    )


def _limit(miss: Miss, _categories: Mapping[int, str]) -> str:
    f = miss.facts
    return f"Its box ({f['score']:.2f}) is number {f['rank']:.0f}; {f['max_detections']:.0f} are kept."


def _mask(miss: Miss, _categories: Mapping[int, str]) -> str:
    if "mask_iou" not in miss.facts:
        return f"Its box ({miss.facts['score']:.2f}) was left without a mask."
    f = miss.facts
    return f"Its mask overlaps it by only {f['mask_iou']:.2f} ({f['min_iou']:g} needed), its box by {f['box_iou']:.2f}."


def _taken(_miss: Miss, _categories: Mapping[int, str]) -> str:
    return "The only detection on it is the one that another object was found by."


_SENTENCES: dict[MissStage, Callable[[Miss, Mapping[int, str]], str]] = {
    MissStage.UNKNOWN_CLASS: _unknown_class,
    MissStage.NO_ANCHOR: _no_anchor,
    MissStage.PROPOSAL_BOX: _proposal_box,
    MissStage.PROPOSAL_SCORE: _proposal_score,
    MissStage.PROPOSAL_NMS: _proposal_nms,
    MissStage.PROPOSAL_LIMIT: _proposal_limit,
    MissStage.BACKGROUND: _background,
    MissStage.OTHER_CLASS: _other_class,
    MissStage.SCORE: _score,
    MissStage.BOX: _box,
    MissStage.NMS: _nms,
    MissStage.LIMIT: _limit,
    MissStage.MASK: _mask,
    MissStage.TAKEN: _taken,
}


def _of(rival: BoxEvidence | None) -> str:
    if rival is None:
        return "another"
    return f"{rival.kind} {rival.index} ({rival.score:.3f}; it overlaps the object by {rival.iou:.2f})"


def _name(category_id: int | None, categories: Mapping[int, str]) -> str:
    return f"“{categories.get(category_id, '?')}”" if category_id is not None else "another class"
