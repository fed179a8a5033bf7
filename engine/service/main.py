"""Start of the service process: ``python main.py _service <project folder>``."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.config import DetectConfig
from engine.project.runs import CheckpointName, RunFolder
from engine.service.handlers import Detector
from engine.service.loop import ServiceLoop, private_stdout


def main(folder: Path) -> int:
    """Answer requests about the project in `folder` until stdin ends."""
    outgoing = private_stdout()  # before anything that may print is imported
    from engine.service.handlers import Service

    with outgoing:
        ServiceLoop(Service(folder, _load).handlers(), sys.stdin.buffer, outgoing).run()
    return 0


def _load(run: RunFolder, name: CheckpointName, config: DetectConfig) -> Detector:
    """A network from a run's checkpoint; torch is imported here, at the first detection."""
    from engine.prediction.predictor import Predictor

    return Predictor.from_run(run, name, config=config)
