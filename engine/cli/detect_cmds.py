"""The command that detects: a project's own images into a run's predictions, or image files from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from engine.cli.output import console, print_json, say
from engine.cli.train_cmds import checkpoint_name
from engine.cli.weights_cmds import have_weights
from engine.config import DetectConfig
from engine.domain.annotation import Split
from engine.domain.prediction import Detections
from engine.errors import ImageReadError, UserError
from engine.project.runs import RunFolder, open_run

if TYPE_CHECKING:
    from engine.prediction.predictor import Predictor
    from engine.prediction.work import ImageResult

_LOWEST_STAGED = 0.05  # what the review starts from, however high the score asked for

Named = tuple[str, "ImageResult"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(detect)


def detect(
    project: Annotated[Path | None, typer.Argument(help="Project folder.")] = None,
    images: Annotated[list[Path] | None, typer.Option(help="Image files or folders instead of the project's.")] = None,
    run_id: Annotated[str, typer.Option("--run", help="Run id, or last.")] = "last",
    epoch: Annotated[str, typer.Option("--epoch", help="best, last or an epoch.")] = "best",
    weights: Annotated[
        str | None, typer.Option(help="Instead of a run: a checkpoint, a torchvision .pth, coco or coco-v2.")
    ] = None,
    names: Annotated[str, typer.Option(help="Class names of a .pth, label 1 first, with commas between.")] = "",
    bn_eps: Annotated[float | None, typer.Option(help="Batch-norm eps a .pth was trained with.")] = None,
    split: Annotated[Split | None, typer.Option(help="Only this split.")] = None,
    score: Annotated[float, typer.Option(help="Lowest score to report.")] = 0.05,
    batch_size: Annotated[int, typer.Option(help="Images at once; 0: the largest number that fits.")] = 0,
    tile: Annotated[str, typer.Option(help="Look in tiles of so many pixels; auto: of the input's size.")] = "off",
    overlap: Annotated[float, typer.Option(help="Share of a tile that its neighbour has too.")] = 0.2,
    nms: Annotated[str, typer.Option(help="Whose boxes suppress each other: those of a class, or all.")] = "class",
    min_area: Annotated[int, typer.Option(help="Leave out masks of fewer pixels.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Look again at what was looked at before.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Detect objects; a project's own images go to the run's predictions, ready for review.

    Called again, it only looks at what is missing for the same weights and settings.
    """
    config = _config(
        score_threshold=min(score, _LOWEST_STAGED), batch_size=batch_size, tile=tile, overlap=overlap, nms_scope=nms,
        min_area=min_area, device=device,
    )  # fmt: skip
    if weights is not None:
        run, predictor = None, _from_weights(weights, names, bn_eps, config)
    else:
        predictor, run = _of_run(project, run_id, epoch, config)
    if images:
        named = _loose(predictor, images)
    elif project is not None and run is not None:
        named = _staged(project, run, predictor, split, fresh=fresh)
    else:
        raise UserError("Nothing to detect on.", hint="Name a project, or image files with --images.")
    told = _Told(predictor, score)
    with console.status("Detecting…") as status:
        for file_name, result in named:
            told.take(file_name, result)
            status.update(f"Detecting: {told.images} images")
    say(told.sentence())
    if as_json:
        print_json(told.results)
    told.refuse_if_some_failed()


