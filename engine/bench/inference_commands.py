"""``maskwright bench inference``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.bench.inference_settings import InferenceSettings
from engine.bench.settings import Side

_RATIOS = ("speedup", "fp32_speedup", "paste_speedup", "memory_ratio")
_SIDES = (Side.TORCHVISION, Side.MASKWRIGHT, Side.MASKWRIGHT_FP32)


def register(app: typer.Typer) -> None:
    """Add the bench to `app`."""
    app.command("inference")(inference)
    app.command("_inference_side", hidden=True)(side)


def inference(
    small: Annotated[int, typer.Option(help="Longer side of the pictures called 1mp.")] = 1155,
    large: Annotated[int, typer.Option(help="Longer side of the pictures called 16mp.")] = 4619,
    images: Annotated[int, typer.Option(help="Pictures of each size.")] = 2,
    detections: Annotated[int, typer.Option(help="Objects found in each.")] = 100,
    short_side: Annotated[int, typer.Option(help="Shorter side of the network's input.")] = 800,
    long_side: Annotated[int, typer.Option(help="Longest side of the network's input.")] = 1333,
    rounds: Annotated[int, typer.Option(help="Turns of each side.")] = 7,
    warm_up: Annotated[int, typer.Option(help="Turns before them that do not count.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads of each side; 0 lets torch decide.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of pictures and weights.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Detection beside torchvision's own: speed from file to masks, pasting alone, and memory."""
    settings = InferenceSettings.asked(
        small=small, large=large, images=images, detections=detections, short_side=short_side, long_side=long_side,
        rounds=rounds, warm_up=warm_up, threads=threads, device=device, seed=seed,
    )  # fmt: skip
    from engine.bench.inference import measure

    result = measure(settings, tell=lambda text: print(text, file=sys.stderr))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    for name in settings.pictures:
        print(f"{name}: {result[name]['width']} x {result[name]['height']}, {detections} detections")
        for line in lines_of(result[name]):
            print(f"  {line}")


def lines_of(figures: dict[str, Any]) -> list[str]:
    """The figures of one size for a person."""
    told = []
    for name in _SIDES:
        side = figures[str(name).replace("-", "_")]
        steps = ", ".join(f"{part} {side[f'{part}_s']:.3f}" for part in ("read", "preprocess", "network", "paste"))
        speed = f"{side['s_per_image']:8.3f} s/image ({steps})"
        told.append(f"{name!s:17} {speed} {side['peak_memory_mib']:8.0f} MiB  {side['dtype']}")
    return told + [f"{name:17} {figures[name]:8.2f}" for name in _RATIOS]


def side(folder: Path, name: Side) -> None:
    """Be one side of the inference bench."""
    from engine.bench.inference_worker import main

    raise typer.Exit(main(folder, name))
