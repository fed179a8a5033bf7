"""Logging to a rotating file where the system keeps such files; the window and the commands share it."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

_FORMAT = "%(asctime)s %(process)d %(threadName)s %(levelname)s %(name)s: %(message)s"
_OURS = ("engine", "gui", "main", "maskwright")


def log_folder() -> Path:
    """Folder of the log files; ``MASKWRIGHT_LOGS`` moves it."""
    return Path(os.environ.get("MASKWRIGHT_LOGS") or platformdirs.user_log_dir("maskwright", appauthor=False))


def log_file() -> Path:
    """Where the log is written."""
    return log_folder() / "maskwright.log"


def set_up_logging() -> Path | None:
    """Log warnings of everybody and all of Maskwright's own; None when no file can be written, which stops nothing."""
    root = logging.getLogger()
    if any(isinstance(handler, RotatingFileHandler) for handler in root.handlers):
        return log_file()
    try:
        log_folder().mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_file(), maxBytes=2_000_000, backupCount=3, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return log_file()
