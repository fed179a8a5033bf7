"""What to lower when memory is short, in the order of matterport's wiki on memory; the one list of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.config import Layers, Stage, StagePlan, TrainConfig

_SMALLEST_IMAGE = 64
_FEWEST_ROIS = 32
# Of weights in a file only the file knows how large its backbone is, so nothing is said about them.
_SMALLER_WEIGHTS = {
    "resnet101-imagenet": "resnet50-imagenet-v1",
    "resnet50-imagenet-v1": "lite0",
    "resnet50-imagenet-v2": "lite0",
    "coco": "lite0",
    "coco-v2": "lite0",
}
_ORDER = list(Layers)  # from the heads alone to everything


@dataclass(frozen=True)
class Remedy:
    """One thing to lower.

    Attributes:
        name: key for a program.
        words: for a sentence.
        lower: the configuration with it lowered by one step; None where it is as low as it goes.
        told: what the step changes, from the configuration before and after it.
    """

    name: str
    words: str
    lower: Callable[[TrainConfig], TrainConfig | None]
    told: Callable[[TrainConfig, TrainConfig], str]


def _smaller_backbone(config: TrainConfig) -> TrainConfig | None:
    weights = _SMALLER_WEIGHTS.get(config.weights)
    return config.model_copy(update={"weights": weights}) if weights is not None else None


def _fewer_layers(config: TrainConfig) -> TrainConfig | None:
    """The widest stages of the plan one step narrower."""
    widest = max(_ORDER.index(stage.layers) for stage in config.plan.stages)
    if widest == 0:
        return None

    def narrowed(stage: Stage) -> Stage:
        wide = _ORDER.index(stage.layers) == widest
        return stage.model_copy(update={"layers": _ORDER[widest - 1]}) if wide else stage

    return config.model_copy(update={"plan": StagePlan(stages=tuple(map(narrowed, config.plan.stages)))})


def _smaller_images(config: TrainConfig) -> TrainConfig | None:
    size = config.image_size * 3 // 4 // 32 * 32
    return config.model_copy(update={"image_size": size}) if size >= _SMALLEST_IMAGE else None


def _smaller_batch(config: TrainConfig) -> TrainConfig | None:
    return config.model_copy(update={"batch_size": config.batch_size // 2}) if config.batch_size > 1 else None


def _fewer_rois(config: TrainConfig) -> TrainConfig | None:
    rois = config.rois_per_image // 2
    return config.model_copy(update={"rois_per_image": rois}) if rois >= _FEWEST_ROIS else None


def _widest(config: TrainConfig) -> Layers:
    return max((stage.layers for stage in config.plan.stages), key=_ORDER.index)


def _setting(name: str) -> Callable[[TrainConfig, TrainConfig], str]:
    return lambda _before, after: f"--set {name}={getattr(after, name)}"


REMEDIES = (
    Remedy("backbone", "a smaller backbone", _smaller_backbone, _setting("weights")),
    Remedy(
        "layers",
        "fewer layers",
        _fewer_layers,
        lambda before, after: f"stages that train {_widest(after)} instead of {_widest(before)}",
    ),
    Remedy("image_size", "image size", _smaller_images, _setting("image_size")),
    Remedy("batch_size", "batch size", _smaller_batch, _setting("batch_size")),
    Remedy("rois_per_image", "ROIs per image", _fewer_rois, _setting("rois_per_image")),
)


def in_words() -> str:
    """All of them for a sentence, in order."""
    return ", ".join(remedy.words for remedy in REMEDIES)
