"""What a person should know before a training: advise, probe, sample-preview."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import console, print_json, say
from engine.config import TrainConfig, train_config

if TYPE_CHECKING:
    from engine.project.dataset import FrozenDataset
    from engine.project.runs import RunFolder

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Preset = Annotated[str, typer.Option(help="quick or notes.")]
Stages = Annotated[str | None, typer.Option(help='A plan such as "heads:4@1e-2,all:10@1e-3".')]
Settings = Annotated[list[str] | None, typer.Option("--set", help="key=value, may be repeated.")]
Run = Annotated[str | None, typer.Option("--run", help="Look with this run's network (an id, or last).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(advise)
    app.command()(probe)
    app.command("sample-preview")(sample_preview)
    app.command("_probe", hidden=True)(probe_folder)


def advise(
    project: Project,
    preset: Preset = "quick",
    stages: Stages = None,
    settings: Settings = None,
    run_id: Run = None,
    as_json: Json = False,
) -> None:
    """Say which anchor sizes and how many ROIs per image suit the data, measured on it.

    Proposals come from the newest run with weights; without one, from the network a training would begin with.
    """
    dataset, config = _asked(project, preset, stages, settings)
    from engine.model.device import choose_device
    from engine.training.advice import advise_anchors, advise_rois, to_json
    from engine.training.looking import open_looker, planned_anchor_sizes

    with console.status("Looking at the objects and proposals…"):
        looker = open_looker(config, dataset, project_folder=project, run=_run_to_look_with(project, run_id))
        anchors = advise_anchors(dataset, config, planned_anchor_sizes(config, project))
        device = choose_device(config.device, amp=config.amp, threads=config.threads)
        rois = advise_rois(dataset, config, looker, device)
    if as_json:
        print_json(to_json(anchors, rois))
        return
    for line in (*anchors.lines(), *rois.lines()):
        say(line)


def probe(
    project: Project,
    preset: Preset = "quick",
    stages: Stages = None,
    settings: Settings = None,
    fit: Annotated[bool, typer.Option("--fit", help="Find the largest batch that fits.")] = False,
    as_json: Json = False,
) -> int:
    """Take real steps on the worst batch and say whether the memory suffices; exit code 1 when it does not."""
    from engine.domain.annotation import Split
    from engine.training.memory import Measured, largest_fit, measure_apart
    from engine.training.memory import probe as probe_with

    dataset, config = _asked(project, preset, stages, settings)

    def measure(tried: TrainConfig) -> Measured:
        return measure_apart(dataset, tried, project_folder=project)

    with console.status("Trying the worst batch…"):
        report = probe_with(config, measure)
        largest = largest_fit(config, measure, images=len(dataset.annotated(Split.TRAIN))) if fit else None
    if as_json:
        print_json({**report.to_json(), **({"fit": largest.to_json()} if largest else {})})
    else:
        for line in (*report.lines(), *(largest.lines() if largest else ())):
            say(line)
    return 1 if report.measured.fits is False else 0


def probe_folder(folder: Path) -> None:
    """The process behind probe, which its memory is given back with."""
    from engine.training.memory import serve_probe

    serve_probe(folder)


def sample_preview(
    project: Project,
    image: Annotated[str, typer.Option(help="Name of an image that is trained on.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")],
    epoch: Annotated[int, typer.Option(help="From this epoch on.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="Samples to make.")] = 4,
    augment: Annotated[bool, typer.Option(help="As the plan augments, or not at all.")] = True,
    preset: Preset = "quick",
    stages: Stages = None,
    settings: Settings = None,
    run_id: Run = None,
    as_json: Json = False,
) -> None:
    """Draw exactly what the network would be fed of an image, with its anchors' and ROIs' targets."""
    dataset, config = _asked(project, preset, stages, settings)
    from engine.model.device import choose_device
    from engine.training.looking import open_looker
    from engine.training.preview import preview_samples, write_previews

    looker = open_looker(config, dataset, project_folder=project, run=_run_to_look_with(project, run_id))
    device = choose_device(config.device, amp=config.amp, threads=config.threads)
    found = preview_samples(
        dataset,
        config,
        image,
        network=looker.network,
        device=device,
        epoch=epoch,
        count=count,
        augment=augment,
    )
    files = write_previews(found, dataset.categories, out)
    if as_json:
        print_json([{**p.to_json(), "files": [f.name for f in own]} for p, own in zip(found, files, strict=True)])
        return
    say(f"ROIs are of {looker.words}.")
    for preview in found:
        say(preview.words())
    say(f"{sum(map(len, files))} pictures in {out}")


def _asked(
    project: Path, preset: str, stages: str | None, settings: list[str] | None
) -> tuple[FrozenDataset, TrainConfig]:
    """The data as it is now, and the training that is asked about.

    Raises:
        UserError: when the settings do not hold, or the data does not allow a training.
    """
    from engine.project.dataset import freeze
    from engine.project.store import ProjectStore
    from engine.project.trainable import check_trainable

    config = train_config(preset, stages=stages, settings=tuple(settings or ()))
    with ProjectStore.open(project, read_only=True) as store:
        dataset = freeze(store)
    check_trainable(dataset)
    return dataset, config.model_copy(update={"boxes_only": dataset.boxes_only})


def _run_to_look_with(project: Path, run_id: str | None) -> RunFolder | None:
    """The run that is named, else the newest with weights."""
    from engine.project.runs import open_run
    from engine.training.looking import trained_run

    return open_run(project, run_id) if run_id else trained_run(project)
