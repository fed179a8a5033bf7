"""Validated settings: what a training and a detection are asked to do.  Values are checked where they enter."""

from __future__ import annotations

import itertools
import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.errors import UserError

# Weights to start from that have a name; all but the first are downloaded when they are asked for.
WEIGHTS = (
    "lite0", "resnet50-imagenet-v1", "resnet50-imagenet-v2", "resnet101-imagenet", "coco", "coco-v2",
)  # fmt: skip
# Of these, the ones of a classifier: pyramid, proposals and heads start fresh.
BACKBONE_WEIGHTS = frozenset({"lite0", "resnet50-imagenet-v1", "resnet50-imagenet-v2", "resnet101-imagenet"})
_WEIGHTS_ELSEWHERE = re.compile(r"run:[^@]+(@(best|last|\d+))?|.+\.(safetensors|pth|pt)")
_PYRAMID_LEVELS = 5


class Layers(StrEnum):
    """What a stage trains; stage k is the blocks that produce stride 2^k (matterport's names)."""

    HEADS = "heads"
    FROM_5 = "5+"
    FROM_4 = "4+"
    FROM_3 = "3+"
    ALL = "all"


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Config):
    """One stage of a plan; `until_epoch` is a cumulative total, as in matterport."""

    layers: Layers
    until_epoch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    augment: bool = True
    schedule: Literal["constant", "cosine"] = "constant"


class StagePlan(_Config):
    """Stages in order; each one's `until_epoch` is above the one before."""

    stages: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        ends = [s.until_epoch for s in self.stages]
        if any(b <= a for a, b in itertools.pairwise(ends)):
            raise ValueError("until-epoch is a cumulative total and must rise from stage to stage")
        return self

    @property
    def epochs(self) -> int:
        """Total number of epochs."""
        return self.stages[-1].until_epoch

    def stage_of(self, epoch: int) -> int:
        """Index of the stage that trains `epoch` (from 1)."""
        return next(i for i, s in enumerate(self.stages) if epoch <= s.until_epoch)

    @classmethod
    def parse(cls, text: str) -> StagePlan:
        """From ``"heads:4@1e-2,all:10@1e-3"``; ``!`` after the rate turns augmentation off.

        Raises:
            UserError: naming the part that cannot be read.
        """
        stages = []
        for part in text.split(","):
            try:
                layers, rest = part.strip().split(":")
                until, rate = rest.split("@")
                augment = not rate.endswith("!")
                stages.append(
                    Stage(
                        layers=Layers(layers.strip()),
                        until_epoch=int(until),
                        learning_rate=float(rate.rstrip("!")),
                        augment=augment,
                    )
                )
            except ValueError as error:
                raise UserError(
                    f"The stage “{part.strip()}” cannot be read.",
                    hint="Write layers:until-epoch@rate, for example heads:4@1e-2,all:10@1e-3.",
                ) from error
        try:
            return cls(stages=tuple(stages))
        except ValueError as error:
            raise UserError(f"The stage plan “{text}” does not hold: until-epoch must rise.") from error


