"""The sentences of a diagnosis: each a pair of what it rests on and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from engine.review.diagnosis.bootstrap import Estimate
from engine.review.diagnosis.disputes import Dispute, DisputeKind
from engine.review.diagnosis.evidence import AnchorEvidence, ClassEvidence, Evidence
from engine.review.preflight.findings import counted, listed

Pair = tuple[str, str]


def with_bounds(figure: Estimate) -> str:
    """ "0.81 (0.74 to 0.86)"."""
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def both_sets(e: Evidence) -> str:
    """AP50 on both sets, with intervals and numbers of images."""
    return (
        f"AP50 is {with_bounds(e.train.ap50)} on the {counted(e.train.images, 'image')} it learned from and "
        f"{with_bounds(e.val.ap50)} on {counted(e.val.images, 'validation image')}"
    )


def fine(e: Evidence) -> Pair:
    return (
        f"{both_sets(e)}. Neither what its own images lack ({max(0.0, e.unlearned):.2f}) nor the gap between the sets "
        f"({e.gap.value:.2f}) stands out.",
        "Use it: detect, and review what it predicts; what you correct goes into the next training.",
    )


def unclear(e: Evidence) -> Pair:
    return (
        f"{both_sets(e)}. With so few images the gap of {with_bounds(e.gap)} may be chance, and nothing else stands "
        "out.",
        "Put more annotated images into validation, then train and diagnose again.",
    )


def needs_data(e: Evidence) -> Pair:
    return (
        f"{both_sets(e)}. The gap of {with_bounds(e.gap)} is more than which images were drawn can explain, and the "
        f"larger part of the {e.missing:.2f} that validation lacks: it knows its images by heart, not the objects.",
        "Annotate more images, as varied as those it will meet; diagnose --learning-curve says how much twice as many "
        "would help.",
    )


def still_rising(e: Evidence, gain: float) -> Pair:
    curve = e.val_curve
    return (
        f"AP50 on validation was still rising when training ended, from {curve[len(curve) // 2]:.2f} half-way to "
        f"{curve[-1]:.2f} after {counted(len(curve), 'epoch')}; as many again would add about {gain:.2f} if it goes on "
        "like that.",
        _longer(e),
    )


def too_short(e: Evidence) -> Pair:
    epochs = counted(len(e.curve), "epoch")
    return (
        f"{both_sets(e)}: even what it learned from is not known yet, after {epochs}, too few to see whether it has "
        "stopped getting better.",
        _longer(e),
    )


def loss_falling(e: Evidence) -> Pair:
    losses = e.loss_curve
    return (
        f"{both_sets(e)}, and the training loss was still falling when training ended, from "
        f"{losses[len(losses) // 2]:.2f} half-way to {losses[-1]:.2f}.",
        _longer(e),
    )


def label_problems(e: Evidence) -> Pair:
    d = e.disputes
    other = sum(item.kind is DisputeKind.CLASS for item in d.items)
    return (
        f"AP50 stays at {with_bounds(e.train.ap50)} on the very images it learned from, after "
        f"{counted(len(e.curve), 'epoch')}. It insists on {len(d.items)} of {d.errors} errors there as firmly as on "
        f"what it gets right: {counted(other, 'object')} of another class, {counted(len(d.items) - other, 'object')} "
        "where nothing is annotated.",
        f"Look at these places first, in {counted(len(d.images), 'image')}: correct the class, or draw what was "
        "forgotten; where both are right, write down what parts the classes, and hold to it. Then train again.",
    )


def underfit(e: Evidence) -> Pair:
    return (
        f"AP50 stays at {with_bounds(e.train.ap50)} on the very images it learned from, though neither AP nor the "
        f"loss moved over the later half of {counted(len(e.curve), 'epoch')}.",
        "Let it learn more: a larger image size for small objects (--set image_size=…), more layers (a stage “all”), a "
        "higher learning rate; advise and preflight say what the objects lose at the present size.",
    )


def overfit(e: Evidence, best: int) -> Pair:
    fall = e.fall or Estimate(0.0, 0.0, 0.0)
    return (
        f"After epoch {best} AP50 on validation fell by {with_bounds(fall)} while the training loss went on falling.",
        f"Detect with the best epoch ({best}), as “best” does; train with augmentation, for fewer epochs, or on more "
        "images.",
    )


def imbalance(e: Evidence, rare: Sequence[ClassEvidence], usual: float) -> Pair:
    most = max(e.classes, key=lambda c: c.train_objects)
    words = listed([f"“{c.name}” ({c.train_objects:,}, AP50 {c.val_ap50 or 0.0:.2f})" for c in rare])
    return (
        f"“{most.name}” has {most.train_objects:,} objects to learn from, {words}; the others reach {usual:.2f} on "
        "average.",
        f"Annotate more of {listed([f'“{c.name}”' for c in rare])}, or give classes that need not be told apart one "
        "name.",
    )


def anchors(a: AnchorEvidence) -> Pair:
    evidence = (
        f"No anchor of {', '.join(map(str, a.sizes))} pixels overlaps {a.unmatched:.0%} of the training objects by "
        "half, so that they are hardly proposed."
    )
    if a.better is None or a.better_unmatched is None:
        return evidence, "Other sizes fit no better: try a larger image size (--set image_size=…), or detect in tiles."
    sizes = ",".join(map(str, a.better))
    return f"{evidence} With {sizes} it would be {a.better_unmatched:.0%}.", f"Train with --set anchor_sizes={sizes}."


def dispute(item: Dispute, e: Evidence, image: str) -> str:
    """One contradiction in a line."""
    found = e.names.get(item.category_id, "?")
    if item.kind is DisputeKind.MISSING:
        return f"{image}: {found} with score {item.score:.2f} where nothing is annotated"
    return f"{image}: {found} with score {item.score:.2f}, annotated as {e.names.get(item.said_id or 0, '?')}"


def _longer(e: Evidence) -> str:
    if len(e.curve) < e.planned_epochs:
        return f"Go on with it: only {len(e.curve)} of {counted(e.planned_epochs, 'epoch')} are done (train --resume)."
    return f"Train for more epochs: twice the {e.planned_epochs} is a start, then diagnose again."
