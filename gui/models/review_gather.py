"""Reads what the Review room shows of one run and epoch; off the gui thread, with connections of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.domain.annotation import Annotation, ImageStatus, Origin, Split
from engine.domain.pair_policy import Policies
from engine.domain.prediction import Prediction
from engine.project.pair_policies import pair_policies
from engine.project.predictions import PredictionStore
from engine.project.records import ImageRecord
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore
from engine.review.decisions import labelled_as
from engine.review.overlaps import OverlapRule, find_groups
from gui.models.review_items import ImageFacts, QueueData, Seen


def facts_of_image(
    record: ImageRecord,
    annotation: Annotation,
    predictions: Sequence[Prediction],
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
    *,
    policies: Policies | None = None,
) -> ImageFacts:
    """Groups (as far as `policies` want them), which predictions have a label on them already, and what is labelled."""
    seen = []
    for prediction in predictions:
        there = labelled_as(annotation, prediction)
        agrees = there is not None and there.category_id == prediction.category_id
        label = there.id if there is not None else ""
        seen.append(Seen(prediction.id, prediction.category_id, prediction.score, label, agrees))
    return ImageFacts(
        record.id,
        Path(record.name).stem,
        record.status is ImageStatus.DONE,
        tuple(seen),
        find_groups(predictions, categories, rule, policies=policies),
        file=record.name,
        split=record.split,
        complete=_is_complete(record, annotation),
        labels=tuple((i.id, i.category_id) for i in annotation),
    )


def _is_complete(record: ImageRecord, annotation: Annotation) -> bool:
    """What was taken from predictions is no reason to think that a person has looked for everything."""
    looked = annotation.negative or any(i.origin in (Origin.HUMAN, Origin.IMPORTED) for i in annotation)
    return looked and record.split is not Split.NONE


def resolve_epoch(run: RunFolder, choice: str, detected: Sequence[int]) -> int | None:
    """Number of the epoch that ``best``, ``last`` or a number means; None when that is not known yet."""
    if choice.isdigit():
        return int(choice)
    if choice == "best":
        return run.summary().best_epoch
    kept = run.checkpoint_epochs()
    return kept[-1] if kept else (detected[0] if detected else None)


def gather(folder: Path, run: RunFolder, choice: str, epoch: int | None = None) -> QueueData:
    """Read everything about one run and epoch.  Runs in a thread of its own, with connections of its own."""
    with PredictionStore(run.predictions_path) as predictions:
        detected = predictions.epochs()
        epoch = epoch if epoch is not None else resolve_epoch(run, choice, detected)
        kept = tuple(run.checkpoint_epochs())
        if epoch not in detected:
            return QueueData(run, choice, None, tuple(detected), kept)
        facts = []
        with ProjectStore.open(folder, read_only=True) as store:
            names = {c.id: c.name for c in store.categories()}
            records = {r.id: r for r in store.images()}
            policies = pair_policies(store)
            for image_id in predictions.image_ids(epoch):
                if image_id in records:
                    found, labels = predictions.detections(image_id, epoch).predictions, store.annotation(image_id)
                    facts.append(facts_of_image(records[image_id], labels, found, names, policies=policies))
            decisions = store.decisions(run=run.id)
    return QueueData(run, choice, epoch, tuple(detected), kept, tuple(facts), decisions)
