"""Detection beside torchvision's: the same network, weights, pictures and detections on one machine."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bench.inference_settings import InferenceSettings
from engine.bench.intervals import Interval
from engine.bench.machine import machine_facts
from engine.bench.pictures import make_pictures
from engine.bench.settings import CLASSES, Side
from engine.bench.start import draw_start
from engine.bench.turns import Worker
from engine.errors import RunError
from engine.model.device import Device, choose_device

Tell = Callable[[str], None]
_COMMAND = "_inference_side"
_SAME = 0.01  # share of pixels that masks of two sides may differ by: their interpolations round differently


@dataclass
class Timed:
    """What a side showed on pictures of one size.

    Attributes:
        ready: what it said before its first turn.
        warm_up: seconds of its first turn, which no figure counts.
        whole, paste: seconds an image, from the file to masks and of pasting alone.
        parts: seconds of each step of an image.
        masks, pixels: how many masks came out of a picture, and their pixels together.
        peak_memory_mib: largest so far, warm-up included.
    """

    ready: dict[str, Any]
    warm_up: float = 0.0
    whole: list[float] = field(default_factory=list)
    paste: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    masks: int = 0
    pixels: int = 0
    peak_memory_mib: float = 0.0

    def to_json(self) -> dict[str, Any]:
        whole, paste = Interval.of(self.whole), Interval.of(self.paste)
        parts = {f"{name}_s": Interval.of(seconds).median for name, seconds in self.parts.items()}
        return {
            "s_per_image": whole.median,
            "s_per_image_interval": whole.bounds,
            "images_per_s": 1 / whole.median,
            **parts,
            "paste_alone_s": paste.median,
            "paste_alone_s_interval": paste.bounds,
            "peak_memory_mib": self.peak_memory_mib,
            "warm_up_s": self.warm_up,
            "masks": self.masks,
            "mask_pixels": self.pixels,
            **self.ready,
            "seconds": self.whole,
        }


def measure(settings: InferenceSettings, *, tell: Tell) -> dict[str, Any]:
    """Run the bench; figures as JSON-ready values (see docs/benchmarks.md).

    Raises:
        RunError: when a side ends early, or the two did not do the same work.
    """
    device = choose_device(settings.device)
    figures, threads = {}, 0
    for name, longest in settings.pictures.items():
        with tempfile.TemporaryDirectory(prefix="maskwright-bench-") as place:
            tell(f"{name}: pictures and weights …")
            shape = _prepare(Path(place), settings, longest)
            sides = _timed(Path(place), settings, _sides(device), tell)
        threads = sides[Side.TORCHVISION].ready["threads"]
        figures[name] = {**_compared(sides), "height": shape[0], "width": shape[1]}
    return {
        **figures,
        "settings": settings.model_dump(),
        "machine": machine_facts(device, threads=threads),
        "date": time.strftime("%Y-%m-%d"),
    }


def _prepare(folder: Path, settings: InferenceSettings, longest: int) -> tuple[int, int]:
    """What every side reads: settings, pictures, weights.  Gives the pictures' height and width."""
    settings.save(folder)
    count, objects = settings.images, settings.detections
    data = make_pictures(
        folder / "pictures", count=count, objects=objects, longest=longest, classes=CLASSES, seed=settings.seed
    )
    data.save(folder / "dataset.json")
    draw_start(folder, settings.architecture(), seed=settings.seed)
    return data.images[0].annotation.height, data.images[0].annotation.width


def _sides(device: Device) -> list[Side]:
    """Who takes part; without autocast both sides of Maskwright are one."""
    own = [Side.MASKWRIGHT] if device.autocast_dtype is None else [Side.MASKWRIGHT, Side.MASKWRIGHT_FP32]
    return [Side.TORCHVISION, *own]


def _timed(folder: Path, settings: InferenceSettings, chosen: Sequence[Side], tell: Tell) -> dict[Side, Timed]:
    with contextlib.ExitStack() as stack:
        workers = []
        for side in chosen:
            tell(f"starting {side} …")
            workers.append(stack.enter_context(Worker(folder, side, command=_COMMAND)))
        sides = take_turns(workers, settings, tell=tell)
    sides.setdefault(Side.MASKWRIGHT_FP32, sides[Side.MASKWRIGHT])
    return sides


def take_turns(workers: Sequence[Worker], settings: InferenceSettings, *, tell: Tell) -> dict[Side, Timed]:
    """Warm every side up, then let one after the other work, round by round."""
    sides = {worker.side: Timed(worker.ready) for worker in workers}
    tell("warm-up …")
    for worker in workers:
        sides[worker.side].warm_up = worker.ask("whole")["seconds"]
        for what in (*["whole"] * (settings.warm_up - 1), "parts", "paste"):
            worker.ask(what)
    for number in range(settings.rounds):
        tell(f"round {number + 1} of {settings.rounds} …")
        for worker in workers:
            _turn(worker, sides[worker.side], settings.images)
    for worker in workers:
        found = worker.ask("found")
        sides[worker.side].masks, sides[worker.side].pixels = found["masks"], found["pixels"]
    return sides


def _turn(worker: Worker, timed: Timed, images: int) -> None:
    whole = worker.ask("whole")
    timed.whole.append(whole["seconds"] / images)
    for name, seconds in worker.ask("parts")["parts"].items():
        timed.parts.setdefault(name, []).append(seconds)
    timed.paste.append(worker.ask("paste")["seconds"])
    timed.peak_memory_mib = max(timed.peak_memory_mib, whole["peak_memory_mib"])


def _compared(sides: dict[Side, Timed]) -> dict[str, Any]:
    """Ratios and what they are made of; above 1 Maskwright is faster, below 1 it needs less memory."""
    _check_alike(list(sides.values()))
    theirs, own, plain = sides[Side.TORCHVISION], sides[Side.MASKWRIGHT], sides[Side.MASKWRIGHT_FP32]
    speedup = Interval.of(theirs.whole).over(Interval.of(own.whole))
    paste = Interval.of(theirs.paste).over(Interval.of(own.paste))
    return {
        "speedup": speedup.median,
        "speedup_interval": speedup.bounds,
        "fp32_speedup": Interval.of(theirs.whole).over(Interval.of(plain.whole)).median,
        "paste_speedup": paste.median,
        "paste_speedup_interval": paste.bounds,
        "memory_ratio": own.peak_memory_mib / theirs.peak_memory_mib,
        "warm_up_s": own.warm_up,
        **{str(side).replace("-", "_"): timed.to_json() for side, timed in sides.items()},
    }


def _check_alike(sides: Sequence[Timed]) -> None:
    """A comparison of unlike things would say nothing."""
    if len({timed.ready["weights_sha256"] for timed in sides}) > 1:
        raise RunError("The sides of the bench did not run the same weights.")
    if len({timed.masks for timed in sides}) > 1:
        raise RunError("The sides of the bench did not find the same number of objects.")
    pixels = [timed.pixels for timed in sides]
    if max(pixels) - min(pixels) > _SAME * max(pixels):
        raise RunError(f"The masks of the bench's sides differ: {min(pixels)} and {max(pixels)} pixels.")
