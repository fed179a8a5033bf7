"""What the system says about main memory, by the standard library alone; no torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OOM_FIRST = "1000"


def available_mib() -> float | None:
    """Main memory that a new process can use without swapping, in MiB; None where the system does not tell."""
    if sys.platform == "linux":
        told = [m for m in (_linux_available(Path("/proc/meminfo")), _container_left(_CGROUP)) if m is not None]
        return min(told, default=None)
    if sys.platform == "darwin":
        return _mac_available()
    if sys.platform == "win32":
        return _windows_available()
    return None


def own_peak_mib() -> float:
    """Largest resident size this process had, in MiB; 0 where the system does not tell.

    Linux counts what the parent had before the start into ``ru_maxrss``; ``VmHWM`` is this program's alone.
    """
    if sys.platform == "linux":
        return _field(Path("/proc/self/status"), "VmHWM") or 0.0
    from engine.model.device import process_peak_mib

    return process_peak_mib()


def end_me_first() -> None:
    """Should memory run out, the system ends this process and not the person's other programs (Linux)."""
    if sys.platform == "linux":
        try:
            Path("/proc/self/oom_score_adj").write_text(_OOM_FIRST)
        except OSError:
            return  # not allowed here: the system chooses


def _linux_available(meminfo: Path) -> float | None:
    return _field(meminfo, "MemAvailable")


def _container_left(cgroup: Path) -> float | None:
    """What a container or batch system leaves (cgroup 2); None without a limit.  Cached files can be given back."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (cgroup / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return None
    if not limit.isdigit():
        return None
    return max(0, int(limit) - used + (int(cached[1]) if cached else 0)) / 2**20


def _field(file: Path, name: str) -> float | None:
    """A line ``Name:  123 kB`` of a file of /proc, in MiB."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) / 2**10 if found else None


def _mac_available() -> float | None:
    """Free and inactive pages of ``vm_stat``."""
    try:
        told = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    page = re.search(r"page size of (\d+) bytes", told)
    pages = re.findall(r"^Pages (?:free|inactive|speculative):\s+(\d+)\.$", told, re.MULTILINE)
    return sum(map(int, pages)) * int(page[1]) / 2**20 if page and pages else None


def _windows_available() -> float | None:
    """``GlobalMemoryStatusEx``: physical memory that can be had at once."""
    if sys.platform != "win32":
        return None
    import ctypes

    # MEMORYSTATUSEX: two 32-bit numbers (its length, the load), then seven of 64 bits; the second of those is wanted.
    status = (ctypes.c_uint64 * 8)()
    status[0] = ctypes.sizeof(status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return status[2] / 2**20
