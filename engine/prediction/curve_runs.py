"""The trainings behind a learning curve: the same settings on growing parts of a run's training images."""

from __future__ import annotations

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from engine.config import DetectConfig, StagePlan, TrainConfig
from engine.domain.annotation import Split
from engine.domain.outcome import ImageOutcomes
from engine.errors import RunError
from engine.events import EpochValidated, RunEvent
from engine.prediction.diagnosing import see
from engine.prediction.predictor import Predictor
from engine.project.dataset import FrozenDataset
from engine.project.runs import RunFolder, RunState
from engine.project.weights_choice import weights_path
from engine.review.diagnosis.learning_curve import SHARES, LearningCurve, curve_of, nested_subsets
from engine.training.loader import SampleLoader
from engine.training.trainer import run_trainer

FOLDER = "learning_curve"
Tell = Callable[[str], None]


def learning_curve(
    run: RunFolder,
    config: TrainConfig,
    *,
    project_folder: Path,
    detect: DetectConfig | None = None,
    shares: Sequence[float] = SHARES,
    tell: Tell = lambda _text: None,
) -> LearningCurve:
    """Train on parts of the training images of `run` and measure each on all of its validation images.

    The runs lie in ``learning_curve`` in the folder of `run`, by their settings: what was trained before is not trained
    again, and what was stopped goes on.  All take as many steps as whole epochs allow, so that they differ in their
    images only; each is measured after its last epoch, which the validation images had no say in.

    Args:
        config: of the training on all images.
        shares: parts of the training images, in (0, 1].
        tell: called with what is being done.

    Raises:
        RunError: when a training fails or is stopped.
    """
    data = run.dataset()
    config = _settled(config, data, project_folder)
    root = run.path / FOLDER / hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:12]
    measured: list[tuple[FrozenDataset, Sequence[ImageOutcomes]]] = []
    for part in nested_subsets(data, seed=config.seed, shares=shares):
        images = len(part.annotated(Split.TRAIN))
        folder = _prepared(root / f"{images:05d}", part, with_equal_steps(config, part, of=data))
        _trained(folder, partial(_tell_of, tell, images))
        predictor = Predictor.from_run(folder, "last", config=detect)
        seen = see(folder, predictor, part.annotated(Split.VAL), boxes_only=part.boxes_only, tell=tell)
        measured.append((part, seen.quality.outcomes))
    return curve_of(measured, epochs=config.plan.epochs)


def shortened(plan: StagePlan, epochs: int) -> StagePlan:
    """`plan` over fewer (or more) epochs, each stage with its share; the last stages where there are too few."""
    stages, total = plan.stages[-epochs:], plan.epochs
    ends: list[int] = []
    for place, stage in enumerate(stages):
        least = ends[-1] + 1 if ends else 1
        most = epochs - (len(stages) - 1 - place)
        ends.append(min(most, max(least, round(stage.until_epoch * epochs / total))))
    shorter = [s.model_copy(update={"until_epoch": end}) for s, end in zip(stages, ends, strict=True)]
    return StagePlan(stages=tuple(shorter))


def with_equal_steps(config: TrainConfig, part: FrozenDataset, *, of: FrozenDataset) -> TrainConfig:
    """`config`, over as many epochs as it takes on `part` to make the steps that it makes on `of`."""
    steps = _steps(config, of)
    longer = config.model_copy(update={"min_epoch_steps": max(config.min_epoch_steps, steps)})
    epochs = max(1, round(config.plan.epochs * steps / _steps(longer, part)))
    return longer.model_copy(update={"plan": shortened(config.plan, epochs)})


def _steps(config: TrainConfig, data: FrozenDataset) -> int:
    """Of an epoch."""
    return SampleLoader(
        data.annotated(Split.TRAIN),
        labels={},
        image_size=config.image_size,
        batch_size=config.batch_size,
        seed=config.seed,
        min_steps=config.min_epoch_steps,
    ).steps_per_epoch


def _settled(config: TrainConfig, data: FrozenDataset, project_folder: Path) -> TrainConfig:
    """`config` for these data, with weights that are found from any folder."""
    path = weights_path(config.weights, project_folder)
    weights = config.weights if path is None else str(path.absolute())
    return config.model_copy(update={"boxes_only": data.boxes_only, "keep_epochs": 1, "weights": weights})


def _tell_of(tell: Tell, images: int, text: str) -> None:
    tell(f"{images} training images: {text}")


def _prepared(path: Path, data: FrozenDataset, config: TrainConfig) -> RunFolder:
    """The folder of one training, as it was or made now.

    Raises:
        RunError: when it cannot be written.
    """
    try:
        for name in ("data", "checkpoints"):
            (path / name).mkdir(parents=True, exist_ok=True)
        if not (path / "config.json").exists():
            data.save(path / "data" / "dataset.json")
            (path / "config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        raise RunError(f"The learning curve cannot be written: {error.strerror}.", path=path) from error
    return RunFolder(path)


def _trained(run: RunFolder, tell: Tell) -> None:
    """Train what is left of `run`."""
    if run.state() is RunState.FINISHED:
        return
    epochs = run.config.plan.epochs

    def show(event: RunEvent) -> None:
        if isinstance(event, EpochValidated):
            tell(f"epoch {event.epoch} of {epochs}, AP50 {event.mask_ap50 or event.box_ap50 or 0:.2f}")

    tell(f"{epochs} epochs")
    with _signals_given_back():
        ended = run_trainer(run, resume=True, on_event=show)
    if ended.outcome == "stopped":
        raise RunError("The learning curve was stopped.", hint="Ask again: it goes on where it was.")
    if ended.outcome == "failed":
        raise RunError(f"A training for the learning curve failed: {ended.reason}", path=run.path)


@contextmanager
def _signals_given_back() -> Iterator[None]:
    """A trainer takes Ctrl+C as a wish to stop it; behind it, Ctrl+C ends the command again."""
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
