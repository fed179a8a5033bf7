"""One side of the training bench in a process of its own, so that its peak memory is its own.

It says once what it starts from, then takes as many steps as each line on stdin asks for.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.bench.settings import BenchSettings, Side
from engine.service.loop import private_stdout

if TYPE_CHECKING:
    from engine.bench.sides import Training


def main(folder: Path, side: Side) -> int:
    """Train on request until stdin ends."""
    outgoing = private_stdout()  # before anything that may print is imported
    settings = BenchSettings.load(folder)
    with outgoing:
        _serve(folder, settings, side, outgoing)
    return 0


def _serve(folder: Path, settings: BenchSettings, side: Side, outgoing: IO[bytes]) -> None:
    import torch

    from engine.bench.start import digest

    training = _training(folder, settings, side)
    ready = {
        "weights_sha256": digest(training.network.state_dict()),
        "trainable_parameters": sum(p.numel() for p in training.network.parameters() if p.requires_grad),
        "dtype": training.device.dtype_name,
        "threads": torch.get_num_threads(),
    }
    tell(outgoing, ready)
    for line in sys.stdin:
        tell(outgoing, _turn(training, int(line)))


def _training(folder: Path, settings: BenchSettings, side: Side) -> Training:
    from engine.bench.maskwright import MaskwrightTraining
    from engine.bench.recipe import RecipeTraining
    from engine.bench.start import read_start
    from engine.project.dataset import FrozenDataset

    data, start = FrozenDataset.load(folder / "dataset.json"), read_start(folder)
    if side in (Side.RECIPE, Side.RECIPE_AMP):
        return RecipeTraining(settings, data, start, amp=side is Side.RECIPE_AMP)
    return MaskwrightTraining(settings, data, start, amp="auto" if side is Side.MASKWRIGHT else "off")


def _turn(training: Training, steps: int) -> dict[str, Any]:
    """Take `steps` steps; the time of each includes its wait for the batch and all that a GPU still has to do."""

    seconds, objects, losses = [], [], []
    for _ in range(steps):
        training.device.synchronize()
        begun = time.perf_counter()
        facts = training.step()
        training.device.synchronize()
        seconds.append(time.perf_counter() - begun)
        objects.append(facts.objects)
        losses.append(facts.loss)
    peak = training.device.peak_memory_mib()
    return {"seconds": seconds, "objects": objects, "losses": losses, "peak_memory_mib": peak}


def tell(outgoing: IO[bytes], values: dict[str, Any]) -> None:
    """A line of JSON to whoever asks."""
    outgoing.write(json.dumps(values).encode() + b"\n")
    outgoing.flush()
