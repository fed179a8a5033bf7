"""Opening an annotation file of unknown make: decode it, tell what it is, parse it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.errors import FormatError
from engine.formats.coco import is_coco, parse_coco
from engine.formats.coerce import as_dict
from engine.formats.parsed import ParsedFile
from engine.formats.report import FindingLog
from engine.formats.via import is_via, parse_via, parse_via_csv

SUFFIXES = (".json", ".csv")
_LARGEST_FILE = 4 << 30
_READABLE = "Maskwright reads VIA (JSON, project, CSV) and COCO instances (JSON)."


def parse_file(path: Path, log: FindingLog) -> ParsedFile:
    """What the annotation file at `path` says; regions that cannot be read go to `log`.

    Raises:
        FormatError: when it cannot be opened, is damaged or is nothing that can be imported.
    """
    text = _text(path)
    try:
        if path.suffix.lower() == ".csv":
            return parse_via_csv(text, log)
        data = _json(text)
        if is_via(data):
            return parse_via(data, log)
        if is_coco(data):
            return parse_coco(data, log)
    except FormatError as error:
        error.path = error.path or path
        raise
    raise FormatError(f"{path.name} is neither VIA nor COCO: {_what(data)}.", path=path, hint=_READABLE)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FormatError(f"{path.name} is too large to be an annotation file.", path=path)
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path.name} cannot be opened: {reason}.", path=path) from error
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        if path.suffix.lower() == ".csv" and b"\0" not in raw:
            return raw.decode("cp1252", "replace")  # a spreadsheet saved it again
        raise FormatError(f"{path.name} is not a text file.", path=path, hint=_READABLE) from None


def _json(text: str) -> Any:
    if not text.strip():
        raise FormatError("The file is empty.", hint="Export it again from the tool that made it.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        hint = "It may have been cut off; export it again."
        raise FormatError(f"The file is not valid JSON: {error.msg} at {where}.", hint=hint) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; brackets nested thousands deep
        raise FormatError("The file is not an annotation file: its JSON is nested or sized beyond sense.") from None


def _what(data: Any) -> str:
    """A guess at what a JSON is, to help the person who picked it."""
    if isinstance(data, list):
        first = as_dict(data[0]) if data else {}
        return "it looks like COCO detection results" if "image_id" in first else "it is a bare list"
    if not isinstance(data, dict):
        return "it is a bare value"
    if not data:
        return "it is empty"
    if {"shapes", "imagePath"} <= data.keys():
        return "it looks like a labelme file"
    if {"view", "metadata", "file"} <= data.keys():
        return "it looks like a VIA 3 project (export from VIA 2, or as COCO)"
    if "annotations" in data or "categories" in data:
        return "the list “images” is missing"
    return "no entry has “regions”, and there is no list “images”"
