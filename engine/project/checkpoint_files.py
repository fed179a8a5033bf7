"""Looking at a checkpoint file without torch: whether it is whole, and what it says about itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import RunError

_LENGTH = 8
_LONGEST_HEADER = 100_000_000  # bytes; the safetensors library reads no longer one either


def checkpoint_facts(path: Path) -> dict[str, Any]:
    """What the engine wrote beside the tensors.

    A safetensors file is a length of 8 bytes, a JSON header of that length, and the tensors at the offsets that the
    header names (https://github.com/huggingface/safetensors#format).

    Raises:
        RunError: when the file is cut off, damaged, or not a checkpoint of Maskwright.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        metadata = header.pop("__metadata__")
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        facts: dict[str, Any] = json.loads(metadata["maskwright"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise RunError("This checkpoint cannot be read.", path=path, hint="Copy it again.") from error
    if path.stat().st_size != _LENGTH + length + end:
        raise RunError("This checkpoint is not complete.", path=path, hint="Copy it again.")
    return facts
