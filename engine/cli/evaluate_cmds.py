"""The command that measures: average precision and everything else that is to be known of a network's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import console, print_json, say
from engine.cli.train_cmds import checkpoint_name
from engine.config import DetectConfig
from engine.domain.annotation import Split
from engine.errors import UserError
from engine.project.runs import open_run

if TYPE_CHECKING:
    from engine.domain.annotation import Annotation, Category
    from engine.domain.prediction import Detections
    from engine.prediction.predictor import Predictor
    from engine.project.runs import RunFolder
    from engine.project.store import ProjectStore
    from engine.review.quality.examples import Examples
    from engine.review.quality.measure import Quality


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(evaluate)


def evaluate(
    project: Annotated[Path, typer.Argument(help="Project folder.")],
    split: Annotated[Split, typer.Option(help="The split to measure on.")] = Split.VAL,
    run_id: Annotated[str, typer.Option("--run", help="Run id, or last.")] = "last",
    epoch: Annotated[str, typer.Option("--epoch", help="best, last or an epoch.")] = "best",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    score: Annotated[float, typer.Option(help="Score from which right and wrong are counted.", min=0, max=1)] = 0.5,
    report: Annotated[Path | None, typer.Option(help="Write figures and pictures to this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Measure against the project's annotations of a split: COCO average precision, mistakes and their reasons.

    What became of each prediction and object is kept with the run's predictions, for the review.
    """
    from engine.prediction.predictor import Predictor
    from engine.project.outcomes import write_outcomes
    from engine.project.store import ProjectStore
    from engine.review.quality.measure import measure

    run = open_run(project, run_id)
    config = DetectConfig.model_validate({"device": device})
    with ProjectStore.open(project, read_only=True) as store:
        truth = _truth(store, split)
        predictor = Predictor.from_run(run, checkpoint_name(epoch), config=config)
        found = _detected(store, run, predictor, truth)
        quality = measure(truth, found, predictor.categories, boxes_only=store.boxes_only, min_score=score)
        write_outcomes(run.predictions_path, predictor.epoch, quality.outcomes)
        facts = {"run": run.id, "epoch": predictor.epoch, "split": str(split)}
        if report is not None:
            measured = f"run {run.id}, epoch {predictor.epoch}, on the {split} split"
            _write_report(report, measured, store, _examples(store, quality, truth, found, predictor.categories))
    if as_json:
        print_json({**facts, **quality.to_json()})
    else:
        _tell(quality)


def _truth(store: ProjectStore, split: Split) -> list[Annotation]:
    """The split's images that say something."""
    truth = [store.annotation(i.id) for i in store.images() if i.split is split]
    truth = [a for a in truth if a.instances or a.negative]
    if not any(a.instances for a in truth):
        raise UserError(f"The {split} split has no annotated object to measure against.")
    return truth


def _detected(
    store: ProjectStore, run: RunFolder, predictor: Predictor, truth: Sequence[Annotation]
) -> list[Detections]:
    from engine.prediction.staging import detect_into
    from engine.project.predictions import PredictionStore

    paths = [(a.image_id, store.image_path(a.image_id)) for a in truth]
    with (
        PredictionStore(run.predictions_path, read_only=False) as staged,
        console.status(f"Detecting on {len(truth)} images…"),
    ):
        return list(detect_into(staged, predictor, paths))


def _examples(
    store: ProjectStore,
    quality: Quality,
    truth: Sequence[Annotation],
    found: Sequence[Detections],
    categories: Sequence[Category],
) -> Examples:
    from engine.project.images import read_image
    from engine.review.quality.examples import Examples, Photo

    photos = {record.id: Photo(record.name, store.image_path(record.id)) for record in store.images()}
    return Examples(quality, truth=truth, detections=found, categories=categories, photos=photos, read=read_image)


def _write_report(out: Path, measured: str, store: ProjectStore, examples: Examples) -> None:
    from engine.review.quality.page import QualityPage, write_quality_page

    facts = {"Project": store.name, "Measured": measured}
    write_quality_page(QualityPage("How good is the network?", facts, examples), out)
    say(f"Report: {out}")


def _tell(quality: Quality) -> None:
    """The figures a person looks at first."""
    from engine.review.evaluation import METRICS

    for key in METRICS:
        value = getattr(quality.evaluation, key)
        say(f"{key:10} {value:.3f}" if value is not None else f"{key:10} –")
    counts = quality.counts
    wrong = "1 prediction" if counts.fp == 1 else f"{counts.fp} predictions"
    say(
        f"At score {counts.min_score:g}: {counts.tp} of {counts.tp + counts.fn} objects found, "
        f"{wrong} wrong{_listed(counts.reasons)}."
    )
    if quality.holes is not None and quality.holes.compared:
        say(f"Holes: {quality.holes.kept} of {quality.holes.compared} in found objects are there.")


def _listed(reasons: dict[str, int]) -> str:
    met = [f"{n} {name.replace('_', ' ')}" for name, n in reasons.items() if n]
    return f" ({', '.join(met)})" if met else ""
