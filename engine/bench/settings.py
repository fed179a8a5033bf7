"""What the training bench is asked to do, as a value that its worker processes read again."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from engine.bench.saved_settings import SavedSettings
from engine.config import TrainConfig, train_config

BATCH = 2
CLASSES = 5
SOURCE_SCALE = 1.25  # pictures on disk are larger than the input, so that there is something to resize
# Where torchvision's references start: 0.02 for 16 images, times 2 / 16, times 0.01 of their warm-up.
RATE = 2.5e-5


class Side(StrEnum):
    """Who works: torchvision (its recipe, or its network as it is) or Maskwright, in float32 or with autocast."""

    TORCHVISION = "torchvision"
    RECIPE = "recipe"
    RECIPE_AMP = "recipe-amp"
    MASKWRIGHT = "maskwright"
    MASKWRIGHT_FP32 = "maskwright-fp32"


class BenchSettings(SavedSettings):
    """Sizes are pixels.

    Attributes:
        size: longer side of the network's input.
        images: pictures that the trainings go over, a whole number of batches.
        objects: objects in each of them.
        steps: optimiser steps a turn.
        rounds: turns that are measured, of each side.
        warm_up: steps before them that do not count.
        rois: ROIs sampled per image.
        threads: CPU threads of each side; 0 lets torch decide.
        loader_objects: objects in each picture of the loaders' comparison.
        loader_rounds: samples that each loader makes.
        device: where both sides train.
        seed: of pictures, weights and draws.
    """

    size: int = Field(default=1024, ge=64, le=4096, multiple_of=32)
    images: int = Field(default=4, ge=BATCH, multiple_of=BATCH)
    objects: int = Field(default=60, ge=1, le=5000)
    steps: int = Field(default=5, ge=1)
    rounds: int = Field(default=2, ge=1)
    warm_up: int = Field(default=2, ge=1)
    rois: int = Field(default=512, ge=8)
    threads: int = Field(default=0, ge=0)
    loader_objects: int = Field(default=100, ge=1, le=5000)
    loader_rounds: int = Field(default=10, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)

    @property
    def all_steps(self) -> int:
        """Steps of each side, warm-up included."""
        return self.warm_up + self.rounds * self.steps

    def train_config(self, amp: Literal["auto", "off"]) -> TrainConfig:
        """What Maskwright's side trains by: layers 3+ and SGD, as torchvision's references have them."""
        values = {
            "image_size": self.size,
            "batch_size": BATCH,
            "rois_per_image": self.rois,
            "threads": self.threads,
            "device": self.device,
            "amp": amp,
            "seed": self.seed,
        }
        return train_config(stages=f"3+:1@{RATE}", settings=tuple(f"{k}={v}" for k, v in values.items()))
