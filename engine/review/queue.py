"""What to look at next: everything that may be wrong or is worth a label, the most worthwhile first.

Each kind has a worth, and what speaks for the single case, its strength in [0, 1], takes it from one half of that to
the whole.  The order of the worths follows what one look can change: a contradiction between a person and the network
is an error for sure, a hint is only likely to be one, and an image that nobody has seen may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from engine.domain.outcome import FalseReason, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.pair_policy import pair_of
from engine.domain.prediction import Prediction
from engine.project.records import Verdict
from engine.review.overlaps import Group
from engine.review.quality.wording import why_false, why_missed
from engine.review.queue_evidence import ImageEvidence, Knowledge

DEFAULT_THRESHOLD = 0.5
NEAR = 0.15  # scores that far from the threshold are close calls
RARE_SHARE = 1 / 3  # of the classes' mean: a class with fewer instances is rare
_DECIDED = (Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.REJECTED)


class QueueKind(StrEnum):
    """Why something is in the queue."""

    WRONG_CLASS = "wrong-class"
    SAME_OBJECT = "same-object"
    SPURIOUS = "spurious"
    MISSED = "missed"
    DUPLICATE = "duplicate"
    POOR_MASK = "poor-mask"
    RARE_CLASS = "rare-class"
    UNCERTAIN = "uncertain"
    PART_OF = "part-of"
    UNSEEN = "unseen"


WORTH: Mapping[QueueKind, float] = {
    QueueKind.WRONG_CLASS: 1.0,  # one of the two errs; stronger the surer the network is
    QueueKind.SAME_OBJECT: 0.9,  # one of the classes is wrong; stronger the closer the scores are
    QueueKind.SPURIOUS: 0.8,  # a label is missing, or the network dreams; stronger the surer it is
    QueueKind.MISSED: 0.7,  # unlike what was learned, or a wrong label; stronger the less there was on it
    QueueKind.DUPLICATE: 0.65,  # one object twice; stronger the more the two coincide
    QueueKind.POOR_MASK: 0.6,  # one of the masks is wrong; stronger the less they share
    QueueKind.RARE_CLASS: 0.5,  # a label of a class that has few; stronger the fewer there are
    QueueKind.UNCERTAIN: 0.45,  # the network cannot tell; stronger the nearer to the threshold
    QueueKind.PART_OF: 0.4,  # often right; stronger the closer the scores are
    QueueKind.UNSEEN: 0.3,  # nothing speaks for this image but that nothing is known of it
}
_FALSE = {
    FalseReason.WRONG_CLASS: QueueKind.WRONG_CLASS,
    FalseReason.BACKGROUND: QueueKind.SPURIOUS,
    FalseReason.DUPLICATE: QueueKind.DUPLICATE,
    FalseReason.POOR_MASK: QueueKind.POOR_MASK,
}


@dataclass(frozen=True)
class QueueItem:
    """One thing to look at.

    Attributes:
        worth: in [0, 1], see :data:`WORTH`.
        reason: one or two sentences.
        numbers: what the reason rests on: scores, IoU, counts.
        prediction_ids, instance_ids: what it is about; neither for a whole image.
    """

    kind: QueueKind
    image_id: int
    name: str
    worth: float
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    prediction_ids: tuple[int, ...] = ()
    instance_ids: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "kind": str(self.kind)}


def rank(
    images: Iterable[ImageEvidence], known: Knowledge, *, threshold: float = DEFAULT_THRESHOLD
) -> tuple[QueueItem, ...]:
    """Everything worth a look, highest worth first; what a person decided on is left out.

    Args:
        threshold: score from which predictions are shown, and count.
    """
    found = [item for image in images for item in _of_image(image, known, threshold)]
    return tuple(sorted(found, key=lambda i: (-i.worth, i.image_id, i.prediction_ids, i.instance_ids, i.kind)))


def _of_image(image: ImageEvidence, known: Knowledge, threshold: float) -> Iterator[QueueItem]:
    """Each prediction and instance is in one item, the one of the highest worth."""
    decided = {id for id, decision in known.decisions.items() if decision.verdict in _DECIDED}
    agreed = _agreed(image)
    found = [
        *_groups(image, agreed, known, threshold),
        *_disagreements(image, agreed, known, threshold),
        *_hints(image, known, threshold),
    ]
    covered: set[int | str] = set()
    for item in sorted(found, key=lambda i: (-i.worth, i.prediction_ids, i.instance_ids)):
        about: set[int | str] = {*item.prediction_ids, *item.instance_ids}
        settled = bool(item.prediction_ids) and decided.issuperset(item.prediction_ids)
        if not settled and not about & covered:
            covered |= about
            yield item
    if not image.annotated and not image.done and not image.looked_at:
        reason = "Nothing is annotated on this image, and the network has not looked at it."
        yield _item(QueueKind.UNSEEN, image, 1.0, reason)


def _agreed(image: ImageEvidence) -> set[int]:
    """Predictions of groups whose keeper is what a person says: the runners-up are no news."""
    right = {row.prediction_id for row in image.outcomes.predictions if row.right} if image.outcomes else set()
    settled = (g for g in image.groups if g.kind == "same-object" and g.keeper.key in right)
    return {int(member.key) for group in settled for member in (group.keeper, *group.others)}


def _groups(image: ImageEvidence, agreed: set[int], known: Knowledge, threshold: float) -> Iterator[QueueItem]:
    for group in image.groups:
        if group.keeper.score >= threshold and not (group.kind == "same-object" and group.keeper.key in agreed):
            second = group.others[0]
            numbers = {"score": group.keeper.score, "second_score": second.score, "iou": second.iou}
            ids = tuple(int(m.key) for m in (group.keeper, *group.others))
            closeness = second.score / group.keeper.score if group.keeper.score else 1.0
            strength = second.iou if group.kind == "duplicate" else closeness
            history = known.histories.get(pair_of(group.keeper.category_id, second.category_id))
            reason = f"{group.reason} {history.hint(known.names)}".strip() if history else group.reason
            if history:
                numbers["decided_before"] = history.decided
            yield _item(QueueKind(group.kind), image, strength, reason, numbers, prediction_ids=ids)
    for group in image.labelled_twice:
        yield _labelled_twice(image, group)


def _labelled_twice(image: ImageEvidence, group: Group) -> QueueItem:
    iou = group.others[0].iou
    ids = tuple(str(m.key) for m in (group.keeper, *group.others))
    strength = 1.0 if group.kind == "same-object" else iou
    return _item(QueueKind(group.kind), image, strength, group.reason, {"iou": iou}, instance_ids=ids)


def _disagreements(image: ImageEvidence, agreed: set[int], known: Knowledge, threshold: float) -> Iterator[QueueItem]:
    """Where a person and the network contradict each other."""
    if image.outcomes is None:
        return
    owners = {i.id: i.category_id for i in image.annotation}
    guesses = {p.id: p.category_id for p in image.predictions}
    of = "mask" if all(i.mask is not None for i in image.annotation) else "box"
    for row in image.outcomes.predictions:
        if row.reason is not None and row.score >= threshold and row.prediction_id not in agreed:
            owner = owners.get(row.instance_id) if row.instance_id is not None else None
            sentence = why_false(row, owner, known.names, of=of)
            ids = (row.instance_id,) if row.instance_id is not None and row.reason is not FalseReason.DUPLICATE else ()
            yield _item(
                _FALSE[row.reason], image, _false_strength(row), sentence, {"score": row.score, "iou": row.iou},
                prediction_ids=(row.prediction_id,), instance_ids=ids,
            )  # fmt: skip
    for missed in image.outcomes.instances:
        if not missed.found_at(threshold):
            guess = guesses.get(missed.prediction_id) if missed.prediction_id is not None else None
            sentence = why_missed(missed, guess, known.names, of=of, min_score=threshold)
            numbers = {"score": missed.score, "iou": missed.iou}
            strength = _miss_strength(missed)
            yield _item(QueueKind.MISSED, image, strength, sentence, numbers, instance_ids=(missed.instance_id,))


def _false_strength(row: PredictionOutcome) -> float:
    if row.reason is FalseReason.POOR_MASK:
        return 1 - row.iou
    return row.iou if row.reason is FalseReason.DUPLICATE else row.score


def _miss_strength(row: InstanceOutcome) -> float:
    """The whole where nothing came near; less the surer a prediction was that lies on it after all."""
    return 1.0 if row.reason is MissReason.NOTHING else 1 - row.score


def _hints(image: ImageEvidence, known: Knowledge, threshold: float) -> Iterator[QueueItem]:
    """Predictions where nothing is annotated yet: close calls, and classes that have few labels."""
    if image.annotated or image.done:
        return
    mean = sum(known.counts.values()) / max(len(known.counts), 1)
    for prediction in image.predictions:
        distance = abs(prediction.score - threshold)
        if distance <= NEAR:
            yield _close_call(image, prediction, known, threshold, 1 - distance / NEAR)
        count = known.counts.get(prediction.category_id, 0)
        if prediction.score >= threshold and count < RARE_SHARE * mean:
            reason = (
                f"This may be a {known.names[prediction.category_id]} (score {prediction.score:.2f}), a class with "
                f"{count} annotated objects where the mean is {mean:.0f}: one more is worth much."
            )
            numbers = {"score": prediction.score, "annotated": count, "mean_annotated": mean}
            strength = 1 - count / (RARE_SHARE * mean)
            yield _item(QueueKind.RARE_CLASS, image, strength, reason, numbers, prediction_ids=(prediction.id,))


def _close_call(
    image: ImageEvidence, prediction: Prediction, known: Knowledge, threshold: float, strength: float
) -> QueueItem:
    side = "just shown" if prediction.score >= threshold else "just not shown"
    reason = (
        f"{known.names[prediction.category_id]} of score {prediction.score:.2f} is {side} (threshold {threshold:g}): "
        "the network cannot tell whether it is one."
    )
    numbers = {"score": prediction.score, "threshold": threshold}
    return _item(QueueKind.UNCERTAIN, image, strength, reason, numbers, prediction_ids=(prediction.id,))


def _item(
    kind: QueueKind,
    image: ImageEvidence,
    strength: float,
    reason: str,
    numbers: Mapping[str, float] | None = None,
    *,
    prediction_ids: tuple[int, ...] = (),
    instance_ids: tuple[str, ...] = (),
) -> QueueItem:
    worth = WORTH[kind] * (0.5 + 0.5 * min(max(strength, 0.0), 1.0))
    return QueueItem(kind, image.image_id, image.name, worth, reason, numbers or {}, prediction_ids, instance_ids)
