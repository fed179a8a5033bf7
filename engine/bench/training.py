"""Maskwright's training beside torchvision's recipe: the same network, tensors, pictures and counts on one machine."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bench.loading import compare_loaders
from engine.bench.machine import machine_facts
from engine.bench.pictures import make_pictures
from engine.bench.settings import CLASSES, SOURCE_SCALE, BenchSettings, Side
from engine.bench.start import write_start
from engine.bench.turns import Measured, Worker, take_turns
from engine.errors import RunError
from engine.model.device import Device, choose_device

Tell = Callable[[str], None]
Sides = dict[Side, Measured]


def measure(settings: BenchSettings, *, tell: Tell) -> dict[str, Any]:
    """Run the bench; figures as JSON-ready values (see docs/benchmarks.md).

    Raises:
        RunError: when a side ends early, or the two did not do the same work.
    """
    device = choose_device(settings.device)
    with tempfile.TemporaryDirectory(prefix="maskwright-bench-") as place:
        folder = Path(place)
        tell("loaders …")
        loader = compare_loaders(folder / "loader", settings)
        tell("pictures and starting weights …")
        _prepare(folder, settings)
        sides = _trained(folder, settings, _sides(device), tell)
    _check_alike(sides)
    return {
        **_ratios(sides, loader),
        **{str(side).replace("-", "_"): measured.to_json() for side, measured in sides.items()},
        "loader": loader,
        "settings": settings.model_dump(),
        "machine": machine_facts(device, threads=sides[Side.RECIPE].ready["threads"]),
        "date": time.strftime("%Y-%m-%d"),
    }


def _prepare(folder: Path, settings: BenchSettings) -> None:
    """What every side reads: settings, pictures, starting tensors."""
    settings.save(folder)
    data = make_pictures(
        folder / "pictures",
        count=settings.images,
        objects=settings.objects,
        longest=round(settings.size * SOURCE_SCALE),
        classes=CLASSES,
        seed=settings.seed,
    )
    data.save(folder / "dataset.json")
    write_start(folder, settings)


def _sides(device: Device) -> list[Side]:
    """Who takes part; without autocast both sides of Maskwright are one, and the recipe has it for CUDA only."""
    chosen = [Side.RECIPE, Side.MASKWRIGHT]
    if device.autocast_dtype is not None:
        chosen.append(Side.MASKWRIGHT_FP32)
    if device.kind == "cuda":
        chosen.insert(1, Side.RECIPE_AMP)
    return chosen


def _trained(folder: Path, settings: BenchSettings, chosen: list[Side], tell: Tell) -> Sides:
    with contextlib.ExitStack() as stack:
        workers = []
        for side in chosen:
            tell(f"starting {side} …")
            workers.append(stack.enter_context(Worker(folder, side)))
        counts = {"steps": settings.steps, "rounds": settings.rounds, "warm_up": settings.warm_up}
        sides = take_turns(workers, **counts, tell=tell)
    sides.setdefault(Side.MASKWRIGHT_FP32, sides[Side.MASKWRIGHT])
    return sides


def _check_alike(sides: Sides) -> None:
    """A comparison of unlike things would say nothing."""
    if len({measured.ready["weights_sha256"] for measured in sides.values()}) > 1:
        raise RunError("The sides of the bench did not start from the same weights.")
    if len({tuple(measured.objects) for measured in sides.values()}) > 1:
        raise RunError("The sides of the bench did not see the same number of objects.")


def _ratios(sides: Sides, loader: dict[str, Any]) -> dict[str, float]:
    """Above 1 Maskwright is faster; below 1 it needs less memory."""
    recipe, own = sides[Side.RECIPE], sides[Side.MASKWRIGHT]
    ratios = {
        "speedup": own.images_per_s / recipe.images_per_s,
        "fp32_speedup": sides[Side.MASKWRIGHT_FP32].images_per_s / recipe.images_per_s,
        "memory_ratio": own.peak_memory_mib / recipe.peak_memory_mib,
        "loader_speedup": loader["recipe_s_per_image"] / loader["maskwright_s_per_image"],
    }
    if Side.RECIPE_AMP in sides:
        ratios["amp_speedup"] = own.images_per_s / sides[Side.RECIPE_AMP].images_per_s
    return ratios
