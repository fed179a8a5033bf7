"""The command that says what a trained network lacks, how that is known, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import console, print_json, say
from engine.cli.train_cmds import checkpoint_name
from engine.config import PRESET_HELP, DetectConfig, TrainConfig, starting_from, train_config
from engine.project.runs import open_run

if TYPE_CHECKING:
    from engine.prediction.diagnosing import Examined, Tell
    from engine.project.runs import RunFolder
    from engine.project.store import ProjectStore
    from engine.review.diagnosis.findings import Diagnosis
    from engine.review.diagnosis.learning_curve import LearningCurve
    from engine.review.quality.examples import Examples


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(diagnose)


def diagnose(
    project: Annotated[Path, typer.Argument(help="Project folder.")],
    run_id: Annotated[str, typer.Option("--run", help="Run id, or last.")] = "last",
    epoch: Annotated[str, typer.Option("--epoch", help="best, last or an epoch.")] = "best",
    train_images: Annotated[int, typer.Option(help="Look at so many training images; 0: all.", min=0)] = 0,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Train on 25, 50, 75 and 100 % of the images too.")
    ] = False,
    preset: Annotated[str | None, typer.Option(help=f"Of those trainings, else the run's. {PRESET_HELP}")] = None,
    curve_epochs: Annotated[int, typer.Option(help="Epochs of those trainings; 0: as planned.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    report: Annotated[Path | None, typer.Option(help="Write it with charts and pictures to this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say what a network lacks: training, images, better annotations, other anchors, or nothing.

    It is measured on the images that it learned from and on validation, as both were when the run was made.
    """
    from engine.prediction.diagnosing import diagnose_run
    from engine.project.store import ProjectStore

    run = open_run(project, run_id)
    config = DetectConfig.model_validate({"device": device})
    with ProjectStore.open(project, read_only=True) as store, console.status("Looking at the run…") as status:
        examined = diagnose_run(
            run,
            checkpoint_name(epoch),
            config=config,
            changed=_changed(store, run),
            train_images=train_images,
            tell=status.update,
        )
        diagnosis = examined.diagnosis
        if learning_curve:
            plan = _curve_config(run, preset, curve_epochs, device)
            diagnosis = replace(diagnosis, learning_curve=_curve(run, plan, config, project, status.update))
        if report is not None:
            _write_report(report, store, replace(examined, diagnosis=diagnosis), run)
    if as_json:
        names = {image.image_id: image.path.name for image in run.dataset().images}
        print_json(_with_names(diagnosis, names))
    else:
        _tell(diagnosis)


def _changed(store: ProjectStore, run: RunFolder) -> bool:
    """Whether the project says something else by now than what the run was trained with."""
    from engine.domain.annotation import Split
    from engine.project.dataset import freeze

    now, then = freeze(store), run.dataset()
    return any(now.digest_of(split) != then.digest_of(split) for split in (Split.TRAIN, Split.VAL))


def _curve_config(run: RunFolder, preset: str | None, epochs: int, device: str) -> TrainConfig:
    """What the trainings of a learning curve are asked to do: as the run, or by a preset on the run's weights.

    Raises:
        UserError: when there is no such preset.
    """
    from engine.prediction.curve_runs import shortened

    config = run.config if preset is None else starting_from(train_config(preset), run.config.weights)
    plan = shortened(config.plan, epochs) if epochs else config.plan
    asked = {"plan": plan, "device": config.device if device == "auto" else device}
    return TrainConfig.model_validate({**config.model_dump(), **asked})


def _curve(run: RunFolder, config: TrainConfig, detect: DetectConfig, project: Path, tell: Tell) -> LearningCurve:
    from engine.prediction.curve_runs import learning_curve

    return learning_curve(run, config, project_folder=project, detect=detect, tell=tell)


def _write_report(out: Path, store: ProjectStore, examined: Examined, run: RunFolder) -> None:
    from engine.review.diagnosis.page import DiagnosisPage, write_diagnosis_page

    diagnosis = examined.diagnosis
    facts = {"Project": store.name, "Network": f"run {run.id}, epoch {diagnosis.epoch}", "Plan": run.config.preset}
    write_diagnosis_page(DiagnosisPage(facts, diagnosis, _places(examined, run)), out)
    say(f"Report: {out}")


def _places(examined: Examined, run: RunFolder) -> Examples:
    from engine.project.images import read_image
    from engine.review.diagnosis.page import only_disputes
    from engine.review.quality.examples import Examples, Photo

    train = examined.train
    return Examples(
        only_disputes(train.quality, examined.diagnosis.evidence.disputes),
        truth=train.truth,
        detections=train.found,
        categories=examined.categories,
        photos={image.image_id: Photo(image.path.name, image.path) for image in run.dataset().images},
        read=read_image,
    )


def _with_names(diagnosis: Diagnosis, names: dict[int, str]) -> dict[str, object]:
    told = diagnosis.to_json()
    for item in told["evidence"]["disputes"]:
        item["file_name"] = names.get(item["image_id"], "")
    return told


def _tell(diagnosis: Diagnosis) -> None:
    """The findings as a person reads them."""
    for finding in diagnosis.findings:
        say(f"{finding.title}. {finding.evidence}")
        say(f"  Next: {finding.action}")
    for caveat in diagnosis.caveats:
        say(f"Note: {caveat}")
    if diagnosis.learning_curve is not None:
        say(diagnosis.learning_curve.sentence())
    places = len(diagnosis.evidence.disputes.items)
    if places:
        say(f"{places} places where it contradicts what it was taught: see --report or --json.")
