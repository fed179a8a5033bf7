"""``maskwright bench …``: what the engine measures.  torch is imported only when a bench runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.bench import inference_commands, overlaps_commands
from engine.bench.settings import BenchSettings, Side


def register(app: typer.Typer) -> None:
    """Add the benches to `app`."""
    app.command("training")(training)
    app.command("_side", hidden=True)(side)
    inference_commands.register(app)
    overlaps_commands.register(app)


def training(
    size: Annotated[int, typer.Option(help="Longer side of the network's input.")] = 1024,
    images: Annotated[int, typer.Option(help="Pictures, an even number.")] = 4,
    objects: Annotated[int, typer.Option(help="Objects in each of them.")] = 60,
    steps: Annotated[int, typer.Option(help="Steps a turn.")] = 5,
    rounds: Annotated[int, typer.Option(help="Turns of each side.")] = 2,
    warm_up: Annotated[int, typer.Option(help="Steps before them that do not count.")] = 2,
    rois: Annotated[int, typer.Option(help="ROIs sampled per image.")] = 512,
    threads: Annotated[int, typer.Option(help="CPU threads of each side; 0 lets torch decide.")] = 0,
    loader_objects: Annotated[int, typer.Option(help="Objects a picture, where loaders are compared.")] = 100,
    loader_rounds: Annotated[int, typer.Option(help="Samples that each loader makes.")] = 10,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of pictures, weights and draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Training beside torchvision's own recipe: speed, memory, and how fast samples are made."""
    settings = BenchSettings.asked(
        size=size, images=images, objects=objects, steps=steps, rounds=rounds, warm_up=warm_up, rois=rois,
        threads=threads, loader_objects=loader_objects, loader_rounds=loader_rounds, device=device, seed=seed,
    )  # fmt: skip
    from engine.bench.training import measure

    result = measure(settings, tell=lambda text: print(text, file=sys.stderr))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    for line in lines_of(result):
        print(line)


def lines_of(result: dict[str, Any]) -> list[str]:
    """The figures for a person."""
    titles = {str(side).replace("-", "_"): str(side) for side in Side}
    told = [
        f"{title:17} {result[key]['s_per_step']:8.3f} s/step {result[key]['images_per_s']:8.3f} images/s "
        f"{result[key]['peak_memory_mib']:8.0f} MiB  {result[key]['dtype']}"
        for key, title in titles.items()
        if key in result
    ]
    loader = result["loader"]
    told += [
        f"a sample of {loader['objects']} objects: {1000 * loader['recipe_s_per_image']:.1f} ms by the recipe, "
        f"{1000 * loader['maskwright_s_per_image']:.1f} ms by Maskwright"
    ]
    ratios = ("speedup", "fp32_speedup", "amp_speedup", "memory_ratio", "loader_speedup")
    return told + [f"{name:17} {result[name]:8.2f}" for name in ratios if name in result]


def side(folder: Path, name: Side) -> None:
    """Be one side of the training bench."""
    from engine.bench.worker import main

    raise typer.Exit(main(folder, name))
