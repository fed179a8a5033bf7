"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch
import torchvision

from engine.bench.processor import cpu_name
from engine.model.device import Device


def machine_facts(device: Device, *, threads: int) -> dict[str, Any]:
    """Processor, device, number format and versions, JSON-ready."""
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "threads": threads,
        "device": device.title,
        "dtype": device.dtype_name,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "system": platform.platform(),
        "load_after": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
