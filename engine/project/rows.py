"""Values to rows and back; the only place that knows both the columns and the dataclasses."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from engine.domain.annotation import Category, ImageStatus, Instance, Origin, Provenance, Split
from engine.domain.mask import Mask
from engine.project.records import Decision, ImageRecord, Verdict

Row = dict[str, Any]  # column -> str, int, float, bytes (mask) or None

ALL_COLUMNS = -1  # every bit set: a row that came or went


@dataclass(frozen=True)
class Table:
    """A table whose changes are journalled; `columns` starts with the key."""

    name: str
    columns: tuple[str, ...]
    key_types: tuple[type, ...] = (int,)

    @cached_property
    def select(self) -> str:
        return f"SELECT {', '.join(self.columns)} FROM {self.name}"

    @cached_property
    def where_key(self) -> str:
        return " AND ".join(f"{c} = ?" for c in self.columns[: len(self.key_types)])

    @cached_property
    def insert(self) -> str:
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"

    def update(self, columns: Mapping[str, Any]) -> str:
        """Statement that sets `columns` of the row with a key."""
        return f"UPDATE {self.name} SET {', '.join(f'{c} = ?' for c in columns)} WHERE {self.where_key}"

    def bits(self, columns: Mapping[str, Any]) -> int:
        """Bit set of `columns`."""
        return sum(1 << self.columns.index(c) for c in columns)

    def key_text(self, key: tuple[Any, ...]) -> str:
        """The key as the journal writes it."""
        return "/".join(str(part) for part in reversed(key))

    def key_from(self, text: str) -> tuple[Any, ...]:
        """Inverse of :meth:`key_text`; only a key's first part, written last, may hold a slash."""
        parts = text.split("/", len(self.key_types) - 1)
        return tuple(kind(part) for kind, part in zip(self.key_types, reversed(parts), strict=True))


IMAGES = Table(
    "images", ("id", "path", "name", "width", "height", "status", "split", "negative", "content_hash")
)  # fmt: skip
CATEGORIES = Table("categories", ("id", "name", "color"))
INSTANCES = Table(
    "instances",
    ("id", "image_id", "category_id", "position", "x0", "y0", "x1", "y1", "mask", "origin", "run", "epoch", "score"),
    (str,),
)
DECISIONS = Table(
    "decisions", ("run", "prediction_id", "image_id", "verdict", "instance_id", "reason"), (str, int)
)  # fmt: skip
META = Table("meta", ("key", "value"), (str,))
TABLES = {t.name: t for t in (IMAGES, CATEGORIES, INSTANCES, DECISIONS, META)}


# --- images, categories, decisions --------------------------------------------------------------------------------


def image_row(record: ImageRecord) -> Row:
    return {
        "id": record.id,
        "path": record.path,
        "name": PurePosixPath(record.path).name,
        "width": record.width,
        "height": record.height,
        "status": str(record.status),
        "split": str(record.split),
        "negative": int(record.negative),
        "content_hash": record.content_hash,
    }


def image_from(row: tuple[Any, ...]) -> ImageRecord:
    id_, path, _, width, height, status, split, negative, content_hash = row
    return ImageRecord(id_, path, width, height, ImageStatus(status), Split(split), bool(negative), content_hash)


def category_from(row: tuple[Any, ...]) -> Category:
    return Category(*row)


def decision_row(decision: Decision) -> Row:
    return {
        "run": decision.run,
        "prediction_id": int(decision.prediction_id),
        "image_id": decision.image_id,
        "verdict": str(decision.verdict),
        "instance_id": decision.instance_id,
        "reason": decision.reason,
    }


def decision_from(row: tuple[Any, ...]) -> Decision:
    run, prediction_id, image_id, verdict, instance_id, reason = row
    return Decision(run, prediction_id, image_id, Verdict(verdict), instance_id, reason)


# --- instances ----------------------------------------------------------------------------------------------------


def instance_scalars(instance: Instance, image_id: int, position: int) -> Row:
    """Every column but the mask."""
    x0, y0, x1, y1 = (float(v) for v in instance.box_xyxy)
    made_from = instance.provenance
    return {
        "id": instance.id,
        "image_id": image_id,
        "category_id": int(instance.category_id),
        "position": position,
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "origin": str(instance.origin),
        "run": made_from.run if made_from else None,
        "epoch": int(made_from.epoch) if made_from else None,
        "score": float(made_from.score) if made_from else None,
    }


def instance_row(instance: Instance, image_id: int, position: int) -> Row:
    return {**instance_scalars(instance, image_id, position), "mask": mask_bytes(instance.mask)}


def instance_from(row: tuple[Any, ...], height: int, width: int) -> Instance:
    """From a row of all columns; `height` and `width` are the image's."""
    id_, _, category_id, _, x0, y0, x1, y1, mask, origin, run, epoch, score = row
    return Instance(
        id_,
        category_id,
        (x0, y0, x1, y1),
        Mask.from_bytes(mask, height, width) if mask is not None else None,
        Origin(origin),
        Provenance(run, epoch, score) if run is not None else None,
    )


# --- masks --------------------------------------------------------------------------------------------------------


def mask_bytes(mask: Mask | None) -> bytes | None:
    return mask.to_bytes() if mask is not None else None


def mask_sum(data: bytes | None) -> int | None:
    """CRC-32 of a mask's bytes: how the journal recognises it."""
    return zlib.crc32(data) if data is not None else None


def mask_delta(before: Mask | None, after: Mask | None) -> bytes | None:
    """XOR of two masks; with no mask it is the other one."""
    if before is None or after is None:
        return mask_bytes(before or after)
    return (before ^ after).to_bytes()


def mask_across(data: bytes | None, delta: bytes, height: int, width: int) -> bytes:
    """The mask on the other side of `delta`."""
    if data is None:
        return delta
    return (Mask.from_bytes(data, height, width) ^ Mask.from_bytes(delta, height, width)).to_bytes()
