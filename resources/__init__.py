"""Files that come with the application: style sheet, icons."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def path(name: str) -> Path:
    """Absolute path of the resource `name`, e.g. ``"style/maskwright.qss"``."""
    return _HERE / name


def text(name: str) -> str:
    """The resource `name` as text."""
    return path(name).read_text(encoding="utf-8")