class TrainConfig(_Config):
    """Everything a training run is asked to do; written to ``runs/<id>/config.json``.

    Sizes are pixels of the network's input.  `boxes_only` trains Faster R-CNN (no mask branch).
    """

    plan: StagePlan
    preset: str = "custom"
    boxes_only: bool = False
    seed: int = 0
    image_size: int = Field(default=512, ge=64, le=4096, multiple_of=32)
    detect_size: int = Field(
        default=0, ge=0, le=4096, multiple_of=32, description="input size to validate and detect at; 0: image_size"
    )
    batch_size: int = Field(default=2, ge=1)
    rois_per_image: int = Field(default=128, ge=8)
    anchor_sizes: tuple[int, ...] = Field(default=(), description="one per pyramid level; empty: as the weights have")
    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of SGD")
    body_rate: float = Field(default=1.0, gt=0, le=1, description="share of the rate for the pretrained body")
    weight_decay: float = Field(default=1e-4, ge=0)
    clip_norm: float = Field(default=5.0, gt=0)
    warmup_steps: int = Field(default=50, ge=0)
    min_epoch_steps: int = Field(default=0, ge=0, description="a small set is gone over again until so many steps")
    workers: int = Field(default=0, ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    amp: Literal["auto", "off"] = "auto"
    average: float = Field(default=0.0, ge=0, lt=1, description="decay a step of the averaged weights; 0: off")
    on_nonfinite: Literal["stop", "skip"] = "stop"
    save_minutes: float = Field(default=5.0, gt=0, description="a full checkpoint at least so often")
    keep_epochs: int = Field(default=0, ge=0, description="model-only checkpoints to keep; 0 keeps every epoch")
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 lets torch decide")
    weights: str = Field(default="lite0", description="a name of WEIGHTS, run:ID@EPOCH or a weights file")
    weights_names: str = Field(default="", description="class names of a .pth, label 1 first, with commas between")
    weights_bn_eps: float | None = Field(default=None, ge=0, description="batch-norm eps a .pth was trained with")

    @field_validator("anchor_sizes", mode="before")
    @classmethod
    def _listed_sizes(cls, sizes: object) -> object:
        """A command line writes them with commas between."""
        return tuple(s.strip() for s in sizes.split(",") if s.strip()) if isinstance(sizes, str) else sizes

    @field_validator("anchor_sizes")
    @classmethod
    def _rising_sizes(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        rising = all(a < b for a, b in itertools.pairwise(sizes))
        if sizes and (len(sizes) != _PYRAMID_LEVELS or sizes[0] < 1 or not rising):
            raise ValueError(f"write {_PYRAMID_LEVELS} rising sides in pixels, for example 16,32,64,128,256")
        return sizes

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, weights: str) -> str:
        if weights not in WEIGHTS and not _WEIGHTS_ELSEWHERE.fullmatch(weights):
            choices = ", ".join(WEIGHTS)
            raise ValueError(f"there are no weights “{weights}”. Choose one of {choices}, run:ID@EPOCH, or a file")
        return weights


class DetectConfig(_Config):
    """How predictions are cut.  Scores and overlaps in [0, 1], sizes in pixels of the image itself."""

    score_threshold: float = Field(default=0.05, ge=0, le=1)
    nms_threshold: float = Field(default=0.5, gt=0, le=1)
    nms_scope: Literal["class", "all"] = Field(default="class", description="whose boxes suppress each other")
    max_detections: int = Field(default=100, ge=1, description="of an image, or of each of its tiles")
    mask_threshold: float = Field(default=0.5, gt=0, lt=1)
    min_area: int = Field(default=0, ge=0, description="smaller masks (boxes, without masks) are left out")
    batch_size: int = Field(default=1, ge=0, description="images at once; 0: the largest number that fits")
    tile: Literal["off", "auto"] | Annotated[int, Field(ge=32)] = Field(
        default="off", description="longest side looked at at once; auto: what the network takes without shrinking"
    )
    overlap: float = Field(default=0.2, ge=0.02, le=0.5, description="of neighbouring tiles, as a share of a tile")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


def _plan(*stages: tuple[str, int, float, bool, str]) -> StagePlan:
    return StagePlan(
        stages=tuple(
            Stage.model_validate(
                {
                    "layers": layers,
                    "until_epoch": until,
                    "learning_rate": rate,
                    "augment": augment,
                    "schedule": schedule,
                }
            )
            for layers, until, rate, augment, schedule in stages
        )
    )


_QUICK = TrainConfig(
    preset="quick",
    plan=_plan(("3+", 26, 5e-4, True, "cosine")),
    optimizer="adamw",
    weight_decay=0.05,
    body_rate=0.5,
    average=0.99,
    min_epoch_steps=30,
    detect_size=704,  # within what augmentation zooms to (1.4 times 512), see ADR 12
    # The usual 32 to 512 are meant for inputs of about 1000 pixels; at 512 they leave small objects without an anchor.
    anchor_sizes=(24, 48, 96, 192, 384),
)
PRESETS: dict[str, TrainConfig] = {
    "quick": _QUICK,
    "balanced": _QUICK.model_copy(
        update={"preset": "balanced", "plan": _plan(("3+", 52, 5e-4, True, "cosine")), "average": 0.995}
    ),
    # The practitioner's schedule: heads to 50 at LR, all to 75 at LR/10, all to 90 at LR/100.
    "notes": TrainConfig(
        preset="notes",
        plan=_plan(
            ("heads", 50, 0.01, False, "constant"),
            ("all", 75, 0.001, False, "constant"),
            ("all", 90, 0.0001, False, "constant"),
        ),
    ),
    # Its variant: heads to 50 at LR, then 3+ to 90 at LR/10 with augmentation.
    "notes-3plus": TrainConfig(
        preset="notes-3plus",
        plan=_plan(("heads", 50, 0.01, False, "constant"), ("3+", 90, 0.001, True, "constant")),
    ),
    # Detectron's 1x schedule (12 epochs of COCO, a tenth after 8 and 11); its 0.02 for 16 images is 0.0025 for 2.
    "1x": TrainConfig(
        preset="1x",
        plan=_plan(
            ("3+", 8, 0.0025, True, "constant"),
            ("3+", 11, 0.00025, True, "constant"),
            ("3+", 12, 0.000025, True, "constant"),
        ),
        rois_per_image=512,
    ),
}
PRESET_HELP = f"One of: {', '.join(PRESETS)}."


def train_config(preset: str = "quick", *, stages: str | None = None, settings: tuple[str, ...] = ()) -> TrainConfig:
    """A preset or a plan of one's own, with other values.

    Args:
        preset: a key of :data:`PRESETS`.
        stages: a plan as :meth:`StagePlan.parse` reads it, instead of a preset: its rates are meant for matterport's
            optimiser (SGD) and settings, the defaults of :class:`TrainConfig`.
        settings: ``key=value`` pairs for fields of :class:`TrainConfig`.

    Raises:
        UserError: naming the preset, stage or setting that does not exist or does not fit.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset “{preset}”.", hint=f"Choose one of: {', '.join(PRESETS)}.")
    chosen = PRESETS[preset] if stages is None else TrainConfig(plan=StagePlan.parse(stages))
    asked = dict(_key_and_value(setting) for setting in settings)
    try:
        start = starting_from(chosen, asked.get("weights", chosen.weights))
        return TrainConfig.model_validate({**start.model_dump(), **asked})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"The setting “{where}” does not fit: {first['msg'].removeprefix('Value error, ')}.") from error


def starting_from(config: TrainConfig, weights: str) -> TrainConfig:
    """`config` on other weights; a detector proposes on the anchors that it learned with, not on a preset's.

    Raises:
        ValidationError: when there are no such weights.
    """
    anchors = config.anchor_sizes if weights in BACKBONE_WEIGHTS else ()
    return TrainConfig.model_validate({**config.model_dump(), "weights": weights, "anchor_sizes": anchors})


def _key_and_value(setting: str) -> tuple[str, str]:
    key, separator, value = setting.partition("=")
    if not separator or key not in TrainConfig.model_fields or key == "plan":
        known = ", ".join(k for k in TrainConfig.model_fields if k not in {"plan", "preset"})
        raise UserError(f"The setting “{setting}” cannot be used.", hint=f"Write key=value with one of: {known}.")
    return key, value
