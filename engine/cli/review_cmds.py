"""Commands around what was found: overlaps, demo, sample."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import console, print_json, say
from engine.domain.annotation import Split
from engine.errors import RunError, UserError

if TYPE_CHECKING:
    from engine.project.store import ProjectStore
    from engine.review.overlaps import OverlapRule
    from engine.review.reviewed import ReviewedImage

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


class Source(StrEnum):
    """Where overlaps are looked for."""

    PREDICTIONS = "predictions"
    ANNOTATIONS = "annotations"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(overlaps)
    app.command()(demo)
    app.command()(sample)


def overlaps(
    project: Annotated[Path, typer.Argument(help="Project folder.")],
    source: Annotated[
        Source, typer.Option(help="Look at a run's predictions, or at the annotations.")
    ] = Source.PREDICTIONS,
    run_id: Annotated[str, typer.Option("--run", help="Run id, or last.")] = "last",
    split: Annotated[Split | None, typer.Option(help="Only this split.")] = None,
    min_iou: Annotated[float | None, typer.Option(help="Mask IoU of the same object.", min=0, max=1)] = None,
    min_score: Annotated[float | None, typer.Option(help="Lowest score of a runner-up.", min=0, max=1)] = None,
    min_ratio: Annotated[float | None, typer.Option(help="Lowest share of the best score.", min=0, max=1)] = None,
    report: Annotated[Path | None, typer.Option(help="Write pictures of the groups to this HTML file.")] = None,
    as_json: Json = False,
) -> None:
    """Find objects that carry several classes, among predictions or annotations."""
    from engine.project.store import ProjectStore
    from engine.review.report import Report, write_report
    from engine.review.reviewed import quality_of

    rule = _rule(min_iou, min_score, min_ratio)
    with ProjectStore.open(project, read_only=True) as store:
        names = {c.id: c.name for c in store.categories()}
        if source is Source.ANNOTATIONS:
            facts: dict[str, str] = {"source": "annotations"}
            images = _annotated(store, split, rule)
        else:
            facts, images = _predicted(store, run_id, split, rule)
        quality = quality_of(images) if source is Source.PREDICTIONS else None
        if report is not None:
            page = Report(f"Groups in {store.name}", facts, images, store.categories(), quality)
            write_report(page, report)
            say(f"Report: {report}")
    groups = [(image.name, group) for image in images for group in image.groups]
    if as_json:
        entries = [{"file_name": name, **_entry(group, names)} for name, group in groups]
        figures = quality.to_json() if quality else None
        print_json({**facts, "images": len(images), "groups": entries, "quality": figures})
        return
    for name, group in groups:
        say(f"{name}: {group.reason}")
    say(f"{len(groups)} groups in {len(images)} images.")


def sample(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures (train/ and val/).")],
    seed: Annotated[int | None, typer.Option(help="Another seed gives other pictures.")] = None,
    project: Annotated[bool, typer.Option("--project", help="Make a project of the pictures that come along.")] = False,
) -> None:
    """Render the sample pictures with their annotations, or make a project of those that come with Maskwright."""
    from engine.sample.generator import SEED, write_sample

    if project:
        from engine.sample.project import create_sample_project

        with create_sample_project(out) as store:
            say(f"{len(store.images())} pictures in {out}")
        return
    try:
        with console.status("Rendering…"):
            write_sample(out, seed=SEED if seed is None else seed)
    except OSError as error:
        raise UserError(f"The pictures cannot be written: {error.strerror}.", path=out) from error
    say(f"Pictures and annotations are in {out}")


def demo(
    out: Annotated[Path, typer.Option(help="Folder for project, pictures and report.")] = Path("maskwright-demo"),
    stages: Annotated[str | None, typer.Option(help='Training plan, such as "all:8@1e-2".')] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value for the training.")] = None,
    as_json: Json = False,
) -> None:
    """The whole loop without a window: sample project, short training, detection, groups, pictures, HTML report."""
    from engine.cli.demo import run_demo

    outcome = run_demo(out, stages=stages, settings=tuple(settings or ()))
    if as_json:
        print_json(outcome)


# --- helpers ------------------------------------------------------------------------------------------------------


def _rule(min_iou: float | None, min_score: float | None, min_ratio: float | None) -> OverlapRule:
    from engine.review.overlaps import OverlapRule

    given: dict[str, Any] = {"min_iou": min_iou, "min_score": min_score, "min_score_ratio": min_ratio}
    return OverlapRule(**{name: value for name, value in given.items() if value is not None})


def _annotated(store: ProjectStore, split: Split | None, rule: OverlapRule) -> list[ReviewedImage]:
    from engine.project.pair_policies import pair_policies
    from engine.review.reviewed import reviewed_annotation

    names, policies = {c.id: c.name for c in store.categories()}, pair_policies(store)
    chosen = [r for r in store.images() if split is None or r.split is split]
    return [
        reviewed_annotation(r.path, store.image_path(r.id), store.annotation(r.id), names, rule, policies)
        for r in chosen
    ]


def _predicted(
    store: ProjectStore, run_id: str, split: Split | None, rule: OverlapRule
) -> tuple[dict[str, str], list[ReviewedImage]]:
    from engine.project.pair_policies import pair_policies
    from engine.project.predictions import PredictionStore
    from engine.project.runs import open_run
    from engine.review.reviewed import reviewed_detections

    run = open_run(store.folder, run_id)
    names, policies = {c.id: c.name for c in store.categories()}, pair_policies(store)
    images = []
    with PredictionStore(run.predictions_path) as staged:
        epochs = staged.epochs()
        if not epochs:
            raise RunError(f"Run {run.id} has no predictions yet.", path=run.path, hint="Detect first.")
        looked_at = set(staged.image_ids(epochs[0]))
        for record in store.images():
            if record.id in looked_at and (split is None or record.split is split):
                found = staged.detections(record.id, epochs[0])
                path, annotation = store.image_path(record.id), store.annotation(record.id)
                images.append(reviewed_detections(record.path, path, annotation, found, names, rule, policies))
    return {"source": "predictions", "run": run.id, "epoch": str(epochs[0])}, images


def _entry(group: Any, names: dict[int, str]) -> dict[str, Any]:
    entry = asdict(group)
    for member in (entry["keeper"], *entry["others"]):
        member["category"] = names.get(member["category_id"], "?")
    return entry
