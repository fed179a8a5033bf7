"""The command line: ``maskwright COMMAND …`` or ``python main.py COMMAND …``."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer

# Each module adds its own commands and imports what is heavy only inside them.
_MODULES = (
    "project_cmds",
    "preflight_cmds",
    "advice_cmds",
    "train_cmds",
    "detect_cmds",
    "evaluate_cmds",
    "diagnose_cmds",
    "run_cmds",
    "job_cmds",
    "weights_cmds",
    "review_cmds",
    "queue_cmds",
    "trace_cmds",
    "service_cmds",
)


def build_app() -> typer.Typer:
    """All commands of the engine."""
    app = typer.Typer(
        name="maskwright",
        help="Draw masks with holes, train Mask R-CNN, review what it predicts. Without a command: the window.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name in _MODULES:
        import_module(f"engine.cli.{name}").register(app)
    return app


def usage_error() -> Any:
    """Click's exception for what cannot be parsed, as typer raises it: newer typers carry a click of their own."""
    return sys.modules[typer.BadParameter.__module__].ClickException
