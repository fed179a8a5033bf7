"""weights: what a training can start from, and fetching it ahead of time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.output import console, print_json, say
from engine.config import WEIGHTS
from engine.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(weights)


def weights(
    name: Annotated[str | None, typer.Argument(help="Download these now; without a name: list all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Weights that have a name: which there are, which are on this computer; with a name, get them."""
    if name is not None and name not in WEIGHTS:
        raise UserError(f"There are no weights “{name}”.", hint=f"Choose one of: {', '.join(WEIGHTS)}.")
    if name is not None:
        have_weights(name)
    listed = [_facts(n) for n in WEIGHTS if name in (None, n)]
    if as_json:
        print_json(listed)
        return
    for facts in listed:
        say(f"{facts['name']:22} {facts['file'] or 'not downloaded'}")


def have_weights(name: str) -> None:
    """Download the weights called `name` with a progress bar, unless they are here or need no download.

    Raises:
        DownloadError: when they cannot be had.
    """
    if name not in WEIGHTS[1:]:
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from engine.model.published import fetch, local_copy

    if local_copy(name).exists():
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"weights “{name}”", total=None)
        fetch(name, lambda have, total: bar.update(task, completed=have, total=total or None))


def _facts(name: str) -> dict[str, Any]:
    """Name and local file: "packaged", a path, or None."""
    if name == WEIGHTS[0]:
        return {"name": name, "file": "packaged"}
    from engine.model.published import local_copy

    copy = local_copy(name)
    return {"name": name, "file": str(copy) if copy.exists() else None}
