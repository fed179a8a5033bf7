"""The hidden command behind the window's engine service."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("_service", hidden=True)(service)


def service(project: Path) -> None:
    """Answer requests on stdin until it is closed."""
    from engine.service.main import main

    raise typer.Exit(main(project))
