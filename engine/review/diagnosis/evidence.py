"""What a verdict rests on, in one value: the rules see nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.domain.annotation import Category
from engine.project.run_history import EpochPoint
from engine.review.diagnosis.bootstrap import Estimate, Sampled
from engine.review.diagnosis.disputes import Disputes, disputes_of
from engine.review.quality.measure import Quality

# Keys of the random numbers: the sets are drawn independently of each other.
_TRAIN_SEED, _VAL_SEED = 1, 2


@dataclass(frozen=True, slots=True)
class SetEvidence:
    """How the network does on one set.

    Attributes:
        images, objects: that were measured.
        ap: COCO AP in [0, 1], of masks or boxes.
        ap50: at IoU 0.5, with its interval over images.
    """

    images: int
    objects: int
    ap: float
    ap50: Estimate


@dataclass(frozen=True, slots=True)
class ClassEvidence:
    """One class on both sets; AP50 in [0, 1], None where a set has no object of it."""

    name: str
    train_objects: int
    val_objects: int
    train_ap50: float | None
    val_ap50: float | None


@dataclass(frozen=True, slots=True)
class AnchorEvidence:
    """How the anchors fit the objects that are trained on.

    Attributes:
        unmatched: share in [0, 1] of objects that no anchor overlaps with an IoU of 0.5.
        sizes: sides of the anchors in input pixels.
        better, better_unmatched: sizes that leave fewer unmatched, and how many; None where none were found.
    """

    unmatched: float
    sizes: tuple[int, ...]
    better: tuple[int, ...] | None = None
    better_unmatched: float | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything known of a run and of one of its checkpoints.

    Attributes:
        train, val: the sets as they were when the run was made, measured alike.
        gap: AP50 on train less that on validation, over images of both.
        curve: by epoch, as the run told while it trained.
        planned_epochs: of the run's plan.
        classes: in the order of the categories.
        disputes: on the images that were trained on.
        names: class names by category id.
        fall: AP50 on validation of the best epoch less that of the last, over the same images; None where they are one.
        anchors: None when they were not looked at.
        measure: what AP is of, ``mask`` or ``box``.
    """

    train: SetEvidence
    val: SetEvidence
    gap: Estimate
    curve: tuple[EpochPoint, ...]
    planned_epochs: int
    classes: tuple[ClassEvidence, ...]
    disputes: Disputes
    names: Mapping[int, str]
    fall: Estimate | None = None
    anchors: AnchorEvidence | None = None
    measure: str = "mask"

    @property
    def missing(self) -> float:
        """What validation lacks of a perfect AP50, in [0, 1]."""
        return 1 - self.val.ap50.value

    @property
    def unlearned(self) -> float:
        """The part of it that even the images lack that were learned from, in [0, 1]."""
        return 1 - self.train.ap50.value

    @property
    def val_curve(self) -> tuple[float, ...]:
        """AP50 on validation of every epoch that was validated."""
        return tuple(p.ap50 for p in self.curve if p.ap50 is not None)

    @property
    def loss_curve(self) -> tuple[float, ...]:
        """Training loss of every epoch of which it is known."""
        return tuple(p.loss for p in self.curve if p.loss is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``; classes by name."""
        return {
            "measure": self.measure,
            "train": asdict(self.train),
            "val": asdict(self.val),
            "gap": self.gap.to_json(),
            "fall": None if self.fall is None else self.fall.to_json(),
            "curve": [asdict(point) for point in self.curve],
            "planned_epochs": self.planned_epochs,
            "classes": [asdict(c) for c in self.classes],
            "anchors": None if self.anchors is None else asdict(self.anchors),
            "disputes": [
                {**d.to_json(), "found": self.names.get(d.category_id), "said": self.names.get(d.said_id or 0)}
                for d in self.disputes.items
            ],
            "train_errors": self.disputes.errors,
        }


@dataclass(frozen=True)
class Measured:
    """What the network did on both sets, as :func:`~engine.review.quality.measure.measure` has it.

    Attributes:
        val_last: of the run's last epoch on validation, where that is not the epoch that is diagnosed.
    """

    train: Quality
    val: Quality
    val_last: Quality | None = None


@dataclass(frozen=True)
class RunFacts:
    """What the run told while it trained."""

    curve: tuple[EpochPoint, ...]
    planned_epochs: int
    anchors: AnchorEvidence | None = None


def evidence_of(measured: Measured, categories: Sequence[Category], facts: RunFacts) -> Evidence:
    """Put together what was measured and what the run told.

    Args:
        categories: of the network.
    """
    train = Sampled.of(measured.train.outcomes, seed=_TRAIN_SEED)
    val = Sampled.of(measured.val.outcomes, seed=_VAL_SEED)
    # The same seed: the difference of two epochs is over the same images.
    last = None if measured.val_last is None else Sampled.of(measured.val_last.outcomes, seed=_VAL_SEED)
    return Evidence(
        train=_of_set(measured.train, train.estimate),
        val=_of_set(measured.val, val.estimate),
        gap=train.less(val),
        curve=facts.curve,
        planned_epochs=facts.planned_epochs,
        classes=tuple(_of_class(c, measured) for c in categories),
        disputes=disputes_of(measured.train.outcomes),
        names={c.id: c.name for c in categories},
        fall=None if last is None else val.less(last),
        anchors=facts.anchors,
        measure="box" if measured.val.boxes_only else "mask",
    )


def _of_set(quality: Quality, interval: Estimate) -> SetEvidence:
    e = quality.evaluation
    ap = e.box_ap if quality.boxes_only else e.mask_ap
    return SetEvidence(e.images, e.instances, ap or 0.0, interval)


def _of_class(category: Category, measured: Measured) -> ClassEvidence:
    return ClassEvidence(
        category.name,
        _objects(measured.train, category),
        _objects(measured.val, category),
        _class_ap50(measured.train, category),
        _class_ap50(measured.val, category),
    )


def _objects(quality: Quality, category: Category) -> int:
    return sum(c.curve.instances for c in quality.classes if c.category.id == category.id)


def _class_ap50(quality: Quality, category: Category) -> float | None:
    key = "box_ap50" if quality.boxes_only else "mask_ap50"
    return quality.evaluation.per_class[category.name][key]
