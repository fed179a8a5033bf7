"""From evidence to findings: each rule is a function of the evidence alone.

What validation lacks of a perfect AP50 is the sum of two parts: what even the images lack that were learned from, and
the gap between the two sets.  The larger part decides between more training and more data (Ng, "Machine Learning
Yearning", ch. 20-25: bias and variance).  A difference counts when its interval leaves 0 out, a trend when chance makes
it less than one time in twenty, and a part when it is a tenth of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from engine.review.diagnosis import wording
from engine.review.diagnosis.evidence import ClassEvidence, Evidence
from engine.review.diagnosis.findings import Finding, Verdict
from engine.review.diagnosis.trends import FEWEST_POINTS, expected_rise, falls, later_half, rises
from engine.review.preflight.classes import IMBALANCE

TENTH = 0.1  # what is less than a tenth of the whole is not its cause
# A network as sure of its errors as of the rest has half of them above the mean score of the rest; an unsure one, none.
INSISTS = 0.25

Rule = Callable[[Evidence], Finding | None]


def findings_of(evidence: Evidence) -> tuple[Finding, ...]:
    """What holds, the weightiest first; never empty."""
    found = [f for f in (rule(evidence) for rule in RULES) if f is not None]
    if found:
        return tuple(sorted(found, key=lambda f: -f.weight))
    if evidence.missing < TENTH or max(evidence.gap.value, evidence.unlearned) < TENTH:
        return (Finding(Verdict.FINE, 0.0, *wording.fine(evidence)),)
    return (Finding(Verdict.UNCLEAR, 0.0, *wording.unclear(evidence)),)


def needs_data(e: Evidence) -> Finding | None:
    """Good on the images learned from, bad on others: the gap is real, and the larger part of what is missing."""
    if e.gap.low <= 0 or e.gap.value < max(TENTH, e.unlearned):
        return None
    return Finding(Verdict.NEEDS_DATA, e.gap.value, *wording.needs_data(e))


def undertrained(e: Evidence) -> Finding | None:
    """AP was still rising when training ended, or training was too short to say, or the loss was still falling."""
    if e.missing < TENTH:
        return None
    if still_gains(e):
        gain = rise_to_expect(e)
        return Finding(Verdict.UNDERTRAINED, gain, *wording.still_rising(e, gain))
    if not learns_badly(e):
        return None
    if is_short(e):
        return Finding(Verdict.UNDERTRAINED, e.unlearned, *wording.too_short(e))
    if not contradicts(e) and falls(later_half(e.loss_curve)):
        return Finding(Verdict.UNDERTRAINED, e.unlearned, *wording.loss_falling(e))
    return None


def label_problems(e: Evidence) -> Finding | None:
    """Trained long, AP stays low on the very images learned from, and the network insists on its errors."""
    if e.missing < TENTH or not learns_badly(e) or is_short(e) or still_gains(e) or not contradicts(e):
        return None
    return Finding(Verdict.LABELS, e.unlearned, *wording.label_problems(e))


def underfit(e: Evidence) -> Finding | None:
    """Trained until nothing moved, AP stays low on the images learned from, and no contradiction explains it."""
    if e.missing < TENTH or not learns_badly(e) or is_short(e) or still_gains(e) or contradicts(e):
        return None
    if falls(later_half(e.loss_curve)):
        return None
    return Finding(Verdict.UNDERFIT, e.unlearned, *wording.underfit(e))


def overfit(e: Evidence) -> Finding | None:
    """Validation fell after its best epoch while the training loss went on falling."""
    if e.fall is None or e.fall.low <= 0 or e.fall.value < TENTH * (e.missing + e.fall.value):
        return None
    best = best_epoch(e)
    after = [p for p in e.curve if best is not None and p.epoch > best]
    val = [p.ap50 for p in after if p.ap50 is not None]
    loss = [p.loss for p in after if p.loss is not None]
    if not falls(val) or not falls(loss):
        return None
    return Finding(Verdict.OVERFIT, e.fall.value, *wording.overfit(e, best or 0))


def imbalance(e: Evidence) -> Finding | None:
    """Classes with a tenth of the objects of the commonest are found worse than the others."""
    rare, common = rare_classes(e)
    if e.missing < TENTH or not rare or not common:
        return None
    usual = fmean(c.val_ap50 or 0.0 for c in common)
    lost = sum(max(0.0, usual - (c.val_ap50 or 0.0)) for c in rare) / (len(rare) + len(common))
    if lost < TENTH * e.missing:
        return None
    return Finding(Verdict.IMBALANCE, lost, *wording.imbalance(e, rare, usual))


def anchors(e: Evidence) -> Finding | None:
    """No anchor meets many of the objects, and not even the training images are learned well."""
    if e.anchors is None or e.missing < TENTH or not learns_badly(e) or e.anchors.unmatched < TENTH:
        return None
    return Finding(Verdict.ANCHORS, min(e.anchors.unmatched, e.unlearned), *wording.anchors(e.anchors))


RULES: tuple[Rule, ...] = (undertrained, needs_data, overfit, label_problems, underfit, imbalance, anchors)


# --- what the rules ask ---------------------------------------------------------------------------------------------


def learns_badly(e: Evidence) -> bool:
    """Whether more than a tenth is missing on the very images that were learned from."""
    return e.unlearned >= TENTH


def is_short(e: Evidence) -> bool:
    """Whether too few epochs were validated for a curve to show that it has levelled off."""
    return len(e.val_curve) < FEWEST_POINTS


def rise_to_expect(e: Evidence) -> float:
    """What as many epochs again would add to AP50 on validation; 0 when it did not rise over the later half of them."""
    return expected_rise(e.val_curve) if rises(later_half(e.val_curve)) else 0.0


def still_gains(e: Evidence) -> bool:
    """Whether as many epochs again would add a tenth of what is missing."""
    return rise_to_expect(e) >= TENTH * e.missing


def contradicts(e: Evidence) -> bool:
    """Whether the network is rather as sure of its errors on the images learned from as of what it gets right."""
    return e.disputes.share >= INSISTS


def best_epoch(e: Evidence) -> int | None:
    """The epoch whose checkpoint is the best one: of the highest AP, the first of equals."""
    measured = [p for p in e.curve if p.ap is not None]
    return max(measured, key=lambda p: p.ap or 0.0).epoch if measured else None


def rare_classes(e: Evidence) -> tuple[list[ClassEvidence], list[ClassEvidence]]:
    """Classes with at most a tenth of the training objects of the commonest, and the others; measured ones only."""
    most = max((c.train_objects for c in e.classes), default=0)
    measured = [c for c in e.classes if c.val_ap50 is not None]
    rare = [c for c in measured if c.train_objects * IMBALANCE <= most]
    return rare, [c for c in measured if c not in rare]
