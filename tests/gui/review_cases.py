"""A project with a run and its predictions, made up for the Review room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from engine.config import train_config
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.events import EpochValidated, to_line
from engine.project.predictions import PredictionStore
from engine.project.runs import RunFolder
from engine.project.store import ProjectStore

H, W = 120, 160
EPOCH = 2
CLASSES = ("washer", "nut", "gasket")  # with the ids 1, 2, 3
Said = tuple[Split, Sequence[Instance], Sequence[Prediction]]


def box(x: int, y: int, w: int, h: int) -> Mask:
    return Mask.from_box((x, y, x + w, y + h), H, W)


def predicted(image: int, category: int, score: float, mask: Mask, roi: int = -1) -> Prediction:
    return Prediction(0, image, category, score, tuple(float(v) for v in mask.box), mask, roi)  # type: ignore[arg-type]


def make_project(folder: Path, images: Mapping[int, Said]) -> Path:
    """Images 1, 2, ... (``img_1.png``) with their split, labels and predictions of the run's best epoch."""
    with ProjectStore.create(folder) as store:
        with store.change("Images") as change:
            for name in CLASSES:
                change.add_category(name)
            for number, (split, _, _) in images.items():
                path = folder / f"img_{number}.png"
                Image.fromarray(np.full((H, W, 3), 90, np.uint8)).save(path)
                change.add_image(path, W, H, split=split)
        with store.change("Draw") as change:
            for number, (_, labels, _) in images.items():
                change.put_annotation(Annotation(number, H, W, tuple(labels)))
    run = RunFolder(folder / "runs" / "20260101-000000")
    (run.path / "checkpoints").mkdir(parents=True)
    (run.path / "config.json").write_text(train_config("quick").model_dump_json())
    validated = EpochValidated(epoch=EPOCH, step=9, mask_ap=0.5, mask_ap50=0.5, box_ap=0.5, box_ap50=0.5, seconds=1)
    run.events_path.write_text(to_line(validated))
    with PredictionStore(run.predictions_path, read_only=False) as predictions:
        for number, (_, _, found) in images.items():
            predictions.add(Detections(number, H, W, tuple(found)), EPOCH)
    return folder
