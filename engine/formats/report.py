"""What an import read, clipped and skipped, and what an export would lose: said in sentences and in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FindingKind = Literal["clipped", "skipped", "warning", "note"]
_KIND_ORDER = {"skipped": 0, "clipped": 1, "warning": 2, "note": 3}
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know about an import.

    Attributes:
        kind: "clipped" (cut at the image border), "skipped" (not imported), "warning" (imported, but look), "note".
        text: one sentence; it holds the count where there is one.
        image: the image's name when it concerns exactly one.
        count: how many regions, images or files it is about.
        images: names of all images concerned, in order.
    """

    kind: FindingKind
    text: str
    image: str = ""
    count: int = 1
    images: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "kind": self.kind,
            "text": self.text,
            "image": self.image,
            "count": self.count,
            "images": list(self.images),
        }


class FindingLog:
    """Collects findings of one sort into one sentence with a count.

    A text is a template: ``{n}`` becomes the count and ``{s}`` the plural ending of the word before it ("" for one),
    ``{plural}`` that of "class", ``{ies}`` that of "entr"; ``{is}``, ``{was}``, ``{es}``, ``{self}`` follow the count.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[FindingKind, str], tuple[int, dict[str, None]]] = {}

    def add(self, kind: FindingKind, template: str, *, image: str = "", count: int = 1) -> None:
        """Count `count` more of the sort `template` tells of."""
        if count <= 0:
            return
        total, images = self._entries.get((kind, template), (0, {}))
        if image:
            images[image] = None
        self._entries[kind, template] = (total + count, images)

    def findings(self) -> tuple[Finding, ...]:
        """What was collected: skipped first, then clipped, warnings and notes."""
        found = [
            _finding(kind, template, count, tuple(images))
            for (kind, template), (count, images) in self._entries.items()
        ]
        return tuple(sorted(found, key=lambda f: _KIND_ORDER[f.kind]))


def _finding(kind: FindingKind, template: str, count: int, images: tuple[str, ...]) -> Finding:
    one = count == 1
    words = {"{n}": f"{count:,}", "{s}": "" if one else "s", "{is}": "is" if one else "are"}
    words |= {"{es}": "es" if one else "", "{self}": "itself" if one else "themselves"}
    words |= {"{was}": "was" if one else "were", "{ies}": "y" if one else "ies", "{plural}": "" if one else "es"}
    text = template
    for mark, word in words.items():
        text = text.replace(mark, word)
    if images:
        text = f"{text.removesuffix('.')} (in {_listed(images)})"
    text = text if text.endswith(".") else f"{text}."
    return Finding(kind, text, images[0] if len(images) == 1 else "", count, images)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return shown if more <= 0 else f"{shown} and {more} more"


@dataclass(frozen=True)
class ImportReport:
    """What came of an import.

    Attributes:
        images: images of the file that are now in the project.
        instances: instances that were added.
        classes: class name to the number of its instances added.
        findings: what was clipped, skipped or is worth a look.
        images_added: how many of `images` the project did not have before.
        dry_run: nothing was written; the numbers tell what would be.
    """

    images: int
    instances: int
    classes: dict[str, int]
    findings: tuple[Finding, ...] = ()
    images_added: int = 0
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values: images, instances, classes, findings."""
        return {
            "images": self.images,
            "instances": self.instances,
            "classes": self.classes,
            "findings": [finding.to_json() for finding in self.findings],
            "images_added": self.images_added,
            "dry_run": self.dry_run,
        }

    def sentences(self) -> list[str]:
        """The report as a person reads it, most important first."""
        verb = "Would import" if self.dry_run else "Imported"
        classes = ", ".join(f"{name} {count}" for name, count in self.classes.items())
        head = f"{verb} {_count(self.instances, 'instance')} in {_count(self.images, 'image')}"
        return [f"{head}{f' ({classes})' if classes else ''}.", *(f.text for f in self.findings)]


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what the format could not hold.

    Attributes:
        path: the file written.
        images, instances: how many are in it.
        losses: one sentence per thing that the file does not hold as the project does.
    """

    path: str
    images: int
    instances: int
    losses: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {"path": self.path, "images": self.images, "instances": self.instances, "losses": list(self.losses)}

    def sentences(self) -> list[str]:
        """The report as a person reads it."""
        head = f"Wrote {_count(self.instances, 'instance')} of {_count(self.images, 'image')} to {self.path}."
        return [head, *self.losses]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
