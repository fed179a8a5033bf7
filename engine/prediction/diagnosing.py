"""A run examined: its network looks at the images it learned from and at those it did not, both measured alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from engine.config import DetectConfig
from engine.domain.annotation import Annotation, Category, Split
from engine.domain.prediction import Detections
from engine.model.architecture import Architecture
from engine.model.weights import read_facts
from engine.prediction.predictor import Predictor
from engine.prediction.staging import detect_into
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.predictions import PredictionStore
from engine.project.run_history import RunHistory, history_of
from engine.project.runs import CheckpointName, RunFolder
from engine.review.diagnosis.caveats import Circumstances, caveats_of
from engine.review.diagnosis.evidence import AnchorEvidence, Measured, RunFacts, evidence_of
from engine.review.diagnosis.findings import Diagnosis
from engine.review.diagnosis.rules import findings_of
from engine.review.quality.measure import Quality, measure
from engine.training.advice import advise_anchors

_CHOICE_SEED = 0  # of the training images that are looked at, where not all are
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Seen:
    """One set as the network saw it.

    Attributes:
        truth: what was annotated when the run was made.
        found: its predictions, one for each of `truth`.
    """

    truth: tuple[Annotation, ...]
    found: tuple[Detections, ...]
    quality: Quality


@dataclass(frozen=True)
class Examined:
    """A diagnosis, and the training images it is about."""

    diagnosis: Diagnosis
    train: Seen
    categories: tuple[Category, ...]


def diagnose_run(
    run: RunFolder,
    name: CheckpointName,
    *,
    config: DetectConfig | None = None,
    changed: bool = False,
    train_images: int = 0,
    tell: Tell = lambda _text: None,
) -> Examined:
    """Detect on both sets what was not detected yet, measure, and say what the network lacks.

    The sets and annotations are those that the run was trained with: an image that went from one set to the other since
    would tell a wrong tale.

    Args:
        changed: the project's data are no longer the run's, which is told.
        train_images: look at so many training images only, a seeded choice; 0: all of them.
        tell: called with what is being done.

    Raises:
        UserError: when there is no such checkpoint, or an image cannot be looked at.
    """
    data, history = run.dataset(), history_of(run)
    predictor = Predictor.from_run(run, name, config=config)
    look = partial(see, run, boxes_only=data.boxes_only, tell=tell)
    # It goes first: the review shows the epoch that was looked at last.
    fallen = _last_if_worse(run, history, predictor)
    last = None if fallen is None else look(fallen, data.annotated(Split.VAL))
    train = look(predictor, chosen(data.annotated(Split.TRAIN), train_images))
    val = look(predictor, data.annotated(Split.VAL))
    measured = Measured(train.quality, val.quality, None if last is None else last.quality)
    facts = RunFacts(history.curve, history.config.plan.epochs, _anchors(run, name, data, history))
    evidence = evidence_of(measured, predictor.categories, facts)
    under = Circumstances(history.summary.state, changed, len(data.annotated(Split.TRAIN)))
    diagnosis = Diagnosis(run.id, predictor.epoch, findings_of(evidence), evidence, caveats_of(evidence, under))
    return Examined(diagnosis, train, predictor.categories)


def chosen(images: Sequence[FrozenImage], count: int) -> Sequence[FrozenImage]:
    """`count` of `images`, the same ones every time, in their order and one with objects among them; all for 0."""
    if not 0 < count < len(images):
        return images
    order = list(images)
    random.Random(_CHOICE_SEED).shuffle(order)
    shown = next((place for place, image in enumerate(order) if image.annotation.instances), 0)
    order.insert(0, order.pop(shown))
    kept = {image.image_id for image in order[:count]}
    return [image for image in images if image.image_id in kept]


def see(run: RunFolder, predictor: Predictor, images: Sequence[FrozenImage], *, boxes_only: bool, tell: Tell) -> Seen:
    """What `predictor` finds in `images`, staged with `run`, and how good it is."""
    truth = tuple(image.annotation for image in images)
    found: list[Detections] = []
    with PredictionStore(run.predictions_path, read_only=False) as staged:
        for detections in detect_into(staged, predictor, [(i.image_id, i.path) for i in images]):
            found.append(detections)
            tell(f"Detecting: {len(found)} of {len(images)} images")
    return Seen(truth, tuple(found), measure(truth, found, predictor.categories, boxes_only=boxes_only))


def _last_if_worse(run: RunFolder, history: RunHistory, best: Predictor) -> Predictor | None:
    """The network of the run's last epoch, where `best` is that of the best one and validation fell after it."""
    if history.best is None or history.last is None or history.best.epoch != best.epoch:
        return None
    if (history.last.ap or 0.0) >= (history.best.ap or 0.0) or history.last.epoch not in run.checkpoint_epochs():
        return None
    return Predictor.from_run(run, history.last.epoch, config=best.config)


def _anchors(run: RunFolder, name: CheckpointName, data: FrozenDataset, history: RunHistory) -> AnchorEvidence:
    """How the network's anchors fit what it was trained on."""
    architecture = Architecture.from_json(read_facts(run.checkpoint(name))["architecture"])
    advice = advise_anchors(data, history.config, architecture.anchor_sizes, architecture.anchor_ratios)
    better = advice.suggested_fit
    return AnchorEvidence(
        unmatched=advice.fit.unmatched50,
        sizes=advice.sizes,
        better=advice.suggested,
        better_unmatched=None if better is None else better.unmatched50,
    )
