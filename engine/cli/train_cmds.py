"""Commands around the network: train, detect, evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import console, print_json, say
from engine.cli.preflight_cmds import look, tell
from engine.cli.run_cmds import print_runs, run_facts
from engine.cli.weights_cmds import have_weights
from engine.config import PRESET_HELP, DetectConfig, train_config
from engine.domain.annotation import Split
from engine.errors import RunError, UserError
from engine.events import AttemptEnded
from engine.project.runs import CheckpointName, RunFolder, create_run, open_run
from engine.training.world import own_rank, world_size

if TYPE_CHECKING:
    from engine.domain.prediction import Detections
    from engine.prediction.predictor import Predictor

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Run = Annotated[str, typer.Option("--run", help="Run id, or last.")]
Epoch = Annotated[str, typer.Option("--epoch", help="best, last or an epoch.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(train)
    app.command()(detect)
    app.command()(evaluate)
    app.command("_train", hidden=True)(train_run_folder)


def train(
    project: Project,
    preset: Annotated[str, typer.Option(help=PRESET_HELP)] = "quick",
    stages: Annotated[str | None, typer.Option(help='A plan such as "heads:4@1e-2,all:10@1e-3".')] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, may be repeated.")] = None,
    weights: Annotated[str | None, typer.Option(help="Start from: a name, run:ID@EPOCH or a weights file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
    run_id: Run = "last",
    as_json: Json = False,
) -> None:
    """Train on the project's annotations; Ctrl+C finishes the step, saves and ends.

    With several GPUs or machines: torchrun --nproc-per-node N -m main train PROJECT.
    """

    def chosen_run() -> RunFolder:
        if resume:
            return open_run(project, run_id)
        chosen = [*(settings or ()), *([f"weights={weights}"] if weights else [])]
        return _new_run(project, train_config(preset, stages=stages, settings=tuple(chosen)))

    run = _agreed(chosen_run)
    if own_rank() > 0:
        _train_beside(run, resume=resume)
        return
    say(f"Run {run.id}, {run.config.plan.epochs} epochs, in {run.path}")
    ended = _train_with_progress(run, resume=resume)
    if as_json:
        print_json(run_facts([run])[0])
    else:
        print_runs([run])
    if ended.outcome == "failed":
        raise RunError(f"Run {run.id} failed: {ended.reason}", path=run.output_path)


def train_run_folder(folder: Path, resume: Annotated[bool, typer.Option("--resume")] = False) -> None:
    """The trainer process behind the window's button; one of several under torchrun."""
    from engine.training.trainer import run_trainer

    ended = run_trainer(RunFolder(folder), resume=resume)
    raise typer.Exit(1 if ended.outcome == "failed" else 0)


