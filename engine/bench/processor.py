"""The name of the processor; apart, so that a bench without a network need not import torch."""

from __future__ import annotations

import platform


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
