"""``maskwright bench …``: what the window measures.  Qt is imported only when a bench runs."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the benches to `app`."""
    app.command("fluid")(fluid)

    @app.callback()
    def _several() -> None:
        """Measure this machine."""


def fluid(
    seconds: Annotated[float, typer.Option(help="How long strokes are painted at rest.")] = 15.0,
    steps: Annotated[int, typer.Option(help="Training steps that are compared.", min=12)] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """How fluid the window stays while a training runs, and what painting costs the training."""
    from gui.bench.fluid import measure

    result = measure(seconds=seconds, steps=steps, tell=lambda text: print(text, file=sys.stderr))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    idle, busy, trainer = result["idle"], result["training"], result["trainer"]
    print(f"gui timer late, at rest:        p50 {idle['p50_ms']:.1f} ms, p99 {idle['p99_ms']:.1f} ms")
    print(f"gui timer late, while training: p50 {busy['p50_ms']:.1f} ms, p99 {busy['p99_ms']:.1f} ms")
    print(f"training step, headless:        {trainer['headless_s_per_step']:.3f} s")
    print(f"training step, with painting:   {trainer['painting_s_per_step']:.3f} s ({trainer['ratio']:.2f}x)")
