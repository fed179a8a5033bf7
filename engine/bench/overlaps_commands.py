"""``maskwright bench overlaps``."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the bench to `app`."""
    app.command("overlaps")(overlaps)


def overlaps(
    images: Annotated[int, typer.Option(help="Pictures of 1920 x 1080.", min=1)] = 10_000,
    detections: Annotated[int, typer.Option(help="Detections in each.", min=2, max=2000)] = 100,
    seed: Annotated[int, typer.Option(help="Of the pictures.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Same-object groups beside pycocotools' mask IoU: time, memory, and the same pairs."""
    from engine.bench.overlaps import measure

    result = measure(images=images, detections=detections, seed=seed, tell=lambda text: print(text, file=sys.stderr))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    for name, figures in (("realistic", result), ("crowded", result["crowded"])):
        print(line_of(name, figures))
    if result["rss_mib"] is not None:
        print(f"peak memory {result['rss_mib']:.0f} MiB")


def line_of(name: str, figures: dict[str, Any]) -> str:
    """The figures of one mix for a person."""
    return (
        f"{name:10} {figures['images']} pictures in {figures['seconds']:.1f} s ({figures['ms_per_image']:.2f} ms each, "
        f"pycocotools {figures['pycocotools_ms_per_image']:.2f} ms: {figures['speedup_vs_pycocotools']:.2f} times; "
        f"the pairs alone {figures['pairs_speedup_vs_pycocotools']:.2f} times), "
        f"{figures['touching_pairs_per_image']:.0f} touching pairs a picture"
    )
