"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch
import torchvision

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


def cpu_name() -> str:
    """The processor's name as the system has it."""
    return _line_of("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()


def _line_of(path: str, name: str) -> str:
    """What a file of the system says behind ``name:``, "" when there is no such line or file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            line = next((row for row in file if row.startswith(name)), "")
    except OSError:
        return ""
    return line.partition(":")[2].strip()
