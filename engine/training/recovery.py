"""When a step goes wrong: memory that does not suffice, and losses that are no numbers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

import torch

from engine.config import TrainConfig
from engine.errors import UserError
from engine.events import Note
from engine.model.device import Device
from engine.model.weights import write_tensors
from engine.project.runs import RunFolder
from engine.training import remedies
from engine.training.ranks import Ranks
from engine.training.samples import Sample
from engine.training.step import NonFiniteLossError, Stepper, StepResult

PATIENCE = 10  # skipped batches in a row after which skipping helps no more


class NotEnoughMemoryError(UserError):
    """Not even one image at a time fits."""


class Recovery:
    """Takes steps that survive what can be survived."""

    def __init__(
        self,
        stepper: Stepper,
        run: RunFolder,
        config: TrainConfig,
        device: Device,
        ranks: Ranks,
        emit: Callable[[Note], None],
    ) -> None:
        self._stepper = stepper
        self._run = run
        self._config = config
        self._device = device
        self._ranks = ranks
        self._emit = emit
        self._skipped = 0

    def step(self, samples: Sequence[Sample], rate: float, number: int) -> StepResult | None:
        """Step `number` (from 1) of the run; None when its batch was skipped.

        Raises:
            NotEnoughMemoryError: when one image at a time does not fit either.
            NonFiniteLossError: when the run is to stop at such a loss, or too many were skipped.
        """
        while True:
            try:
                result = self._stepper.step(samples, rate)
            except NonFiniteLossError as error:
                self._skip_or_stop(error, samples, number)
                return None
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._smaller_parts(error)
                continue
            self._skipped = 0
            return result

    # --- memory -------------------------------------------------------------------------------------------------

    def _smaller_parts(self, error: Exception) -> None:
        """Halve what goes through the network at once; weights and draws are as before the failed try."""
        size = self._stepper.part_size
        if size == 1 or self._ranks.count > 1:
            raise NotEnoughMemoryError(
                f"The memory was not enough at {self._config.batch_size} images a batch"
                f" and {self._config.image_size} pixels.",
                hint=f"Lower one of these and train again: {remedies.in_words()}.",
            ) from error
        self._stepper.part_size = size // 2
        self._release()
        text = (
            f"The memory was not enough for {size} images at once. Training goes on with {size // 2} at a time;"
            f" a batch stays {self._config.batch_size}, so rate and result stay the same."
        )
        self._emit(Note(level="warning", text=text))

    def _release(self) -> None:
        self._stepper.forget()
        gc.collect()
        self._device.release_memory()

    # --- losses that are no numbers -----------------------------------------------------------------------------

    def _skip_or_stop(self, error: NonFiniteLossError, samples: Sequence[Sample], number: int) -> None:
        images = sorted({s.image_id for s in samples})
        where = self._save_batch(error, samples, number)
        self._skipped += 1
        if self._config.on_nonfinite == "stop" or self._skipped >= PATIENCE:
            raise error
        text = f"Step {number} gave a loss that is no number; its batch (images {images}) was skipped.{where}"
        self._emit(Note(level="warning", text=text))

    def _save_batch(self, error: NonFiniteLossError, samples: Sequence[Sample], number: int) -> str:
        """Keep what the network was fed; a sentence where it is."""
        path = self._run.path / "nonfinite" / f"step_{number:06d}_rank_{self._ranks.rank}.safetensors"
        tensors = {}
        for index, sample in enumerate(samples):
            tensors[f"{index}.image"] = torch.from_numpy(sample.image)
            tensors[f"{index}.boxes"] = sample.target["boxes"]
            tensors[f"{index}.labels"] = sample.target["labels"]
        facts: dict[str, Any] = {
            "step": number,
            "images": [s.image_id for s in samples],
            "losses": {name: str(value) for name, value in error.losses.items()},
        }
        try:
            write_tensors(path, tensors, facts)
        except OSError:
            return ""
        self._emit(Note(level="info", text=f"The batch of step {number} is kept in {path}."))
        return f" It is kept in {path}."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: CUDA's error, Python's, or an allocator's that has no class of its own."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
