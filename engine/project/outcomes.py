"""The outcomes of a measurement, kept beside the predictions they speak of: the review reads them without a network.

They live in the run's predictions database and hang on its rows: predicting an image again replaces its predictions,
and what was said of the old ones goes with them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.domain.outcome import FalseReason, ImageOutcomes, InstanceOutcome, MissReason, PredictionOutcome
from engine.errors import RunError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS measured_images(
    image_id INTEGER NOT NULL, epoch INTEGER NOT NULL, time REAL NOT NULL, PRIMARY KEY (image_id, epoch),
    FOREIGN KEY (image_id, epoch) REFERENCES images(image_id, epoch) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS prediction_outcomes(
    prediction_id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL, epoch INTEGER NOT NULL, instance_id TEXT,
    iou REAL NOT NULL, reason TEXT,
    FOREIGN KEY (prediction_id) REFERENCES predictions(id) ON DELETE CASCADE,
    FOREIGN KEY (image_id, epoch) REFERENCES measured_images(image_id, epoch) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS instance_outcomes(
    image_id INTEGER NOT NULL, epoch INTEGER NOT NULL, instance_id TEXT NOT NULL, category_id INTEGER NOT NULL,
    prediction_id INTEGER, score REAL NOT NULL, iou REAL NOT NULL, reason TEXT,
    PRIMARY KEY (image_id, epoch, instance_id),
    FOREIGN KEY (image_id, epoch) REFERENCES measured_images(image_id, epoch) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS outcomes_of_image ON prediction_outcomes(image_id, epoch);
"""


def write_outcomes(path: Path, epoch: int, measured: Iterable[ImageOutcomes]) -> None:
    """Keep `measured` in the predictions database at `path`, in one transaction, in place of earlier outcomes.

    Raises:
        RunError: when a prediction it speaks of is not (or no longer) stored there, or the file cannot be written.
    """
    try:
        with _Connection(path, "rw") as db:
            db.execute("PRAGMA foreign_keys=ON")
            db.executescript(_SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            for image in measured:
                _write_image(db, epoch, image)
            db.execute("COMMIT")
    except sqlite3.IntegrityError as error:
        hint = "Another process detects on these images; measure again when it has ended."
        raise RunError("The predictions changed while they were measured.", path=path, hint=hint) from error
    except sqlite3.Error as error:
        raise RunError(f"The outcomes cannot be written: {error}.", path=path) from error


def measured_images(path: Path, epoch: int) -> list[int]:
    """Images of which outcomes of `epoch` are kept at `path`; none when nothing was measured yet."""
    rows = _rows(path, "SELECT image_id FROM measured_images WHERE epoch = ? ORDER BY image_id", (epoch,))
    return [image_id for (image_id,) in rows]


def read_outcomes(path: Path, image_id: int, epoch: int) -> ImageOutcomes | None:
    """The outcomes of one image, predictions highest score first; None when it was not measured.

    Instances come as they were when measured: one that a person removed since is still named.

    Raises:
        RunError: when the database at `path` is damaged.
    """
    key = (image_id, epoch)
    if not _rows(path, "SELECT 1 FROM measured_images WHERE image_id = ? AND epoch = ?", key):
        return None
    predictions = _rows(
        path,
        "SELECT p.id, p.category_id, p.score, o.instance_id, o.iou, o.reason FROM prediction_outcomes o"
        " JOIN predictions p ON p.id = o.prediction_id WHERE o.image_id = ? AND o.epoch = ?"
        " ORDER BY p.score DESC, p.id",
        key,
    )
    instances = _rows(
        path,
        "SELECT instance_id, category_id, prediction_id, score, iou, reason FROM instance_outcomes"
        " WHERE image_id = ? AND epoch = ? ORDER BY rowid",
        key,
    )
    return ImageOutcomes(
        image_id,
        tuple(
            PredictionOutcome(id, image_id, category, score, instance, iou, FalseReason(why) if why else None)
            for id, category, score, instance, iou, why in predictions
        ),
        tuple(
            InstanceOutcome(id, image_id, category, prediction, score, iou, MissReason(why) if why else None)
            for id, category, prediction, score, iou, why in instances
        ),
    )


class _Connection:
    """A connection that is closed at the end, which sqlite3's own context manager does not do."""

    def __init__(self, path: Path, mode: str) -> None:
        uri = f"{Path(path).absolute().as_uri()}?mode={mode}"
        self._db = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, *exc: object) -> None:
        self._db.close()  # rolls back what was not committed


def _write_image(db: sqlite3.Connection, epoch: int, image: ImageOutcomes) -> None:
    db.execute("DELETE FROM measured_images WHERE image_id = ? AND epoch = ?", (image.image_id, epoch))
    db.execute("INSERT INTO measured_images VALUES (?, ?, ?)", (image.image_id, epoch, time.time()))
    db.executemany(
        "INSERT INTO prediction_outcomes VALUES (?, ?, ?, ?, ?, ?)",
        [(p.prediction_id, image.image_id, epoch, p.instance_id, p.iou, p.reason) for p in image.predictions],
    )
    db.executemany(
        "INSERT INTO instance_outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (image.image_id, epoch, i.instance_id, i.category_id, i.prediction_id, i.score, i.iou, i.reason)
            for i in image.instances
        ],
    )


def _rows(path: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    if not Path(path).exists():
        return []
    try:
        with _Connection(path, "ro") as db:
            # Predictions that were never measured have no such tables.
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'measured_images'").fetchone()
            return db.execute(sql, values).fetchall() if known else []
    except sqlite3.Error as error:
        raise RunError(f"The outcomes cannot be read: {error}.", path=path) from error
