"""What the inference bench is asked to do, as a value that its worker processes read again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.bench.saved_settings import SavedSettings
from engine.bench.settings import CLASSES

if TYPE_CHECKING:
    from engine.model.architecture import Architecture


class InferenceSettings(SavedSettings):
    """Sizes are pixels.

    Attributes:
        small, large: longer sides of the pictures called ``1mp`` and ``16mp``; they are 4:3.
        images: pictures of each size.
        detections: objects found in each.
        short_side, long_side: what an image is resized to (torchvision's rule and its defaults).
        rounds: turns that are measured, of each side.
        warm_up: turns before them that do not count.
        threads: CPU threads of each side; 0 lets torch decide.
        device: where both sides run.
        seed: of pictures and weights.
    """

    small: int = Field(default=1155, ge=64, le=20_000)
    large: int = Field(default=4619, ge=64, le=20_000)
    images: int = Field(default=2, ge=1)
    detections: int = Field(default=100, ge=1, le=1000)
    short_side: int = Field(default=800, ge=32)
    long_side: int = Field(default=1333, ge=32)
    rounds: int = Field(default=7, ge=1)
    warm_up: int = Field(default=1, ge=1)
    threads: int = Field(default=0, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)

    @property
    def pictures(self) -> dict[str, int]:
        """Longer side of the pictures by the name of their size."""
        return {"1mp": self.small, "16mp": self.large}

    def architecture(self) -> Architecture:
        """torchvision's ``maskrcnn_resnet50_fpn``, fed by its own rule."""
        from engine.model.architecture import Architecture

        whole = Architecture.torchvision(classes=CLASSES)
        return replace(whole, image_size=self.long_side, short_side=self.short_side)