@dataclass
class _Told:
    """What came of the images so far, in COCO's words.

    Attributes:
        found: by the image's place among those asked for.
        kept, failed: images looked at before; images that could not be looked at.
    """

    predictor: Predictor
    score: float
    found: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    kept: int = 0
    failed: int = 0

    def take(self, file_name: str, result: ImageResult) -> None:
        """Count a result; say why an image could not be looked at."""
        if isinstance(result.found, UserError):
            self.failed += 1
            say(str(result.found))
            return
        self.kept += result.kept
        self.found[result.item.index] = _coco_results(file_name, result.found, self.predictor, self.score)

    @property
    def images(self) -> int:
        return len(self.found)

    @property
    def results(self) -> list[dict[str, Any]]:
        """All results, image by image."""
        return [entry for index in sorted(self.found) for entry in self.found[index]]

    def sentence(self) -> str:
        """The account of a whole detection."""
        p = self.predictor
        told = f"{len(self.results)} objects in {self.images} images on {p.device.title}"
        if self.kept:
            told += f"; {self.kept} were looked at before (--fresh looks again)"
        if self.images > self.kept:
            told += f", batches of {p.batch_size}"
        if p.images_per_second:
            told += f", {p.images_per_second:.2f} images/s without the first batch"
        return told + "."

    def refuse_if_some_failed(self) -> None:
        """End with an error when an image could not be read.

        Raises:
            ImageReadError: with how many.
        """
        if self.failed:
            of = self.failed + self.images
            raise ImageReadError(f"{self.failed} of {of} images could not be looked at; the others are done.")


# --- what to detect with, and on ----------------------------------------------------------------------------------


def _config(**values: object) -> DetectConfig:
    """Settings from what a person gave.

    Raises:
        UserError: naming the one that does not fit.
    """
    try:
        tile = str(values["tile"])
        return DetectConfig.model_validate({**values, "tile": int(tile) if tile.isdigit() else tile})
    except ValidationError as error:
        first = error.errors()[0]
        option = {"nms_scope": "nms", "score_threshold": "score"}.get(str(first["loc"][0]), str(first["loc"][0]))
        raise UserError(f"The option --{option.replace('_', '-')} does not fit.", hint=f"{first['msg']}.") from error


def _from_weights(weights: str, names: str, bn_eps: float | None, config: DetectConfig) -> Predictor:
    from engine.prediction.predictor import Predictor

    have_weights(weights)
    listed = tuple(n.strip() for n in names.split(",") if n.strip())
    return Predictor.from_checkpoint(weights, config=config, names=listed, bn_eps=bn_eps)


def _of_run(project: Path | None, run_id: str, epoch: str, config: DetectConfig) -> tuple[Predictor, RunFolder]:
    from engine.prediction.predictor import Predictor

    if project is None:
        raise UserError("No network to detect with.", hint="Name a project with a run, or a checkpoint with --weights.")
    run = open_run(project, run_id)
    return Predictor.from_run(run, checkpoint_name(epoch), config=config), run


def _loose(predictor: Predictor, paths: list[Path]) -> Iterator[Named]:
    from engine.project.images import find_images

    files = [f for p in paths for f in (find_images(p) if p.is_dir() else [p])]
    if not files:
        raise UserError("There is no image to detect on.", path=paths[0])
    results = predictor.results((0, file) for file in files)
    return ((str(files[r.item.index]), r) for r in results)


def _staged(
    project: Path, run: RunFolder, predictor: Predictor, split: Split | None, *, fresh: bool
) -> Iterator[Named]:
    from engine.prediction.staging import stage
    from engine.project.predictions import PredictionStore
    from engine.project.store import ProjectStore

    with ProjectStore.open(project, read_only=True) as store:
        chosen = [i for i in store.images() if split is None or i.split is split]
        paths = [(i.id, store.image_path(i.id)) for i in chosen]
    if not chosen:
        raise UserError("There is no image to detect on.", hint="Choose another split, or add images.")
    with PredictionStore(run.predictions_path, read_only=False) as staged:
        for result in stage(staged, predictor, paths, fresh=fresh):
            yield chosen[result.item.index].path, result


def _coco_results(file_name: str, detections: Detections, predictor: Predictor, score: float) -> list[dict[str, Any]]:
    names = {c.id: c.name for c in predictor.categories}
    results = []
    for prediction in detections.predictions:
        if prediction.score < score:
            continue
        x0, y0, x1, y1 = prediction.box_xyxy
        entry: dict[str, Any] = {
            "image_id": prediction.image_id,
            "file_name": file_name,
            "category": names[prediction.category_id],
            "category_id": prediction.category_id,
            "score": prediction.score,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        }
        if prediction.mask is not None:
            entry["segmentation"] = prediction.mask.to_coco()
        results.append(entry)
    return results
