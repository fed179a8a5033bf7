"""Checkpoints on disk: safetensors with the network's description beside the tensors.  No pickle anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.domain.annotation import Category
from engine.errors import RunError
from engine.model.architecture import Architecture
from engine.model.mask_rcnn import MaskRCNN

MODEL = "model."


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write atomically: a reader sees the old file or the new one, whole.

    Raises:
        OSError: when the disk is full or not writable; the old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    try:
        whole = {name: t.detach().to("cpu").contiguous() for name, t in tensors.items()}
        save_file(whole, temporary, metadata={"maskwright": json.dumps(dict(facts))})
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except SafetensorError as error:
        raise OSError(f"{error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_facts(path: Path) -> dict[str, Any]:
    """The description stored in a checkpoint, without reading its tensors.

    Raises:
        RunError: when the file is missing, damaged or not a checkpoint of Maskwright.
    """
    with _opened(path) as file:
        return _facts_of(file, path)


def read_tensors(path: Path, prefix: str = MODEL) -> dict[str, Tensor]:
    """Tensors whose name starts with `prefix`, without it."""
    with _opened(path) as file:
        return {name.removeprefix(prefix): file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118


def load_network(path: Path) -> tuple[MaskRCNN, tuple[Category, ...], dict[str, Any]]:
    """Build the network of a checkpoint, in evaluation mode.

    Returns:
        The network, its categories by label (label 1 first), and the checkpoint's facts.
    """
    facts = read_facts(path)
    network = MaskRCNN(Architecture.from_json(facts["architecture"]), pretrained=False)
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise RunError("This checkpoint does not fit this version of Maskwright.", path=path) from error
    categories = tuple(Category(**c) for c in facts["categories"])
    return network.eval(), categories, facts


def model_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's state under the names a checkpoint gives it."""
    return {MODEL + name: tensor for name, tensor in state.items()}


def _opened(path: Path) -> Any:
    if not path.exists():
        raise RunError("This checkpoint does not exist.", path=path, hint="Choose another epoch.")
    try:
        return safe_open(path, framework="pt")
    except (OSError, SafetensorError) as error:
        raise RunError("This checkpoint cannot be read.", path=path) from error


def _facts_of(file: Any, path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((file.metadata() or {})["maskwright"])
    except (KeyError, ValueError) as error:
        raise RunError("This file is not a checkpoint of Maskwright.", path=path) from error
    return facts