def detect(
    project: Annotated[Path | None, typer.Argument(help="Project folder.")] = None,
    images: Annotated[list[Path] | None, typer.Option(help="Image files or folders instead of the project's.")] = None,
    run_id: Run = "last",
    epoch: Epoch = "best",
    weights: Annotated[
        str | None, typer.Option(help="Instead of a run: a checkpoint, a torchvision .pth, coco or coco-v2.")
    ] = None,
    names: Annotated[str, typer.Option(help="Class names of a .pth, label 1 first, with commas between.")] = "",
    bn_eps: Annotated[float | None, typer.Option(help="Batch-norm eps a .pth was trained with.")] = None,
    split: Annotated[Split | None, typer.Option(help="Only this split.")] = None,
    score: Annotated[float, typer.Option(help="Lowest score to report.")] = 0.05,
    batch_size: Annotated[int, typer.Option(help="Images at once.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Json = False,
) -> None:
    """Detect objects; a project's own images go to the run's predictions, ready for review."""
    config = DetectConfig.model_validate(
        {"score_threshold": min(score, 0.05), "batch_size": batch_size, "device": device}
    )
    if weights is not None:
        run, predictor = None, _from_weights(weights, names, bn_eps, config)
    else:
        predictor, run = _predictor(project, run_id, epoch, config)
    if images:
        named = _loose(predictor, images)
    elif project is not None and run is not None:
        named = _staged(project, run, predictor, split)
    else:
        raise UserError("Nothing to detect on.", hint="Name a project, or image files with --images.")
    results, count = [], 0
    with console.status("Detecting…"):
        for file_name, detections in named:
            results += _coco_results(file_name, detections, predictor, score)
            count += 1
    rate = (
        f", {predictor.images_per_second:.2f} images/s without the first batch" if predictor.images_per_second else ""
    )
    say(f"{len(results)} objects in {count} images on {predictor.device.title}{rate}.")
    if as_json:
        print_json(results)


def evaluate(
    project: Project,
    split: Annotated[Split, typer.Option(help="The split to measure on.")] = Split.VAL,
    run_id: Run = "last",
    epoch: Epoch = "best",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Json = False,
) -> None:
    """COCO average precision against the project's annotations of a split, in original pixels."""
    from engine.prediction.predictor import detect_into
    from engine.project.predictions import PredictionStore
    from engine.project.store import ProjectStore
    from engine.review.evaluation import evaluate as measure

    run = open_run(project, run_id)
    config = DetectConfig.model_validate({"device": device})
    predictor, _ = _predictor(project, run.id, epoch, config)
    with (
        ProjectStore.open(project, read_only=True) as store,
        PredictionStore(run.predictions_path, read_only=False) as staged,
    ):
        truth = [store.annotation(i.id) for i in store.images() if i.split is split]
        truth = [a for a in truth if a.instances or a.negative]
        if not any(a.instances for a in truth):
            raise UserError(f"The {split} split has no annotated object to measure against.")
        paths = [(a.image_id, store.image_path(a.image_id)) for a in truth]
        with console.status(f"Detecting on {len(truth)} images…"):
            found = list(detect_into(staged, predictor, paths))
        result = measure(truth, found, predictor.categories, boxes_only=store.boxes_only)
    facts = {"run": run.id, "epoch": predictor.epoch, "split": str(split), **result.to_json()}
    if as_json:
        print_json(facts)
        return
    for key in ("mask_ap", "mask_ap50", "box_ap", "box_ap50"):
        value = facts[key]
        say(f"{key:10} {value:.3f}" if value is not None else f"{key:10} –")


# --- helpers ------------------------------------------------------------------------------------------------------


def _new_run(project: Path, config: Any) -> RunFolder:
    from engine.project.store import ProjectStore
    from engine.review.preflight.findings import refuse_if_needed

    with ProjectStore.open(project, read_only=True) as store:
        findings = look(store, config)
        tell([f for f in findings if f.level != "refuse"])
        refuse_if_needed(findings)
        have_weights(config.weights)
        return create_run(store, config)


def _agreed(choose: Callable[[], RunFolder]) -> RunFolder:
    """The run to train; under torchrun the first process chooses it and the others open the same one."""
    if world_size() == 1:
        return choose()
    from engine.training.ranks import Ranks

    ranks = Ranks.join()
    return RunFolder(ranks.first_says(choose().path if ranks.is_first else None))


def _train_beside(run: RunFolder, *, resume: bool) -> None:
    """Train as one of the silent ranks."""
    from engine.training.trainer import run_trainer

    if run_trainer(run, resume=resume).outcome == "failed":
        raise typer.Exit(1)


def _train_with_progress(run: RunFolder, *, resume: bool) -> AttemptEnded:
    """Train in this process while a progress line shows epoch, loss and time left."""
    from rich.progress import BarColumn, Progress, TextColumn

    from engine.events import EpochValidated, Note, RunEvent, StepDone
    from engine.training.trainer import run_trainer

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=run.config.plan.epochs, left="")

        def show(event: RunEvent) -> None:
            if isinstance(event, StepDone):
                done = event.epoch - 1 + (event.step - 1) % event.steps_per_epoch / event.steps_per_epoch
                text = f"epoch {event.epoch}  loss {sum(event.losses.values()):.3f}"
                left = f"{event.seconds_left / 60:.0f} min left"
                progress.update(task, completed=done, description=text, left=left)
            elif isinstance(event, EpochValidated):
                ap = event.box_ap if run.config.boxes_only else event.mask_ap
                progress.console.print(f"epoch {event.epoch}: AP {ap or 0:.3f} ({event.seconds:.0f} s)", markup=False)
            elif isinstance(event, Note):
                progress.console.print(event.text, markup=False)

        return run_trainer(run, resume=resume, on_event=show)


def _from_weights(weights: str, names: str, bn_eps: float | None, config: DetectConfig) -> Predictor:
    from engine.prediction.predictor import Predictor

    have_weights(weights)
    listed = tuple(n.strip() for n in names.split(",") if n.strip())
    return Predictor.from_checkpoint(weights, config=config, names=listed, bn_eps=bn_eps)


def _predictor(project: Path | None, run_id: str, epoch: str, config: DetectConfig) -> tuple[Predictor, RunFolder]:
    from engine.prediction.predictor import Predictor

    if project is None:
        raise UserError("No network to detect with.", hint="Name a project with a run, or a checkpoint with --weights.")
    run = open_run(project, run_id)
    return Predictor.from_run(run, checkpoint_name(epoch), config=config), run


def checkpoint_name(text: str) -> CheckpointName:
    """``best``, ``last`` or the number of an epoch.

    Raises:
        UserError: for anything else.
    """
    if text == "best":
        return "best"
    if text == "last":
        return "last"
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise UserError(f"“{text}” is no epoch.", hint="Write best, last or a number from 1.")


def _loose(predictor: Predictor, paths: list[Path]) -> Iterator[tuple[str, Detections]]:
    from engine.project.images import find_images

    files = [f for p in paths for f in (find_images(p) if p.is_dir() else [p])]
    yield from zip((str(f) for f in files), predictor.stream((0, f) for f in files), strict=True)


def _staged(
    project: Path, run: RunFolder, predictor: Predictor, split: Split | None
) -> Iterator[tuple[str, Detections]]:
    from engine.prediction.predictor import detect_into
    from engine.project.predictions import PredictionStore
    from engine.project.store import ProjectStore

    with ProjectStore.open(project, read_only=True) as store:
        chosen = [i for i in store.images() if split is None or i.split is split]
        paths = [(i.id, store.image_path(i.id)) for i in chosen]
    with PredictionStore(run.predictions_path, read_only=False) as staged:
        for record, detections in zip(chosen, detect_into(staged, predictor, paths), strict=True):
            yield record.path, detections


def _coco_results(file_name: str, detections: Detections, predictor: Predictor, score: float) -> list[dict[str, Any]]:
    names = {c.id: c.name for c in predictor.categories}
    results = []
    for prediction in detections.predictions:
        if prediction.score < score:
            continue
        x0, y0, x1, y1 = prediction.box_xyxy
        entry: dict[str, Any] = {
            "image_id": prediction.image_id,
            "file_name": file_name,
            "category": names[prediction.category_id],
            "category_id": prediction.category_id,
            "score": prediction.score,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        }
        if prediction.mask is not None:
            entry["segmentation"] = prediction.mask.to_coco()
        results.append(entry)
    return results
