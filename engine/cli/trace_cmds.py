"""Commands that look inside: every step of one detection, and the step that lost each missed object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from engine.cli.output import console, print_json, say
from engine.cli.train_cmds import checkpoint_name
from engine.config import DetectConfig
from engine.domain.annotation import Annotation, Split
from engine.errors import DataError, UserError

if TYPE_CHECKING:
    from engine.domain.trace import Trace
    from engine.prediction.predictor import Predictor
    from engine.project.store import ProjectStore
    from engine.review.missed import Miss, MissReport

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Run = Annotated[str, typer.Option("--run", help="Run id, or last.")]
Epoch = Annotated[str, typer.Option("--epoch", help="best, last or an epoch.")]
Score = Annotated[float, typer.Option(help="Predictions below do not count as found.", min=0, max=1)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(trace)
    app.command()(missed)


def trace(
    project: Project,
    image: Annotated[str, typer.Argument(help="An image of the project (name or end of path), or any image file.")],
    run_id: Run = "last",
    epoch: Epoch = "best",
    out: Annotated[Path | None, typer.Option(help="Folder for pictures of the steps and trace.json.")] = None,
    score: Score = 0.5,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Detect on one image and show every step, and why the objects annotated on it were missed."""
    from engine.project.store import ProjectStore
    from engine.review.miss_stages import explain_misses
    from engine.review.missed import MissRule
    from engine.review.trace_facts import trace_json

    with ProjectStore.open(project, read_only=True) as store:
        path, annotation = _image_of(store, image)
        names = {c.id: c.name for c in store.categories()}
    predictor = _predictor(project, run_id, epoch, device)
    names |= {c.id: c.name for c in predictor.categories}
    with console.status("Detecting…"):
        found = predictor.trace(path, annotation.image_id if annotation else 0)
    misses = explain_misses(found, annotation, MissRule(min_score=score)) if annotation else ()
    facts = {"image": path.name, "epoch": predictor.epoch, **trace_json(found, names)}
    facts["missed"] = [m.to_json() for m in misses]
    if out is not None:
        _write(found, path, predictor, misses, facts, out)
    if as_json:
        print_json(facts)
        return
    _print_trace(found)
    _print_misses(misses, names)
    if out is not None:
        say(f"Pictures and trace.json are in {out}")


