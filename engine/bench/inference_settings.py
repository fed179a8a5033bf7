"""What the inference bench is asked to do, as a value that its worker processes read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.bench.settings import CLASSES
from engine.errors import RunError, UserError

if TYPE_CHECKING:
    from engine.model.architecture import Architecture


class InferenceSettings(BaseModel):
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

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    def save(self, folder: Path) -> None:
        """Leave them for the worker processes."""
        _file(folder).write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> InferenceSettings:
        """Inverse of :meth:`save`.

        Raises:
            RunError: when the file is missing or damaged.
        """
        try:
            return cls.model_validate_json(_file(folder).read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise RunError("This is not the folder of an inference bench.", path=folder) from error


def inference_settings(**values: object) -> InferenceSettings:
    """Settings from what a person gave.

    Raises:
        UserError: naming the option that does not fit.
    """
    try:
        return InferenceSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise UserError(f"The option {option} does not fit.", hint=f"{first['msg']}.") from error


def _file(folder: Path) -> Path:
    return folder / "settings.json"
