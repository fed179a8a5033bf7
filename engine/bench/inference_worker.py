"""One side of the inference bench in a process of its own, so that its peak memory is its own.

It says once what it runs, then does what each line on stdin asks for: ``whole``, ``parts``, ``paste`` or ``found``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.bench.inference_settings import InferenceSettings
from engine.bench.settings import Side
from engine.bench.worker import tell
from engine.service.loop import private_stdout

if TYPE_CHECKING:
    from engine.bench.inference_sides import Detection


def main(folder: Path, side: Side) -> int:
    """Detect on request until stdin ends."""
    outgoing = private_stdout()  # before anything that may print is imported
    settings = InferenceSettings.load(folder)
    with outgoing:
        _serve(folder, settings, side, outgoing)
    return 0


def _serve(folder: Path, settings: InferenceSettings, side: Side, outgoing: IO[bytes]) -> None:
    import torch

    from engine.bench.start import digest

    detection = _detection(folder, settings, side)
    ready = {
        "weights_sha256": digest(detection.network.state_dict()),
        "dtype": detection.device.dtype_name,
        "threads": torch.get_num_threads(),
    }
    tell(outgoing, ready)
    for line in sys.stdin:
        answer = _answer(detection, line.strip())
        tell(outgoing, {**answer, "peak_memory_mib": detection.device.peak_memory_mib()})


def _detection(folder: Path, settings: InferenceSettings, side: Side) -> Detection:
    from engine.bench.inference_sides import MaskwrightDetection, TorchvisionDetection
    from engine.bench.start import read_start
    from engine.project.dataset import FrozenDataset

    data, start = FrozenDataset.load(folder / "dataset.json"), read_start(folder)
    if side is Side.TORCHVISION:
        return TorchvisionDetection(settings, data, start)
    return MaskwrightDetection(settings, data, start, amp="auto" if side is Side.MASKWRIGHT else "off")


def _answer(detection: Detection, what: str) -> dict[str, Any]:
    if what == "found":
        masks, pixels = detection.found()
        return {"masks": masks, "pixels": pixels}
    if what == "parts":
        return {"parts": detection.parts()}
    work: dict[str, Callable[[], None]] = {"whole": detection.whole, "paste": detection.paste}
    detection.device.synchronize()
    begun = time.perf_counter()
    work[what]()
    detection.device.synchronize()
    return {"seconds": time.perf_counter() - begun}