def missed(
    project: Project,
    split: Annotated[Split, typer.Option(help="The split to look at.")] = Split.VAL,
    run_id: Run = "last",
    epoch: Epoch = "best",
    score: Score = 0.5,
    iou: Annotated[
        float, typer.Option(help="Least mask IoU of a prediction that finds an object.", min=0, max=1)
    ] = 0.5,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Say which step of the network lost each object that is missed, over a whole split."""
    from engine.prediction.missed import find_misses
    from engine.project.store import ProjectStore
    from engine.review.missed import MissRule

    with ProjectStore.open(project, read_only=True) as store:
        names = {c.id: c.name for c in store.categories()}
        images = _annotated(store, split)
    predictor = _predictor(project, run_id, epoch, device)
    names |= {c.id: c.name for c in predictor.categories}
    with console.status(f"Tracing {len(images)} images…"):
        report = find_misses(predictor, images, MissRule(min_iou=iou, min_score=score))
    if as_json:
        print_json({"split": str(split), "epoch": predictor.epoch, **report.to_json(names)})
        return
    _print_report(report, names)


# --- helpers ------------------------------------------------------------------------------------------------------


def _predictor(project: Path, run_id: str, epoch: str, device: str) -> Predictor:
    from engine.prediction.predictor import Predictor
    from engine.project.runs import open_run

    config = DetectConfig.model_validate({"device": device})
    return Predictor.from_run(open_run(project, run_id), checkpoint_name(epoch), config=config)


def _image_of(store: ProjectStore, name: str) -> tuple[Path, Annotation | None]:
    """File and annotation of an image; a file that is not in the project has none.

    Raises:
        DataError: when there is no such image, or several have that name.
    """
    found = store.image_named(name)
    if len(found) > 1:
        raise DataError(f"{len(found)} images are called “{name}”.", hint="Write more of the path.")
    if found:
        return store.image_path(found[0].id), store.annotation(found[0].id)
    if not Path(name).is_file():
        raise DataError(f"There is no image “{name}”, neither in this project nor as a file.")
    return Path(name), None


def _annotated(store: ProjectStore, split: Split) -> list[tuple[Path, Annotation]]:
    """Files and annotations of the images of `split` with objects.

    Raises:
        DataError: when there is none.
    """
    images = [
        (store.image_path(r.id), store.annotation(r.id))
        for r in store.images()
        if r.split is split and store.annotation(r.id).instances
    ]
    if not images:
        raise DataError(f"The {split} split has no annotated object that could be missed.")
    return images


def _write(
    trace: Trace, path: Path, predictor: Predictor, misses: tuple[Miss, ...], facts: dict[str, Any], out: Path
) -> None:
    from engine.project.images import read_image
    from engine.review.trace_pictures import write_trace_pictures

    write_trace_pictures(trace, read_image(path), {c.id: c for c in predictor.categories}, out, misses)
    try:
        (out / "trace.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise UserError(f"The trace cannot be written: {error.strerror}.", path=out / "trace.json") from error


def _print_trace(trace: Trace) -> None:
    from engine.review.trace_facts import step_counts

    found = trace.found
    say(f"{found.width} x {found.height} pixels, as {trace.input_width} x {trace.input_height} to the network.")
    boxes = _table("Step", "Boxes")
    for step in step_counts(trace):
        boxes.add_row(step.title, str(step.boxes))
    times = _table("Time", "ms")
    for name, seconds in trace.seconds.items():
        times.add_row(name, f"{seconds * 1000:.1f}")
    console.print(boxes)
    console.print(times)


def _print_misses(misses: tuple[Miss, ...], names: dict[int, str]) -> None:
    from engine.review.miss_words import miss_words

    for miss in misses:
        x0, y0, x1, y1 = miss.box_xyxy
        where = f"{x1 - x0:.0f} x {y1 - y0:.0f} at ({x0:.0f}, {y0:.0f})"
        say(f"Missed {names.get(miss.category_id, '?')}, {where}: {miss_words(miss, names)}")


def _print_report(report: MissReport, names: dict[int, str]) -> None:
    from engine.review.miss_words import ADVICE, TITLES, miss_words

    total, objects = len(report.misses), sum(report.objects.values())
    say(f"{total} of {objects} objects in {len(report.images)} images are missed.")
    table = _table("Lost at", "Objects", "Share", "What helps")
    for stage, count in report.by_stage().items():
        table.add_row(TITLES[stage], str(count), f"{count / total:.0%}", ADVICE[stage])
    if total:
        console.print(table)
    if total and len(report.objects) > 1:
        console.print(_by_category(report, names))
    for miss in report.misses:
        name = f"{report.images[miss.image_id]}: {names.get(miss.category_id, '?')}"
        say(f"{name} at ({miss.box_xyxy[0]:.0f}, {miss.box_xyxy[1]:.0f}): {miss_words(miss, names)}")


def _by_category(report: MissReport, names: dict[int, str]) -> Table:
    from engine.review.miss_words import TITLES

    table = _table("Class", "Objects", "Missed", "Lost at")
    for category_id, stages in report.by_category().items():
        lost = ", ".join(f"{TITLES[s]} {n}" for s, n in sorted(stages.items(), key=lambda pair: -pair[1]))
        name = names.get(category_id, "?")
        table.add_row(name, str(report.objects[category_id]), str(sum(stages.values())), lost or "–")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("Boxes", "ms", "Objects", "Share", "Missed") else "left")
    return table
