"""Why predictions are shown as one group, in words for the person who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.domain.prediction import Prediction
from engine.review.candidates import Overlap, area
from engine.review.relations import Kind


def reason_for(
    kind: Kind,
    keeper: Prediction,
    others: Sequence[tuple[Prediction, Overlap]],
    categories: Mapping[int, str],
    *,
    scored: bool,
    forbidden: bool = False,
) -> str:
    """One or two sentences: what overlaps by how much, from which ROIs, and what is suggested.

    Args:
        kind: the group's kind.
        keeper: the suggested one.
        others: the rest, each with its overlap with the keeper; at least one.
        categories: category id to name.
        scored: False for a person's labels, which have neither scores nor ROIs.
        forbidden: a person said that no object is of both classes.
    """
    what = "mask" if keeper.mask is not None and all(o.mask is not None for o, _ in others) else "box"
    if kind != "part-of":
        first = _same(keeper, others, categories, what, scored)
    else:
        first = "; ".join(_part(keeper, other, overlap, categories, what, scored) for other, overlap in others)
    sentences = (
        f"{first}.",
        _rois(keeper, others) if scored else "",
        _advice(kind, keeper, others, categories, scored, forbidden),
    )
    return " ".join(filter(None, sentences))


def _same(
    keeper: Prediction,
    others: Sequence[tuple[Prediction, Overlap]],
    categories: Mapping[int, str],
    what: str,
    scored: bool,
) -> str:
    named = [_named(keeper, categories, scored), *(_named(o, categories, scored) for o, _ in others)]
    ious = [f"{o.iou:.2f}" for _, o in others]
    verb = "are on" if scored else "are labelled on"
    return f"{_listed(named)} {verb} the same object ({what} IoU {_listed(ious)})"


def _part(
    keeper: Prediction, other: Prediction, shared: Overlap, categories: Mapping[int, str], what: str, scored: bool
) -> str:
    small, large = (_named(item, categories, scored) for item in sorted((keeper, other), key=area))
    return f"{100 * shared.containment:.0f} % of {small} lies inside {large} ({what} IoU {shared.iou:.2f})"


def _rois(keeper: Prediction, others: Sequence[tuple[Prediction, Overlap]]) -> str:
    rois = [keeper.roi, *(o.roi for o, _ in others)]
    if min(rois) < 0:
        return ""
    distinct = len(set(rois))
    if distinct == 1:
        count = "Both" if len(rois) == 2 else f"All {len(rois)}"
        return f"{count} come from one ROI: the network saw one object and could not settle its class."
    number = {2: "two", 3: "three"}.get(distinct, str(distinct))
    return f"They come from {number} ROIs: {number} proposals lie on this object."


def _advice(
    kind: str,
    keeper: Prediction,
    others: Sequence[tuple[Prediction, Overlap]],
    categories: Mapping[int, str],
    scored: bool,
    forbidden: bool,
) -> str:
    if kind == "part-of" and not forbidden:
        return "Both may be right if one is a part of the other."
    why = "the highest score" if scored else "the largest" if area(keeper) > max(area(o) for o, _ in others) else ""
    rule = "No object may be both, so it was decided for these classes. " if forbidden else ""
    return f"{rule}Suggested: keep {categories.get(keeper.category_id, '?')}{', ' + why if why else ''}."


def _named(item: Prediction, categories: Mapping[int, str], scored: bool) -> str:
    name = categories.get(item.category_id, f"class {item.category_id}")
    return f"{name} {item.score:.2f}" if scored else name


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
