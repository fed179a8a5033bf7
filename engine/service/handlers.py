"""What the service can do.  torch is imported only when a model is needed."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.config import DetectConfig
from engine.domain.annotation import Split
from engine.domain.prediction import Detections
from engine.errors import DataError, ImageReadError, RunError
from engine.project.images import read_image
from engine.project.predictions import PredictionStore
from engine.project.records import ImageRecord
from engine.project.runs import CheckpointName, RunFolder, open_run
from engine.project.store import ProjectStore
from engine.service.loop import Handler, Job

Image = npt.NDArray[np.uint8]


class Detector(Protocol):
    """A network that is ready to look at images."""

    device: Any
    epoch: int

    def detect(self, images: Sequence[Image], image_ids: Sequence[int]) -> list[Detections]:
        """Predictions for `images` (H x W x 3 uint8 RGB each), in the same order."""
        ...


Loader = Callable[[RunFolder, CheckpointName, DetectConfig], Detector]


class Service:
    """Holds the loaded network between requests."""

    def __init__(self, folder: Path, load: Loader) -> None:
        self.folder = folder
        self._load = load
        self._detector: Detector | None = None
        self._key: tuple[str, float, DetectConfig] | None = None
        self._unreadable: list[str] = []

    def handlers(self) -> dict[str, Handler]:
        """Handler by request name."""
        return {"ping": self.ping, "status": self.status, "unload": self.unload, "detect": self.detect}

    def ping(self, job: Job) -> dict[str, Any]:
        return {"pid": os.getpid()}

    def status(self, job: Job) -> dict[str, Any]:
        """Whether a network is loaded, of which run, and on which device ("" without one)."""
        return {"loaded": self._detector is not None, "device": self._device()}

    def unload(self, job: Job) -> dict[str, Any]:
        """Give the network's memory back.  A CUDA context only goes with the process: the window ends it then."""
        device, was_loaded = self._device(), self._detector is not None
        self._detector = self._key = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and device.startswith("cuda"):
            torch.cuda.empty_cache()
        return {"unloaded": was_loaded, "device": device}

    def detect(self, job: Job) -> dict[str, Any]:
        """Detect in the images asked for and stage what is found in the run's database.

        Args (of the request): ``run`` (id or "last"), ``epoch`` ("best", "last" or a number), ``images`` (ids) or
            ``split``, ``config`` (fields of :class:`DetectConfig`).

        Progress: ``stage`` "loading" or "detecting", ``done``, ``total``, ``image_id``, ``found``, ``device``,
            ``images_per_second`` (the first batch is not counted).
        """
        args = job.args
        run = open_run(self.folder, str(args.get("run", "last")))
        config = DetectConfig.model_validate(args.get("config") or {})
        with ProjectStore.open(self.folder, read_only=True) as store:
            targets = [(r.id, store.image_path(r.id)) for r in _records(store, args)]
        name: CheckpointName = args.get("epoch", "best")
        job.progress(stage="loading", done=0, total=len(targets))
        detector = self._detector_for(run, name, config)
        found = 0
        with PredictionStore(run.predictions_path, read_only=False) as predictions:
            for batch in self._batches(job, targets, max(1, config.batch_size), detector):
                for result in batch:
                    predictions.add(result, detector.epoch)
                    found += len(result)
        return {"run": run.id, "epoch": detector.epoch, "images": len(targets), "found": found,
                "unreadable": self._unreadable, "device": self._device()}  # fmt: skip

    def _batches(
        self, job: Job, targets: list[tuple[int, Path]], size: int, detector: Detector
    ) -> Iterator[list[Detections]]:
        """Detections batch by batch, the last one short; images that cannot be read are named and left out."""
        self._unreadable = []
        done, timed, started, rate = 0, 0, 0.0, 0.0
        for start in range(0, len(targets), size):
            job.check()
            part = targets[start : start + size]
            images, ids = self._read(part)
            results = detector.detect(images, ids) if ids else []
            yield results
            done += len(part)
            if started:  # the first batch warms up and is not counted
                timed += len(part)
                rate = timed / max(time.perf_counter() - started, 1e-9)
            else:
                started = time.perf_counter()
            job.progress(
                stage="detecting", done=done, total=len(targets), image_ids=ids, device=self._device(),
                found=sum(len(r) for r in results), images_per_second=rate, epoch=detector.epoch,
            )  # fmt: skip

    def _read(self, part: list[tuple[int, Path]]) -> tuple[list[Image], list[int]]:
        images, ids = [], []
        for image_id, path in part:
            try:
                images.append(read_image(path))
                ids.append(image_id)
            except ImageReadError as error:
                self._unreadable.append(str(error))
        return images, ids

    def _detector_for(self, run: RunFolder, name: CheckpointName, config: DetectConfig) -> Detector:
        path = run.checkpoint(name)
        if not path.exists():
            raise RunError(f"Run {run.id} has no checkpoint “{name}” yet.", hint="Train it for at least one epoch.")
        key = (str(path), path.stat().st_mtime, config)
        if self._detector is None or self._key != key:
            self._detector = self._key = None  # two networks at once may not fit
            self._detector = self._load(run, name, config)
            self._key = key
        return self._detector

    def _device(self) -> str:
        return str(self._detector.device) if self._detector is not None else ""


def _records(store: ProjectStore, args: dict[str, Any]) -> list[ImageRecord]:
    records = store.images()
    if args.get("images") is not None:
        wanted = set(args["images"])
        chosen = [r for r in records if r.id in wanted]
    elif args.get("split"):
        chosen = [r for r in records if r.split is Split(args["split"])]
    else:
        chosen = list(records)
    if not chosen:
        raise DataError("There is no image to detect in.", hint="Choose another split, or add images.")
    return chosen
