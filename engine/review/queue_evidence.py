"""What is known of each image when the queue is made: annotation, predictions, groups, and where the two disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.domain.annotation import Annotation, Category, ImageStatus, Split
from engine.domain.outcome import ImageOutcomes
from engine.domain.pair_policy import Pair, Policies
from engine.domain.prediction import Detections, Prediction
from engine.errors import RunError
from engine.project.pair_policies import pair_policies
from engine.project.predictions import PredictionStore
from engine.project.records import Decision, ImageRecord
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore
from engine.review.overlaps import Group, OverlapRule, find_annotation_groups, find_groups
from engine.review.pair_history import PairHistory, histories_in
from engine.review.quality.compared import compare_images
from engine.review.quality.outcomes import outcomes_of

RULE = OverlapRule(duplicates=True)


@dataclass(frozen=True)
class ImageEvidence:
    """One image.

    Attributes:
        name: as shown to a person.
        done: a person said that the image is finished.
        looked_at: the run's network has seen it.
        predictions: of classes that the project has, highest score first.
        groups: among the predictions.
        labelled_twice: groups among the annotation's own instances.
        outcomes: of predictions and instances; None where nothing is annotated or nothing was predicted.
    """

    image_id: int
    name: str
    done: bool
    looked_at: bool
    annotation: Annotation
    predictions: tuple[Prediction, ...] = ()
    groups: tuple[Group, ...] = ()
    labelled_twice: tuple[Group, ...] = ()
    outcomes: ImageOutcomes | None = None

    @property
    def annotated(self) -> bool:
        """Whether a person said something, be it "nothing here"."""
        return bool(self.annotation.instances) or self.annotation.negative


@dataclass(frozen=True)
class Knowledge:
    """What is known of the whole project beside its images.

    Attributes:
        categories: of the project.
        counts: category id to annotated instances, 0 included.
        decisions: on predictions of the run, by prediction id.
        policies: what a person said of pairs of classes.
        histories: what was decided on pairs of classes before, in any run.
        epoch: of the predictions.
    """

    categories: tuple[Category, ...]
    counts: Mapping[int, int]
    decisions: Mapping[int, Decision]
    policies: Policies
    epoch: int
    histories: Mapping[Pair, PairHistory] = field(default_factory=dict)

    @property
    def names(self) -> dict[int, str]:
        """Category id to name."""
        return {c.id: c.name for c in self.categories}


def knowledge_of(store: ProjectStore, run: RunFolder) -> Knowledge:
    """What the project knows beside its images.

    Raises:
        RunError: when the run has no predictions.
    """
    with PredictionStore(run.predictions_path) as staged:
        epochs = staged.epochs()
    if not epochs:
        raise RunError(f"Run {run.id} has no predictions yet.", path=run.path, hint="Detect first.")
    counts = store.category_counts()
    return Knowledge(
        categories=store.categories(),
        counts={c.id: counts.get(c.id, 0) for c in store.categories()},
        decisions={d.prediction_id: d for d in store.decisions(run=run.id)},
        policies=pair_policies(store),
        epoch=epochs[0],
        histories=histories_in(store),
    )


def evidence_of(
    store: ProjectStore, run: RunFolder, known: Knowledge, split: Split | None = None
) -> Iterator[ImageEvidence]:
    """The project's images (of one split), one after the other, so that few masks are in memory at a time."""
    with PredictionStore(run.predictions_path) as staged:
        looked_at = set(staged.image_ids(known.epoch))
        for record in store.images():
            if split is None or record.split is split:
                found: Sequence[Prediction] = ()
                if record.id in looked_at:
                    found = staged.detections(record.id, known.epoch).predictions
                seen = record.id in looked_at
                yield image_evidence(
                    record, store.annotation(record.id), found, known, looked_at=seen, boxes_only=store.boxes_only
                )


def image_evidence(
    record: ImageRecord,
    annotation: Annotation,
    predictions: Sequence[Prediction],
    known: Knowledge,
    *,
    looked_at: bool = True,
    boxes_only: bool = False,
) -> ImageEvidence:
    """Compare what a network and a person say of one image; a pure step."""
    names = known.names
    shown = tuple(p for p in predictions if p.category_id in names)
    outcomes = None
    if looked_at and (annotation.instances or annotation.negative):
        outcomes = _outcomes(annotation, shown, known.categories, boxes_only=boxes_only)
    return ImageEvidence(
        image_id=record.id,
        name=record.name,
        done=record.status is ImageStatus.DONE,
        looked_at=looked_at,
        annotation=annotation,
        predictions=shown,
        groups=find_groups(shown, names, RULE, policies=known.policies),
        labelled_twice=find_annotation_groups(annotation, names, RULE, policies=known.policies),
        outcomes=outcomes,
    )


def _outcomes(
    annotation: Annotation, predictions: tuple[Prediction, ...], categories: Sequence[Category], *, boxes_only: bool
) -> ImageOutcomes:
    # Made anew rather than read: annotations may have changed since the run was measured.
    found = Detections(annotation.image_id, annotation.height, annotation.width, predictions)
    (image,) = compare_images([annotation], [found], categories, boxes_only=boxes_only)
    return outcomes_of(image)
