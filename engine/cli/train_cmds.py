"""The command that trains, and the process behind the window's button."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.output import console, print_json, say
from engine.cli.preflight_cmds import look, tell
from engine.cli.run_cmds import print_runs, run_facts
from engine.cli.weights_cmds import have_weights
from engine.config import PRESET_HELP, train_config
from engine.errors import RunError, UserError
from engine.events import AttemptEnded
from engine.project.runs import CheckpointName, RunFolder, create_run, open_run
from engine.training.world import own_rank, world_size

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Run = Annotated[str, typer.Option("--run", help="Run id, or last.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(train)
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
