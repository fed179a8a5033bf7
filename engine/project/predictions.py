"""A run's own predictions database, staged apart from the annotations.

Written by engine processes, read by everybody.  Each image keeps one set of predictions per epoch; writing it again
replaces it, so a killed detection can simply be repeated.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import RunError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS images(
    image_id INTEGER NOT NULL, epoch INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (image_id, epoch));
CREATE TABLE IF NOT EXISTS predictions(
    id INTEGER PRIMARY KEY AUTOINCREMENT, image_id INTEGER NOT NULL, epoch INTEGER NOT NULL,
    category_id INTEGER NOT NULL, score REAL NOT NULL, x0 REAL NOT NULL, y0 REAL NOT NULL, x1 REAL NOT NULL,
    y1 REAL NOT NULL, roi INTEGER NOT NULL, mask BLOB,
    FOREIGN KEY (image_id, epoch) REFERENCES images(image_id, epoch) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS made_by(
    image_id INTEGER NOT NULL, epoch INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (image_id, epoch),
    FOREIGN KEY (image_id, epoch) REFERENCES images(image_id, epoch) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS predictions_of_image ON predictions(image_id, epoch, score DESC);
"""
VERSION = 1


class PredictionStore:
    """Predictions of one run, by image and epoch."""

    def __init__(self, path: Path, *, read_only: bool = True) -> None:
        """Open the database at `path`; a missing one reads as empty.

        Raises:
            RunError: when it is damaged or of a newer version.
        """
        self.path = Path(path)
        self.read_only = read_only
        self._db = self._connect()

    def _connect(self) -> sqlite3.Connection | None:
        if self.read_only and not self.path.exists():
            return None
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}"
        try:
            db = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise RunError("These predictions were written by a newer Maskwright.", path=self.path)
            if not self.read_only:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("PRAGMA synchronous=NORMAL")
                db.execute("PRAGMA foreign_keys=ON")
                db.executescript(_SCHEMA)
                db.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.Error as error:
            raise RunError(f"The predictions cannot be read: {error}.", path=self.path) from error
        return db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def __enter__(self) -> PredictionStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- reading ----------------------------------------------------------------------------------------------

    def epochs(self) -> list[int]:
        """Epochs that have predictions, the most recently written first."""
        rows = self._rows("SELECT epoch FROM images GROUP BY epoch ORDER BY max(time) DESC")
        return [epoch for (epoch,) in rows]

    def image_ids(self, epoch: int | None = None) -> list[int]:
        """Images that were looked at with that epoch (default: the newest one), found something or not."""
        epoch = self._epoch(epoch)
        rows = self._rows("SELECT image_id FROM images WHERE epoch = ? ORDER BY image_id", (epoch,))
        return [image_id for (image_id,) in rows]

    def detections(self, image_id: int, epoch: int | None = None, min_score: float = 0.0) -> Detections:
        """Predictions of one image at or above `min_score`, highest first.

        Raises:
            KeyError: when that image was not looked at.
        """
        epoch = self._epoch(epoch)
        size = self._rows("SELECT height, width FROM images WHERE image_id = ? AND epoch = ?", (image_id, epoch))
        if not size:
            raise KeyError(image_id)
        height, width = size[0]
        rows = self._rows(
            "SELECT id, category_id, score, x0, y0, x1, y1, mask, roi FROM predictions"
            " WHERE image_id = ? AND epoch = ? AND score >= ? ORDER BY score DESC, id",
            (image_id, epoch, min_score),
        )
        found = tuple(
            Prediction(
                id=row[0],
                image_id=image_id,
                category_id=row[1],
                score=row[2],
                box_xyxy=(row[3], row[4], row[5], row[6]),
                mask=None if row[7] is None else Mask.from_bytes(row[7], height, width),
                roi=row[8],
            )
            for row in rows
        )
        return Detections(image_id, height, width, found)

    def _epoch(self, epoch: int | None) -> int:
        if epoch is not None:
            return epoch
        return next(iter(self.epochs()), 0)

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        if self._db is None and self.read_only:
            self._db = self._connect()
        return [] if self._db is None else self._db.execute(sql, values).fetchall()

    # --- writing ----------------------------------------------------------------------------------------------

    def add(self, detections: Detections, epoch: int, *, key: str = "") -> None:
        """Store what was found in one image, in one transaction, in place of what that epoch had found before.

        Args:
            key: what it was found with; as long as that stays the same, it need not be looked for again.
        """
        if self._db is None or self.read_only:
            raise ValueError("the predictions were opened for reading")
        d = detections
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM predictions WHERE image_id = ? AND epoch = ?", (d.image_id, epoch))
            self._db.execute("DELETE FROM made_by WHERE image_id = ? AND epoch = ?", (d.image_id, epoch))
            self._db.execute(
                "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)",
                (d.image_id, epoch, d.height, d.width, time.time()),
            )
            self._db.executemany(
                "INSERT INTO predictions(image_id, epoch, category_id, score, x0, y0, x1, y1, roi, mask)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (d.image_id, epoch, p.category_id, p.score, *p.box_xyxy, p.roi,
                     None if p.mask is None else p.mask.to_bytes())
                    for p in d.predictions
                ],
            )  # fmt: skip
            if key:
                self._db.execute("INSERT INTO made_by VALUES (?, ?, ?)", (d.image_id, epoch, key))

    def keys(self, epoch: int) -> dict[int, str]:
        """By image, what the predictions of `epoch` were found with; images of which that is not known are left out."""
        return dict(self._rows("SELECT image_id, key FROM made_by WHERE epoch = ?", (epoch,)))

    def touch(self, image_ids: Iterable[int], epoch: int) -> None:
        """Count what `epoch` found in these images as found now, so that it is the newest."""
        if self._db is None or self.read_only:
            raise ValueError("the predictions were opened for reading")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "UPDATE images SET time = ? WHERE image_id = ? AND epoch = ?",
                [(time.time(), image_id, epoch) for image_id in image_ids],
            )
