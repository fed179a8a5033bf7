"""Everything there is to say of a network's predictions on a split, in one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.domain.annotation import Annotation, Category
from engine.domain.outcome import FalseReason, ImageOutcomes, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.prediction import Detections
from engine.review.evaluation import SIZES, Curves, Evaluation, precision_curves
from engine.review.quality.calibration import Calibration, calibration_of
from engine.review.quality.compared import compare_images
from engine.review.quality.confusion import Confusion, confusion_of
from engine.review.quality.holes import HoleFidelity, hole_fidelity
from engine.review.quality.outcomes import outcomes_of, rows_of
from engine.review.quality.thresholds import PrecisionRecall, precision_recall

DEFAULT_SCORE = 0.5


@dataclass(frozen=True)
class Counts:
    """Right and wrong at one score, at IoU 0.5.

    Attributes:
        min_score: only predictions of this score and above count.
        tp, fp, fn: true positives, false positives, and instances that were not found.
        reasons: every :class:`~engine.domain.outcome.FalseReason` to its false positives.
        misses: every :class:`~engine.domain.outcome.MissReason`, and ``low_score`` for what is found only below
            `min_score`, to its instances.
    """

    min_score: float
    tp: int
    fp: int
    fn: int
    reasons: dict[str, int]
    misses: dict[str, int]


@dataclass(frozen=True)
class ClassQuality:
    """One class: its curve at IoU 0.5 over all scores, and its counts at the score asked for."""

    category: Category
    curve: PrecisionRecall
    counts: Counts


@dataclass(frozen=True)
class SizeQuality:
    """Objects of one of COCO's sizes: how many there are, and the metrics on them."""

    n: int
    figures: dict[str, float | None]


@dataclass(frozen=True)
class Quality:
    """How good predictions are on a set of images.

    Attributes:
        evaluation: average precision, COCO's.
        by_size: the same by COCO's sizes.
        classes: in the order of the categories.
        calibration: over all predictions.
        confusion, holes, counts: at the score asked for; no holes for boxes only.
        outcomes: of every prediction and instance, images by id.
        boxes_only: boxes were compared, not masks.
    """

    evaluation: Evaluation
    by_size: dict[str, SizeQuality]
    classes: tuple[ClassQuality, ...]
    calibration: Calibration
    confusion: Confusion
    holes: HoleFidelity | None
    counts: Counts
    outcomes: tuple[ImageOutcomes, ...]
    boxes_only: bool

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``: the evaluation's keys, and the rest beside them."""
        of = "box" if self.boxes_only else "mask"
        return {
            **self.evaluation.to_json(),
            "by_size": {name: {**_short(s.figures, of), "n": s.n} for name, s in self.by_size.items()},
            "per_class": {c.category.name: self._class_json(c, of) for c in self.classes},
            "calibration": self.calibration.to_json(),
            "confusion": {**self.confusion.to_json(), "min_score": self.counts.min_score},
            "holes": None if self.holes is None else {**self.holes.to_json(), "min_score": self.counts.min_score},
            "counts": asdict(self.counts),
        }

    def _class_json(self, of_class: ClassQuality, of: str) -> dict[str, Any]:
        best = of_class.curve.best
        return {
            **_short(self.evaluation.per_class[of_class.category.name], of),
            "n": of_class.curve.instances,
            "best_threshold": best[0] if best else None,
            "best_f1": best[1] if best else None,
            "tp": of_class.counts.tp,
            "fp": of_class.counts.fp,
            "fn": of_class.counts.fn,
        }


def measure(
    truth: Iterable[Annotation],
    detections: Iterable[Detections],
    categories: Sequence[Category],
    *,
    boxes_only: bool = False,
    min_score: float = DEFAULT_SCORE,
) -> Quality:
    """Compare `detections` with `truth` in every way there is.

    Args:
        truth: one annotation an image.
        detections: unfiltered, down to the lowest score there is: average precision, thresholds and calibration use
            them all.
        categories: of the network; others do not count.
        boxes_only: compare boxes instead of masks.
        min_score: from which predictions count in the counts, the confusion and the holes.
    """
    truth, detections = tuple(truth), tuple(detections)
    curves = precision_curves(truth, detections, categories, boxes_only=boxes_only)
    images = tuple(compare_images(truth, detections, categories, boxes_only=boxes_only))
    outcomes = tuple(outcomes_of(image) for image in images)
    rows, instances = rows_of(outcomes), [i for o in outcomes for i in o.instances]
    pairs = zip(images, outcomes, strict=True)
    return Quality(
        evaluation=curves.evaluation(categories),
        by_size={name: SizeQuality(_count_of(curves, name), curves.figures(size=name)) for name in SIZES},
        classes=tuple(_of_class(c, rows, instances, min_score) for c in categories),
        calibration=calibration_of(rows),
        confusion=confusion_of(images, categories, min_score=min_score),
        holes=None if boxes_only else hole_fidelity(pairs, min_score=min_score),
        counts=counts_of(rows, instances, min_score=min_score),
        outcomes=outcomes,
        boxes_only=boxes_only,
    )


def counts_of(rows: Iterable[PredictionOutcome], instances: Iterable[InstanceOutcome], *, min_score: float) -> Counts:
    """Right and wrong at `min_score`; the same rows serve every score."""
    shown = [r for r in rows if r.score >= min_score]
    missed = [i for i in instances if not i.found_at(min_score)]
    reasons = Counter(r.reason for r in shown if r.reason is not None)
    misses = Counter(i.reason or "low_score" for i in missed)
    return Counts(
        min_score=min_score,
        tp=sum(r.right for r in shown),
        fp=sum(reasons.values()),
        fn=len(missed),
        reasons={str(reason): reasons[reason] for reason in FalseReason},
        misses={name: misses[name] for name in (*map(str, MissReason), "low_score")},
    )


def _of_class(
    category: Category, rows: Sequence[PredictionOutcome], instances: Sequence[InstanceOutcome], min_score: float
) -> ClassQuality:
    own_rows = [r for r in rows if r.category_id == category.id]
    own = [i for i in instances if i.category_id == category.id]
    return ClassQuality(category, precision_recall(own_rows, len(own)), counts_of(own_rows, own, min_score=min_score))


def _count_of(curves: Curves, size: str) -> int:
    low, high = SIZES[size]
    return sum(low <= area <= high for area in curves.areas)


def _short(figures: dict[str, float | None], of: str) -> dict[str, float | None]:
    """The figures, with the one that counts (by mask where there are masks) as ``ap`` and ``ap50`` too."""
    return {**figures, "ap": figures[f"{of}_ap"], "ap50": figures[f"{of}_ap50"]}
