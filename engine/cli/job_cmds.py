"""Commands for training on another machine: pack, unpack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import console, print_json, say
from engine.config import PRESET_HELP, train_config

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(pack)
    app.command()(unpack)


def pack(
    project: Project,
    out: Annotated[Path, typer.Argument(help="Folder of the job: new, or empty.")],
    preset: Annotated[str, typer.Option(help=PRESET_HELP)] = "quick",
    stages: Annotated[str | None, typer.Option(help='A plan such as "heads:4@1e-2,all:10@1e-3".')] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, may be repeated.")] = None,
    weights: Annotated[str | None, typer.Option(help="Start from: a name, run:ID@EPOCH or a weights file.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Hard links to the images where the drive allows it.")] = False,
    as_json: Json = False,
) -> None:
    """Write a folder that trains on a machine without the project: images, data, settings, launch.sh."""
    from engine.project.jobs import pack_job
    from engine.project.store import ProjectStore

    chosen = [*(settings or ()), *([f"weights={weights}"] if weights else [])]
    config = train_config(preset, stages=stages, settings=tuple(chosen))
    with ProjectStore.open(project, read_only=True) as store, _progress("Packing") as progress:
        facts = pack_job(store, config, out, link=link, progress=progress)
    if as_json:
        print_json({"job": str(out.absolute()), **facts.model_dump()})
        return
    say(f"Packed {facts.images} images for run {facts.run} into {out}.")
    say("Start it there with sh launch.sh (README.txt says how), then bring it back with unpack.")


def unpack(
    project: Project,
    job: Annotated[Path, typer.Argument(help="The job's folder, copied back.")],
    as_json: Json = False,
) -> None:
    """Bring a packed job back as a run of the project, checked against what was packed."""
    from engine.project.job_unpack import unpack_job
    from engine.project.store import ProjectStore

    with ProjectStore.open(project, read_only=True) as store, _progress("Copying") as progress:
        unpacked = unpack_job(store, job, progress=progress)
    run, kept = unpacked.run, list(unpacked.strangers)
    if as_json:
        print_json({"run": run.id, "state": str(unpacked.state), "folder": str(run.path), "not_in_project": kept})
        return
    summary = run.summary()
    say(f"Run {run.id} is in the project: {summary.state}, {summary.epochs_done} of {summary.epochs} epochs.")
    if kept:
        say(f"{len(kept)} of its images are no longer in the project: {', '.join(kept)}.")


@contextmanager
def _progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr that is gone when the work is done."""
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
