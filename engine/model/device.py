"""The one place that knows about devices: which to use, in which number format, with how many threads."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from engine.errors import UserError

if TYPE_CHECKING:
    from engine.model.mask_rcnn import MaskRCNN

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class Device:
    """Where the network runs, and how.

    Attributes:
        torch_device: where tensors live.
        autocast_dtype: number format of autocast, None for plain float32.
        title: name for the person, e.g. "NVIDIA H200" or "CPU (2 threads)".
    """

    torch_device: torch.device
    autocast_dtype: torch.dtype | None
    title: str

    @property
    def kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return self.torch_device.type

    @property
    def dtype_name(self) -> str:
        """``float32``, ``bfloat16`` or ``float16``."""
        return str(self.autocast_dtype or torch.float32).removeprefix("torch.")

    @property
    def pin_memory(self) -> bool:
        return self.kind == "cuda"

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """Run the network in the device's number format."""
        if self.autocast_dtype is None:
            yield
        else:
            with torch.autocast(self.kind, dtype=self.autocast_dtype):
                yield

    def place(self, network: MaskRCNN) -> MaskRCNN:
        """Move `network` here, in the memory formats that are fastest.

        GPUs take channels-last throughout.  On the CPU only the body does: depthwise convolutions gain by it, but
        oneDNN's weight gradient of the pyramid's 3 x 3 convolutions is 2 to 3 times slower in channels-last (measured
        with torch 2.14 on AVX2: 190 against 70 to 100 ms at 2 x 128 x 128 x 96).
        """
        network = network.to(self.torch_device)
        if self.kind == "cpu":
            network.backbone.body.to(memory_format=torch.channels_last)
            return network
        return network.to(memory_format=torch.channels_last)

    def peak_memory_mib(self) -> float:
        """Most memory used so far: of the GPU where there is one, of the process otherwise; 0 where it is not told."""
        if self.kind == "cuda":
            return torch.cuda.max_memory_allocated(self.torch_device) / 2**20
        if self.kind == "mps":
            return torch.mps.driver_allocated_memory() / 2**20
        return process_peak_mib()

    def release_memory(self) -> None:
        """Give back what the allocator holds in reserve."""
        if self.kind == "cuda":
            torch.cuda.empty_cache()
        elif self.kind == "mps":
            torch.mps.empty_cache()

    def synchronize(self) -> None:
        """Wait until everything queued on the device is done."""
        if self.kind == "cuda":
            torch.cuda.synchronize(self.torch_device)
        elif self.kind == "mps":
            torch.mps.synchronize()


def process_peak_mib() -> float:
    """Largest resident size this process had; 0 where the system does not tell (Windows).

    Linux tells it by address space: its ``getrusage`` counts in what the process was started from.
    """
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        told = next((row for row in status.splitlines() if row.startswith("VmHWM")), "")
        if told:
            return int(told.split()[1]) / 2**10
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def choose_device(name: DeviceName = "auto", *, amp: Literal["auto", "off"] = "auto", threads: int = 0) -> Device:
    """Pick the device asked for, or the best one there is.

    Args:
        name: ``auto`` prefers CUDA, then Apple's MPS, then the CPU.
        amp: ``off`` forces float32; ``auto`` takes bf16 where it is native, fp16 on older CUDA cards.
        threads: CPU threads, 0 for torch's own choice.

    Raises:
        UserError: when the device asked for is not there, or this torch build cannot use it.
    """
    if threads:
        torch.set_num_threads(threads)
    kind = _best_kind() if name == "auto" else name
    if kind == "cuda":
        return _cuda_device(amp)
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise UserError("This computer has no Apple GPU that torch can use.", hint="Choose the CPU instead.")
        return Device(torch.device("mps"), None, "Apple GPU")
    dtype = torch.bfloat16 if amp == "auto" and cpu_has_native_bf16() else None
    count = torch.get_num_threads()
    return Device(torch.device("cpu"), dtype, f"CPU ({count} thread{'s' if count > 1 else ''})")


def cpu_has_native_bf16() -> bool:
    """Whether the CPU multiplies bf16 in hardware; elsewhere bf16 autocast is many times slower than float32."""
    if platform.machine().lower() in {"x86_64", "amd64"}:
        flags = _cpu_flags()
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:  # noqa: PTH123
            line = next((row for row in file if row.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(line.split())


def _best_kind() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _cuda_device(amp: str) -> Device:
    if not torch.cuda.is_available():
        raise UserError("No CUDA device was found.", hint="Choose the CPU, or check the graphics driver.")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    title = torch.cuda.get_device_name(device)
    torch.cuda.set_device(device)
    try:
        torch.zeros(1, device=device).add_(1)
    except RuntimeError as error:  # "no kernel image": the card is older than this build of torch supports
        raise UserError(
            f"This build of torch cannot use the {title}.", hint="Choose the CPU, or install a torch build for it."
        ) from error
    if amp == "off":
        return Device(device, None, title)
    native = torch.cuda.get_device_capability(device) >= (8, 0)
    return Device(device, torch.bfloat16 if native else torch.float16, title)
