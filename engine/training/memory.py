"""The memory probe: whether a training will fit, found by real steps on its worst batch in a process of their own.

The process ends and gives everything back, and where the system ends it for want of memory, that is an answer too.  No
torch here, so that the asking process stays small.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.config import TrainConfig
from engine.errors import RunError
from engine.project.dataset import FrozenDataset
from engine.project.runs import engine_command, engine_environment
from engine.training.free_memory import available_mib, end_me_first
from engine.training.remedies import REMEDIES

MOST_OF_FREE = 0.9  # above it the next larger batch, or any other program, ends the training
# Larger batches learn differently rather than faster, and take long to probe on a CPU.
LARGEST_BATCH = 32
_JOB, _CONFIG, _DATA, _RESULT = "job.json", "config.json", "dataset.json", "result.json"
_KILLED = (-9, 137)  # SIGKILL, as a parent and as a shell tells it: usually the out-of-memory killer


@dataclass(frozen=True)
class Measured:
    """What the worst batch takes; memory in MiB, None where it is not told.

    Attributes:
        completed: the steps were done; else memory ran out.
        peak_mib: of the process (CPU), or reserved on the GPU beside what the driver takes for itself.
        allocated_mib: the part of a GPU's peak that held something.
        free_mib: what was free before.
        device: for a person.
        batches: images, height and width of the padded input and number of objects of each batch that was tried.
    """

    completed: bool
    peak_mib: float | None = None
    allocated_mib: float | None = None
    free_mib: float | None = None
    device: str = ""
    batches: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def fits(self) -> bool | None:
        """Whether it stays within :data:`MOST_OF_FREE`; None when that cannot be known."""
        if not self.completed:
            return False
        if self.peak_mib is None or self.free_mib is None:
            return None
        return self.peak_mib <= MOST_OF_FREE * self.free_mib


Measure = Callable[[TrainConfig], Measured]


@dataclass(frozen=True)
class Proposal:
    """Something to lower, and what the worst batch takes then.

    Attributes:
        name: of the remedy; ``together`` for all of them at once.
        change: in words.
    """

    name: str
    change: str
    measured: Measured


@dataclass(frozen=True)
class ProbeReport:
    """Whether a training fits, and when not, what to lower in matterport's order, each probed on its own.

    When nothing does alone, the last proposal lowers everything together.
    """

    measured: Measured
    proposals: tuple[Proposal, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        told = [{**asdict(p), "fits": p.measured.fits} for p in self.proposals]
        return {**asdict(self.measured), "fits": self.measured.fits, "proposals": told}

    def lines(self) -> list[str]:
        """The report in sentences."""
        tried = " and ".join(f"{n} × {h} × {w} with {o} objects" for n, h, w, o in self.measured.batches)
        told = [
            f"Worst batch ({tried or 'not begun'}) on {self.measured.device or 'the device'}: {_taken(self.measured)}"
        ]
        if self.measured.fits is not False:
            return told
        told.append("What to lower, in this order:")
        told += [f"  {p.change}: {_taken(p.measured)}" for p in self.proposals]
        good = next((p for p in self.proposals if p.measured.fits), None)
        return [
            *told,
            f"Suggested: {good.change}" if good else "Nothing of this suffices: a larger computer is needed.",
        ]


@dataclass(frozen=True)
class FitReport:
    """The largest batch that fits at once; 0 when not even one image does."""

    asked: int
    largest: int
    measured: Measured

    @property
    def part_size(self) -> int:
        """Images that go through the network at once when the batch asked for is kept."""
        return min(self.asked, self.largest)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {"largest_batch": self.largest, "part_size": self.part_size, "measured": asdict(self.measured)}

    def lines(self) -> list[str]:
        """The report in sentences."""
        if not self.largest:
            return ["Not even one image fits at once."]
        told = [f"Largest batch that fits at once: {self.largest} ({_taken(self.measured)})"]
        if self.largest == LARGEST_BATCH:
            told.append(f"More than {LARGEST_BATCH} were not tried.")
        if self.part_size < self.asked:
            told.append(f"A batch of {self.asked} is trained in parts of {self.part_size}, with the same result.")
        return told


def probe(config: TrainConfig, measure: Measure, *, free_mib: float | None = None) -> ProbeReport:
    """Measure, and where it does not fit, try what could be lowered.

    Args:
        measure: takes the steps (:func:`measure_apart`).
        free_mib: memory to stay within, instead of what is free.
    """
    limited = _within(measure, free_mib)
    measured = limited(config)
    if measured.fits is not False:
        return ProbeReport(measured)
    proposals = []
    lowest, changes = config, []
    for remedy in REMEDIES:
        if (lower := remedy.lower(config)) is not None:
            proposals.append(Proposal(remedy.name, remedy.told(config, lower), limited(lower)))
            changes.append(remedy.told(config, lower))
            lowest = remedy.lower(lowest) or lowest
    if changes and not any(p.measured.fits for p in proposals):
        proposals.append(Proposal("together", "all of it: " + ", ".join(changes), limited(lowest)))
    return ProbeReport(measured, tuple(proposals))


def largest_fit(config: TrainConfig, measure: Measure, *, images: int, free_mib: float | None = None) -> FitReport:
    """The largest batch that fits, of at most `images` and :data:`LARGEST_BATCH`.

    Memory grows by the same amount for each image, so two small batches tell where to look; what is found is measured.

    Raises:
        RunError: when the system does not tell how much memory there is.
    """
    limited = _within(measure, free_mib)

    def tried(size: int) -> Measured:
        found = limited(config.model_copy(update={"batch_size": size}))
        if found.fits is None:
            raise RunError("This system does not tell how much memory is free or taken, so nothing can be compared.")
        return found

    most = min(images, LARGEST_BATCH)
    best, size = tried(1), 1
    if not best.fits or most == 1:
        return FitReport(config.batch_size, size if best.fits else 0, best)
    second = tried(2)
    guess = _guess(best, second, most) if second.fits else 1
    best, size = (second, 2) if second.fits else (best, 1)
    while guess > size:
        found = tried(guess)
        if found.fits:
            return FitReport(config.batch_size, guess, found)
        guess = min(guess - 1, guess * 3 // 4)
    return FitReport(config.batch_size, size, best)


def _guess(one: Measured, two: Measured, most: int) -> int:
    if one.peak_mib is None or two.peak_mib is None or two.free_mib is None:
        return 2
    slope = max(two.peak_mib - one.peak_mib, 1.0)
    return max(2, min(most, 1 + int((MOST_OF_FREE * two.free_mib - one.peak_mib) / slope)))


def _within(measure: Measure, free_mib: float | None) -> Measure:
    if free_mib is None:
        return measure
    return lambda config: replace(measure(config), free_mib=free_mib)


# --- the process apart --------------------------------------------------------------------------------------------


def measure_apart(dataset: FrozenDataset, config: TrainConfig, *, project_folder: Path) -> Measured:
    """Take the steps in another process and wait for it.

    Raises:
        RunError: when it failed for another reason than memory, with that reason.
    """
    with tempfile.TemporaryDirectory(prefix="maskwright-probe-") as name:
        folder = Path(name)
        dataset.save(folder / _DATA)
        (folder / _CONFIG).write_text(config.model_dump_json(), encoding="utf-8")
        (folder / _JOB).write_text(json.dumps({"project": str(project_folder.absolute())}), encoding="utf-8")
        ended = subprocess.run(
            engine_command("_probe", str(folder)), env=engine_environment(), capture_output=True, check=False
        )
        if (folder / _RESULT).exists():
            return _measured(json.loads((folder / _RESULT).read_text(encoding="utf-8")))
    if ended.returncode in _KILLED:
        return Measured(completed=False, free_mib=available_mib())
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    raise RunError(f"The memory probe failed: {said[-1] if said else f'exit code {ended.returncode}'}")


def serve_probe(folder: Path) -> None:
    """The process apart: read what to try from `folder`, try it, leave the result there."""
    end_me_first()
    free = available_mib()  # before torch comes: what it takes is part of the peak
    from engine.training.probe_steps import take_steps

    config = TrainConfig.model_validate_json((folder / _CONFIG).read_text(encoding="utf-8"))
    job = json.loads((folder / _JOB).read_text(encoding="utf-8"))
    measured = take_steps(FrozenDataset.load(folder / _DATA), config, project_folder=Path(job["project"]), free=free)
    temporary = folder / "result.part"
    temporary.write_text(json.dumps(asdict(measured)), encoding="utf-8")
    temporary.replace(folder / _RESULT)


def _measured(data: dict[str, Any]) -> Measured:
    return Measured(**{**data, "batches": tuple(tuple(b) for b in data["batches"])})


def _taken(measured: Measured) -> str:
    """ "1,234 of 5,678 MiB free: fits." """
    free = "unknown" if measured.free_mib is None else f"{measured.free_mib:,.0f}"
    if not measured.completed:
        return f"more than there is ({free} MiB free)."
    peak = "unknown" if measured.peak_mib is None else f"{measured.peak_mib:,.0f}"
    verdict = {True: "fits", False: f"does not fit within {MOST_OF_FREE:.0%}", None: "whether it fits is not known"}
    return f"{peak} of {free} MiB free: {verdict[measured.fits]}."
