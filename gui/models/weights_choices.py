"""What a training can start from, as a person chooses it: names, the project's runs, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config import TrainConfig, starting_from
from engine.model.offered import OFFERED, Offered
from engine.project.runs import RunFolder, RunSummary
from gui.models.run_log import ap_words

TORCHVISION_SUFFIXES = (".pth", ".pt")
FILE_SUFFIXES = (".safetensors", *TORCHVISION_SUFFIXES)
FILE_PATTERN = f"Weights ({' '.join(f'*{suffix}' for suffix in FILE_SUFFIXES)})"
_BODY = "Knows pictures, not objects: proposals and heads start fresh."
_DETECTOR = "A whole detector: it goes on with its own anchors, and with the classes whose names are in this project."
_UNNAMED = "A Mask R-CNN of torchvision. It does not name its classes: they start fresh, unless you name them."


@dataclass(frozen=True, slots=True)
class WeightsChoice:
    """One entry.

    Attributes:
        weights: as :class:`engine.config.TrainConfig` has it.
        title: for the list.
        note: what it means, in sentences.
    """

    weights: str
    title: str
    note: str


@dataclass(frozen=True, slots=True)
class RunWeights:
    """A run, and which of its checkpoints "best" and "last" are on disk."""

    summary: RunSummary
    has_best: bool
    has_last: bool

    @classmethod
    def of(cls, run: RunFolder, summary: RunSummary) -> RunWeights:
        """Looks at the disk."""
        return cls(summary, run.checkpoint("best").is_file(), run.checkpoint("last").is_file())


def named_choices() -> list[WeightsChoice]:
    """What has a name; the note says what has to be downloaded (looks at the disk)."""
    return [WeightsChoice(o.name, o.title, f"{_DETECTOR if o.is_detector else _BODY} {_origin(o)}")
            for o in OFFERED.values()]  # fmt: skip


def _origin(offered: Offered) -> str:
    if not offered.file:
        return "Packaged: needs no connection."
    if offered.is_here:
        return "Is on this computer."
    return f"Is downloaded when the training starts, {offered.megabytes} MB."


def run_choices(runs: Sequence[RunWeights]) -> list[WeightsChoice]:
    """Best and last checkpoint of each run that has them, newest run first."""
    choices = []
    for run in runs:
        if run.has_best:
            choices.append(_run_choice(run.summary, "best", _best_words(run.summary)))
        if run.has_last:
            choices.append(_run_choice(run.summary, "last", f"after {run.summary.epochs_done} epochs"))
    return choices


def _run_choice(summary: RunSummary, name: str, words: str) -> WeightsChoice:
    note = f"Goes on from what this run learned ({words}): its anchors stay, classes are matched, new ones start fresh."
    return WeightsChoice(f"run:{summary.id}@{name}", f"Run {summary.id}, {name}", note)


def _best_words(summary: RunSummary) -> str:
    ap = summary.mask_ap if summary.mask_ap is not None else summary.box_ap
    return f"epoch {summary.best_epoch}, AP {ap_words(ap)}" if summary.best_epoch else "its best epoch"


def other_choice(weights: str) -> WeightsChoice:
    """Weights that no list has: a file, or a run that is gone (looks at the disk)."""
    if weights.startswith("run:"):
        title = weights.removeprefix("run:").replace("@", ", ")
        return WeightsChoice(
            weights, f"Run {title}", "This checkpoint is not listed: the training tells if it is gone."
        )
    path = Path(weights)
    if not path.expanduser().is_file():
        return WeightsChoice(weights, path.name, f"There is no file {path}. Choose another one.")
    return WeightsChoice(weights, path.name, _UNNAMED if is_torchvision(weights) else _DETECTOR)


def is_torchvision(weights: str) -> bool:
    """Whether it is a file that does not tell its classes' names."""
    return weights not in OFFERED and Path(weights).suffix in TORCHVISION_SUFFIXES


def started_from(config: TrainConfig, weights: str, presets: Mapping[str, TrainConfig]) -> TrainConfig:
    """`config` on other weights, as the command line would have it from the preset.

    A configuration that left its anchors to a detector gets back those of its preset when it starts from a body.
    """
    if weights == config.weights:
        return config
    preset = presets.get(config.preset)
    changes: dict[str, object] = {"weights_names": "", "weights_bn_eps": None}  # said of the former weights
    if not config.anchor_sizes and preset is not None:
        changes["anchor_sizes"] = preset.anchor_sizes
    return starting_from(config.model_copy(update=changes), weights)
