"""What command lines print: people read tables and progress on stderr, programs read JSON on stdout."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

console = Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """One JSON document on stdout, nothing else."""
    print(json.dumps(data, ensure_ascii=False))


def say(text: str) -> None:
    """A line for the person."""
    console.print(text, markup=False)
