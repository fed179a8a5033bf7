"""Logging to a rotating file where the system keeps such files; the window and the engine share it."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

import platformdirs

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def log_file() -> Path:
    """Where the log is written."""
    return Path(platformdirs.user_log_dir("Maskwright", appauthor=False)) / "maskwright.log"


def set_up_logging() -> None:
    """Log warnings and above of everybody, and everything of Maskwright's own, to :func:`log_file`.

    A log that cannot be written is no reason not to start.
    """
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=2_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("engine", "gui", "main"):
        logging.getLogger(name).setLevel(logging.INFO)
