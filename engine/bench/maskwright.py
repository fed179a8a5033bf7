"""Maskwright's side of the training bench: its own loader and its own step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from engine.bench.settings import BATCH, RATE, BenchSettings
from engine.bench.sides import StepFacts
from engine.bench.start import architecture
from engine.config import Layers
from engine.model.device import choose_device
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset
from engine.training.augment import Augmentation
from engine.training.loader import SampleLoader
from engine.training.optimizer import build_optimizer
from engine.training.step import Stepper

# What the recipe does too: a flip and light.  The size stays, so every object stays in the picture.
AUGMENTATION = Augmentation(scale=(1.0, 1.0), rotation=0.0)


class MaskwrightTraining:
    """A training by :class:`SampleLoader` and :class:`Stepper`.

    Attributes:
        device: where it trains, in which number format.
        network: what it trains.
    """

    def __init__(
        self,
        settings: BenchSettings,
        data: FrozenDataset,
        start: Mapping[str, Tensor],
        *,
        amp: Literal["auto", "off"],
    ) -> None:
        config = settings.train_config(amp)
        self.device = choose_device(config.device, amp=amp, threads=config.threads)
        network = MaskRCNN(architecture(settings), pretrained=False)
        network.load_state_dict(start)
        self.network = self.device.place(network).train()
        self._stepper = Stepper(self.network, build_optimizer(self.network, config), self.device, config)
        self.network.set_trainable(Layers.FROM_3)
        loader = SampleLoader(
            data.images,
            labels={c.id: label for label, c in enumerate(data.categories, start=1)},
            image_size=settings.size,
            batch_size=BATCH,
            seed=settings.seed,
            min_steps=settings.all_steps,
        )
        self._batches = loader.epoch(1, AUGMENTATION)

    def step(self) -> StepFacts:
        """One batch and one optimiser step."""
        samples = next(self._batches)
        result = self._stepper.step(samples, RATE)
        objects = sum(len(sample.target["labels"]) for sample in samples)
        return StepFacts(objects=objects, loss=sum(result.losses.values()))
