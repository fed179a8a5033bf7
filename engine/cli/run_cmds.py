"""Commands around what was trained: the list of runs, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from engine.cli.output import console, print_json, say
from engine.errors import RunError
from engine.project.runs import RunFolder, list_runs, open_run

if TYPE_CHECKING:
    from engine.project.run_comparison import Comparison
    from engine.project.run_history import EpochPoint, RunHistory

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
_SHORT = 8  # hex digits of a digest that people see


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(runs)


def runs(
    project: Project,
    compare: Annotated[
        tuple[str, str] | None, typer.Option("--compare", metavar="A B", help="Two run ids (or last), side by side.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the project's training runs, newest first, or compare two that share a validation set."""
    from engine.project.run_comparison import compare as side_by_side
    from engine.project.run_history import history_of

    if compare is not None:
        first, second = (history_of(open_run(project, run_id)) for run_id in compare)
        comparison = side_by_side(first, second)
        print_json(comparison.to_json()) if as_json else _print_comparison(comparison)
        return
    found = list_runs(project)
    print_json(run_facts(found)) if as_json else print_runs(found)


def run_facts(found: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """What programs are told about runs."""
    from engine.project.run_history import same_validation

    histories = _readable(found)
    shared = same_validation(list(histories.values()))
    facts = []
    for run, history in histories.items():
        peers = shared.get(history.data.val_digest, []) if history.data else []
        same = [other for other in peers if other != history.id]
        facts.append({**history.to_json(), "same_validation": same, "folder": str(run.path)})
    return facts


def print_runs(found: Sequence[RunFolder]) -> None:
    """What people are told about runs."""
    from engine.project.run_history import same_validation

    histories = list(_readable(found).values())
    table = _table("Run", "State", "AP", "Time", "Images")
    for history in histories:
        table.add_row(*_row(history))
    console.print(table)
    for ids in same_validation(histories).values():
        say(f"On the same validation set, so their figures may be compared: {', '.join(ids)}.")


def _readable(found: Sequence[RunFolder]) -> dict[RunFolder, RunHistory]:
    """Histories by run; one damaged run is told and does not hide the others."""
    from engine.project.run_history import history_of

    histories = {}
    for run in found:
        try:
            histories[run] = history_of(run)
        except RunError as error:
            say(str(error))
    return histories


def _row(history: RunHistory) -> list[str]:
    """Two lines to a cell, so that a run fits into a terminal of usual width."""
    s, data = history.summary, history.data
    best = f"{_figure(history.best)} at {history.best.epoch}" if history.best else "–"
    return [
        f"{s.id}\n{s.preset}",
        f"{s.state}\n{s.epochs_done}/{s.epochs} epochs",
        f"{history.measure} {best}\nlast {_figure(history.last)}",
        f"{_duration(history.seconds)}\n{s.device}",
        f"{data.train_images}+{data.val_images}\n{data.digest[:_SHORT]}" if data else "–",
    ]


def _print_comparison(comparison: Comparison) -> None:
    """Runs are A and B here: an id is too long to head a column of figures."""
    measure = comparison.first.measure
    console.print(_both_runs(comparison))
    classes = _table("Class", "A", "B", "B - A", title=f"{measure} AP by class, at each one's best epoch")
    for c in comparison.classes:
        difference = "–" if c.difference is None else f"{c.difference:+.3f}"
        classes.add_row(c.category, _number(c.first), _number(c.second), difference)
    settings = _table("Setting", "A", "B", title="Asked differently")
    for d in comparison.settings:
        settings.add_row(d.setting, _setting(d.first), _setting(d.second))
    curves = _table("Epoch", f"{measure} AP A", f"{measure} AP B", "loss A", "loss B", title="By epoch")
    for epoch, a, b in comparison.curves():
        losses = [_number(p.loss if p else None) for p in (a, b)]
        curves.add_row(str(epoch), _figure(a), _figure(b), *losses)
    for table in (classes, settings, curves):
        if table.row_count:
            console.print(table)
    if not comparison.settings:
        say("Both were asked the same.")


def _both_runs(comparison: Comparison) -> Table:
    table = _table("", "Run", "State", "AP", "Time", "Images")
    for letter, history in (("A", comparison.first), ("B", comparison.second)):
        table.add_row(letter, *_row(history))
    return table


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=column in ("Run", "State", "AP", "Images"))
    return table


def _figure(point: EpochPoint | None) -> str:
    return _number(point.ap if point else None)


def _number(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "–"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _setting(value: Any) -> str:
    """A value of the configuration; a plan as it is written on the command line."""
    if not isinstance(value, dict):
        return str(value)
    stages = [
        f"{s['layers']}:{s['until_epoch']}@{s['learning_rate']:g}{'' if s['augment'] else '!'}"
        + (f" {s['schedule']}" if s["schedule"] != "constant" else "")
        for s in value["stages"]
    ]
    return ", ".join(stages)
