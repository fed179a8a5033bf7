"""Start of the service process: ``python main.py _service <project folder>``."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.service.loop import ServiceLoop, private_stdout


def serve(folder: Path) -> int:
    """Answer requests about the project in `folder` until stdin ends."""
    outgoing = private_stdout()  # before anything that may print is imported
    from engine.service.handlers import Service
    from engine.service.loading import load_detector

    with outgoing:
        ServiceLoop(Service(folder, load_detector).handlers(), sys.stdin.buffer, outgoing).run()
    return 0
