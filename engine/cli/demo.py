"""The whole loop without a window, in one folder: project, training, detection, groups, pictures, report."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.cli.output import console, say
from engine.config import StagePlan, TrainConfig, train_config
from engine.domain.annotation import Split
from engine.errors import RunError, UserError
from engine.events import EpochValidated, StepDone
from engine.project.images import read_image
from engine.project.opening import FILE_NAME
from engine.project.predictions import PredictionStore
from engine.project.runs import (
    RunFolder,
    RunState,
    create_run,
    engine_command,
    engine_environment,
    open_run,
    train_command,
)
from engine.project.store import ProjectStore
from engine.review.evaluation import Evaluation, evaluate
from engine.review.pictures import jpeg
from engine.review.report import Report, image_overlay, write_report
from engine.review.reviewed import ReviewedImage, quality_of, reviewed_detections
from engine.sample.project import create_sample_project

EPOCHS = 10


def run_demo(out: Path, *, stages: str | None = None, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Make a sample project in ``out/project``, train, detect on its validation split, and write ``out/report.html``.

    Args:
        out: new or empty of a demo; a demo that was broken off is taken up where it stands.
        stages: a training plan in place of the short one.
        settings: ``key=value`` for the training.

    Returns:
        Where everything lies, the average precision, and the groups' quality.

    Raises:
        UserError: when a step fails, with the reason.
    """
    started = time.monotonic()
    project = _project(out / "project")
    run = _trained(project, _config(stages, settings))
    trained = time.monotonic()
    _detect(project, run)
    with ProjectStore.open(project, read_only=True) as store:
        images, evaluation = _reviewed(store, run)
        quality = quality_of(images)
        facts = _facts(store, run, minutes=(trained - started) / 60)
        page = Report("Maskwright demo", facts, images, store.categories(), quality, evaluation)
        write_report(page, out / "report.html")
        pictures = _write_pictures(out / "pictures", page)
    say(f"Report: {out / 'report.html'}  ({len(pictures)} pictures beside it, in {out / 'pictures'})")
    return {
        "project": str(project),
        "run": run.id,
        "report": str(out / "report.html"),
        "pictures": [str(p) for p in pictures],
        "evaluation": evaluation.to_json(),
        "groups": sum(len(i.groups) for i in images),
        "quality": quality.to_json(),
        "seconds": round(time.monotonic() - started, 1),
    }


def _project(folder: Path) -> Path:
    if (folder / FILE_NAME).exists():
        say(f"Going on with {folder}")
        return folder
    with create_sample_project(folder) as store:
        say(f"{len(store.images())} pictures, {sum(store.instance_counts().values())} objects in {folder}")
    return folder


def _config(stages: str | None, settings: tuple[str, ...]) -> TrainConfig:
    if stages is not None:
        return train_config("quick", stages=stages, settings=settings)
    quick = train_config("quick", settings=settings)
    stage = quick.plan.stages[0].model_copy(update={"until_epoch": EPOCHS})
    short = {"plan": StagePlan(stages=(stage,)), "preset": "demo", "min_epoch_steps": 0}
    return quick.model_copy(update=short)


def _trained(project: Path, config: TrainConfig) -> RunFolder:
    """The project's newest run if it is finished, else a new one, trained by an engine process."""
    try:
        run = open_run(project)
        if run.state() is RunState.FINISHED:
            return run
    except RunError:
        pass
    with ProjectStore.open(project, read_only=True) as store:
        run = create_run(store, config)
    with run.output_path.open("ab") as output:
        process = subprocess.Popen(
            train_command(run), env=engine_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            _follow(run, process)
        except KeyboardInterrupt:
            run.request_stop()
            process.wait()
            raise
    if run.state() is not RunState.FINISHED:
        raise RunError(f"The training ended as “{run.state()}”.", path=run.output_path, hint="The log says more.")
    return run


def _follow(run: RunFolder, process: subprocess.Popen[bytes]) -> None:
    """Show how far the training is until its process ends."""
    told = 0
    with console.status("Training starts…") as status:
        while True:
            ended = process.poll() is not None
            events = run.events()
            for event in events[told:]:
                if isinstance(event, EpochValidated):
                    say(f"epoch {event.epoch}: mask AP {event.mask_ap or 0:.3f}, box AP {event.box_ap or 0:.3f}")
            told = len(events)
            steps = [e for e in events[-3:] if isinstance(e, StepDone)]
            if steps:
                left = f"{steps[-1].seconds_left / 60:.0f} min left"
                status.update(f"Training: epoch {steps[-1].epoch} of {run.config.plan.epochs}, {left}")
            if ended:
                return
            try:
                process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue


def _detect(project: Path, run: RunFolder) -> None:
    command = engine_command("detect", str(project), "--run", run.id, "--split", Split.VAL.value, "--json")
    with console.status("Detecting on the validation images…"):
        done = subprocess.run(command, env=engine_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason."])[-1]
        raise UserError(f"The detection failed: {reason}")
    say(f"{len(json.loads(done.stdout))} detections down to score 0.05")


def _reviewed(store: ProjectStore, run: RunFolder) -> tuple[list[ReviewedImage], Evaluation]:
    names = {c.id: c.name for c in store.categories()}
    records = [r for r in store.images() if r.split is Split.VAL]
    with PredictionStore(run.predictions_path) as staged:
        found = {r.id: staged.detections(r.id) for r in records}
    images = [
        reviewed_detections(r.name, store.image_path(r.id), store.annotation(r.id), found[r.id], names) for r in records
    ]
    return images, evaluate([i.annotation for i in images], found.values(), store.categories())


def _facts(store: ProjectStore, run: RunFolder, minutes: float) -> dict[str, str]:
    summary = run.summary()
    return {
        "Project": f"{store.name}, {len(store.images())} pictures",
        "Run": f"{run.id}, {summary.epochs_done} epochs on {summary.device}, best epoch {summary.best_epoch}",
        "Training took": f"{minutes:.1f} minutes",
        "Measured on": "the validation split, which the training has not seen",
    }


def _write_pictures(folder: Path, page: Report) -> Sequence[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for image in page.images:
        target = folder / f"{Path(image.name).stem}.jpg"
        target.write_bytes(jpeg(image_overlay(image, read_image(image.path), page.categories)))
        written.append(target)
    return written
