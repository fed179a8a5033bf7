"""Which process of a torchrun this is, read from its environment; needs no torch."""

from __future__ import annotations

import os


def world_size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_rank() -> int:
    """Number of this process among them, from 0; 0 writes files and talks to the person."""
    return int(os.environ.get("RANK", "0"))
