"""The training loop: one step, one epoch, one run; stops, saves and resumes without losing anything."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from typing import Any

import torch

from engine.config import TrainConfig
from engine.domain.annotation import Split
from engine.events import (
    AttemptEnded,
    AttemptStarted,
    CheckpointSaved,
    EpochValidated,
    Note,
    RunEvent,
    StageStarted,
)
from engine.model.device import choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.runs import RunFolder
from engine.training.augment import Augmentation, usual_augmentation
from engine.training.checkpoint import (
    TrainState,
    facts_of,
    load_full,
    mark_best,
    save_epoch,
    save_full,
    thin,
)
from engine.training.loader import SampleLoader
from engine.training.optimizer import build_optimizer
from engine.training.ranks import Ranks
from engine.training.recovery import Recovery
from engine.training.report import StepReporter
from engine.training.schedule import learning_rate
from engine.training.start import first_network
from engine.training.step import Stepper
from engine.training.validation import validate


class Trainer:
    """One attempt at a run.

    Attributes:
        state: what training changes; saved by checkpoints.
    """

    def __init__(
        self,
        run: RunFolder,
        emit: Callable[[RunEvent], None],
        *,
        should_stop: Callable[[], bool] | None = None,
        ranks: Ranks | None = None,
        resume: bool = False,
    ) -> None:
        self._run = run
        self._emit = emit
        self._should_stop = should_stop or run.stop_requested
        self._config: TrainConfig = run.config
        self._data = run.dataset()
        self._digest = self._data.digest
        self._train_images = self._data.annotated(Split.TRAIN)
        self._val_images = self._data.annotated(Split.VAL)
        self._device = choose_device(self._config.device, amp=self._config.amp, threads=self._config.threads)
        self._ranks = ranks or Ranks.join()
        self._labels = {c.id: label for label, c in enumerate(self._data.categories, start=1)}
        self._loader = SampleLoader(
            self._train_images,
            labels=self._labels,
            image_size=self._config.image_size,
            batch_size=self._config.batch_size,
            seed=self._config.seed,
            threads=max(1, self._config.workers),
            min_steps=self._config.min_epoch_steps,
            ranks=self._ranks,
        )
        self.state = self._fresh_state(resume=resume)
        self._stepper = Stepper(self.state.network, self.state.optimizer, self._device, self._config, self._ranks)
        self._recovery = Recovery(self._stepper, run, self._config, self._device, self._ranks, emit)
        self._reporter = StepReporter(self._config, self._device, self._loader.steps_per_epoch)
        self._best_ap = -1.0
        self._saved_at = time.monotonic()

    # --- the run ----------------------------------------------------------------------------------------------

    def run(self, *, attempt: int = 1, resume: bool = False) -> AttemptEnded:
        """Train to the end of the plan, or until a stop is asked for; everything is saved either way."""
        if resume and self._run.checkpoint("last").exists():
            load_full(self._run, self.state)
            self._stepper.part_size = self.state.progress.part_size or self._config.batch_size
            before = [e for e in self._run.events() if isinstance(e, EpochValidated)]
            self._best_ap = max((self._ap_of(e) for e in before), default=-1.0)
        self._emit(self._started(attempt))
        if self._started_from:
            self._emit(Note(text=self._started_from))
        progress = self.state.progress
        stage = -1
        while progress.epoch < self._config.plan.epochs:
            current = self._config.plan.stage_of(progress.epoch + 1)
            if current != stage:
                stage = current
                self._enter_stage(stage, fresh=progress.epoch_step == 0 and self._is_stage_start(stage))
            if not self._train_epoch(augment=self._config.plan.stages[stage].augment):
                self._save_last()
                return AttemptEnded(outcome="stopped", epoch=progress.epoch, step=progress.step)
            if not self._end_epoch():
                return AttemptEnded(outcome="stopped", epoch=progress.epoch, step=progress.step)
        return AttemptEnded(outcome="finished", epoch=progress.epoch, step=progress.step)

    def _train_epoch(self, *, augment: bool) -> bool:
        """Train what is left of the epoch; False when a stop cut it short."""
        progress = self.state.progress
        augmentation = self._augmentation() if augment else None
        self._stepper.train()
        batches = self._loader.epoch(progress.epoch + 1, augmentation, skip=progress.epoch_step)
        for samples in self._reporter.watched(batches):
            if self._stop_wanted():
                return False
            rate = learning_rate(self._config, progress.step, self._loader.steps_per_epoch)
            result = self._recovery.step(samples, rate, progress.step + 1)
            progress.step += 1
            progress.epoch_step += 1
            progress.part_size = self._stepper.part_size
            if result is not None:
                self._update_average()
                images, vanished = len(samples) * self._ranks.count, sum(len(s.vanished) for s in samples)
                self._emit(self._reporter.event(progress, result, images=images, rate=rate, vanished=vanished))
            if time.monotonic() - self._saved_at > self._config.save_minutes * 60:
                self._save_last()
        return not self._stop_wanted() or progress.epoch_step >= self._loader.steps_per_epoch

    def _stop_wanted(self) -> bool:
        return self._ranks.any(self._should_stop(), self._device)

    def _end_epoch(self) -> bool:
        """Count the epoch, validate, save; False when a stop came during validation."""
        progress = self.state.progress
        progress.epoch += 1
        progress.epoch_step = 0
        # Saved before the validation: what was learned is safe whatever happens next.
        self._save_epoch()
        self._save_last()
        result = self._validated()
        if result is None:
            return False
        self._reporter.validation_seconds = result.seconds
        self._emit(result)
        ap = self._ap_of(result)
        if ap > self._best_ap:
            self._best_ap = ap
            self._guarded("best", lambda: mark_best(self._run, progress.epoch))
        if self._ranks.is_first:
            thin(self._run, self._config.keep_epochs)
        return True

    def _validated(self) -> EpochValidated | None:
        """Validation by the first rank, told to all; None when a stop cut it short."""
        result = None
        if self._ranks.is_first:
            result = validate(
                self._network_to_detect_with(),
                self._device,
                self._val_images,
                self._data.categories,
                epoch=self.state.progress.epoch,
                step=self.state.progress.step,
                cancelled=self._should_stop,
            )
        told: EpochValidated | None = self._ranks.first_says(result)
        return told

    # --- averaging --------------------------------------------------------------------------------------------

    def _update_average(self) -> None:
        average = self.state.average
        if average is None:
            return
        # A young average follows fast (as in TensorFlow's ExponentialMovingAverage with num_updates).
        step = self.state.progress.step - 1
        decay = min(self._config.average, (1 + step) / (10 + step))
        live = self.state.network.state_dict()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), [live[name] for name in average], 1 - decay)

    # --- stages and state -------------------------------------------------------------------------------------

    def _fresh_state(self, *, resume: bool) -> TrainState:
        config = self._config
        network, self._started_from = first_network(self._run, config, self._data, self._emit, resume=resume)
        network = self._device.place(network)
        average = None
        if config.average:
            average = {n: p.detach().clone() for n, p in network.named_parameters()}
        return TrainState(network, build_optimizer(network, config), average)

    def _enter_stage(self, index: int, *, fresh: bool) -> None:
        stage = self._config.plan.stages[index]
        trainable = self.state.network.set_trainable(stage.layers)
        if fresh:  # each of matterport's train() calls starts afresh
            self.state.optimizer.state.clear()
        self._emit(
            StageStarted(
                index=index,
                layers=str(stage.layers),
                until_epoch=stage.until_epoch,
                learning_rate=stage.learning_rate,
                augment=stage.augment,
                trainable_parameters=sum(p.numel() for p in trainable),
            )
        )

    def _is_stage_start(self, index: int) -> bool:
        before = self._config.plan.stages[index - 1].until_epoch if index else 0
        return self.state.progress.epoch == before

    def _augmentation(self) -> Augmentation:
        return usual_augmentation(boxes_only=self._data.boxes_only)

    def _network_to_detect_with(self) -> MaskRCNN:
        network = self.state.network
        if self.state.average is not None:
            network = copy.deepcopy(network)
            network.load_state_dict(self.state.average, strict=False)
        return network.eval()

    # --- saving and telling -----------------------------------------------------------------------------------

    def _save_epoch(self) -> None:
        epoch = self.state.progress.epoch
        self._guarded(f"epoch_{epoch:04d}", lambda: save_epoch(self._run, self.state, self._facts()))

    def _save_last(self) -> None:
        self._saved_at = time.monotonic()
        self._guarded("last", lambda: save_full(self._run, self.state, self._facts()))

    def _facts(self) -> dict[str, Any]:
        return facts_of(self.state, self._config, self._data.categories, self._digest)

    def _guarded(self, name: str, save: Callable[[], None]) -> None:
        """A checkpoint that cannot be written is told, and training goes on: the one before is whole."""
        if not self._ranks.is_first:
            return
        progress = self.state.progress
        try:
            save()
        except OSError as error:
            reason = error.strerror or str(error)
            text = f"Checkpoint “{name}” could not be written: {reason}. Training goes on."
            self._emit(Note(level="error", text=text))
            return
        self._emit(CheckpointSaved(name=name, epoch=progress.epoch, step=progress.step, best=name == "best"))

    def _ap_of(self, validated: EpochValidated) -> float:
        """The figure that decides which epoch is best."""
        return (validated.box_ap if self._config.boxes_only else validated.mask_ap) or 0.0

    def _started(self, attempt: int) -> AttemptStarted:
        progress = self.state.progress
        return AttemptStarted(
            run=self._run.id,
            attempt=attempt,
            resumed_epoch=progress.epoch,
            resumed_step=progress.step,
            epochs=self._config.plan.epochs,
            device=self._device.title,
            dtype=self._device.dtype_name,
            pid=os.getpid(),
            train_images=len(self._train_images),
            val_images=len(self._val_images),
            categories=[c.name for c in self._data.categories],
            ranks=self._ranks.count,
        )
