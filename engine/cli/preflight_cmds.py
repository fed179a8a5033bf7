"""The command that tells what the data is like before a training: preflight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import console, print_json, say
from engine.config import PRESET_HELP, TrainConfig, train_config

if TYPE_CHECKING:
    from engine.project.store import ProjectStore
    from engine.review.preflight.checks import Report
    from engine.review.preflight.findings import Finding

_MARKS = {"refuse": "Refused", "warn": "Warning", "note": "Note"}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("preflight")(preflight_project)


def preflight_project(
    project: Annotated[Path, typer.Argument(help="Project folder.")],
    preset: Annotated[str, typer.Option(help=PRESET_HELP)] = "quick",
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> int:
    """Say what in the data would make a training fail or disappoint; exit code 1 when it would be refused."""
    from engine.project.store import ProjectStore

    config = train_config(preset, settings=tuple(settings or ()))
    with ProjectStore.open(project, read_only=True) as store:
        found = look(store, config)
    if as_json:
        print_json([finding.to_json() for finding in found])
    else:
        tell(found)
        if not found:
            say("Nothing stands out: the data is ready for a training.")
    return 1 if any(f.level == "refuse" for f in found) else 0


def look(store: ProjectStore, config: TrainConfig) -> list[Finding]:
    """The findings on a project's data as it is now, with a progress line meanwhile."""
    from engine.project.dataset import freeze
    from engine.review.preflight.checks import preflight

    with _progress() as progress:
        return preflight(freeze(store), config, progress=progress)


def tell(findings: Sequence[Finding]) -> None:
    """One line for each finding."""
    for finding in findings:
        say(f"{_MARKS[finding.level]}: {finding.text}")


@contextmanager
def _progress() -> Iterator[Report]:
    """A progress line on stderr that is gone when the work is done."""
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Looking at the data", total=1.0)
        yield lambda part, text: bar.update(task, completed=part, description=text)
