"""What an import would do, worked out before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.domain.annotation import BoxXYXY, Split, box_of
from engine.domain.mask import Mask
from engine.formats.frames import fitting_turn
from engine.formats.labels import LabelChoice, labelled
from engine.formats.locate import ImageFinder
from engine.formats.nesting import nested_holes, nesting
from engine.formats.orientation import exif_turn
from engine.formats.parsed import ParsedImage
from engine.formats.pictures import Picture, PictureBook
from engine.formats.reading import parse_file
from engine.formats.report import FindingLog
from engine.formats.shapes import Canvas, shape_on
from engine.formats.sources import Source

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PlannedInstance:
    """An object to add: class name, tight box, mask (None in a boxes-only project)."""

    label: str
    box_xyxy: BoxXYXY
    mask: Mask | None


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """A picture with the objects to add to it.

    Attributes:
        split: the set the source speaks of.
        negative: the source says that nothing is on it.
    """

    picture: Picture
    instances: tuple[PlannedInstance, ...]
    split: Split | None
    negative: bool


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How regions are read.

    Attributes:
        labels: how classes are read.
        boxes_only: the project holds boxes.
        nested_as_holes: a region wholly inside another of its class is that one's hole.
        image_folders: more folders where pictures may lie, looked into first.
    """

    labels: LabelChoice
    boxes_only: bool = False
    nested_as_holes: bool = False
    image_folders: Sequence[Path] = ()


def plan_source(
    source: Source, book: PictureBook, options: PlanOptions, log: FindingLog, progress: Progress | None = None
) -> tuple[list[PlannedImage], tuple[str, ...]]:
    """Read one annotation file: the images to import and the class names in order.

    Raises:
        FormatError: when the file cannot be read at all.
    """
    parsed = labelled(parse_file(source.file, log), options.labels, log)
    finder = ImageFinder([*options.image_folders, *source.roots])
    planned = []
    found = _found(parsed.images, book, finder, source.split, log)
    for done, (image, picture) in enumerate(found):
        if progress is not None:
            progress(done, len(found))
        ready = _planned(image, picture, source.split, options, log)
        if ready is not None:
            planned.append(ready)
    return planned, parsed.class_order


def _found(
    images: Sequence[ParsedImage], book: PictureBook, finder: ImageFinder, split: Split | None, log: FindingLog
) -> list[tuple[ParsedImage, Picture]]:
    """Each image with its picture; entries for one and the same picture are sorted out."""
    by_path: dict[Path, list[tuple[ParsedImage, Picture]]] = {}
    for image in images:
        picture = book.find(image, finder, split)
        if picture is not None:
            by_path.setdefault(picture.path, []).append((image, picture))
    return [pair for pairs in by_path.values() for pair in _sorted_out(pairs, log)]


def _sorted_out(pairs: list[tuple[ParsedImage, Picture]], log: FindingLog) -> list[tuple[ParsedImage, Picture]]:
    """Two entries of one name are two pictures when their sizes in bytes differ: keep the one that is there."""
    if len(pairs) == 1:
        return pairs
    name, on_disk = pairs[0][1].path.name, pairs[0][1].path.stat().st_size
    if len({image.byte_size for image, _ in pairs}) > 1:
        kept = [pair for pair in pairs if pair[0].byte_size == on_disk] or pairs[:1]
        text = "{n} image{s} {was} skipped: the file names two pictures alike, and only one of them was found"
        log.add("skipped", text, image=name, count=len(pairs) - len(kept))
        lost = sum(len(image.regions) for image, _ in pairs) - sum(len(image.regions) for image, _ in kept)
        log.add("skipped", "{n} region{s} {was} skipped with the image{s} they belong to", count=lost)
        pairs = kept
    if len(pairs) > 1:
        log.add("note", "{n} image{s} occurred more than once in the file; all regions were taken", image=name)
    return pairs


def _planned(
    image: ParsedImage, picture: Picture, split: Split | None, options: PlanOptions, log: FindingLog
) -> PlannedImage | None:
    shown = (picture.height, picture.width)
    turn = fitting_turn(image, exif_turn(picture.path, shown), shown, log)
    if isinstance(turn, str):
        log.add("skipped", f"{{n}} image{{s}} {{was}} skipped: {turn}", image=picture.path.name)
        lost = len(image.regions)
        log.add("skipped", "{n} region{s} {was} skipped with the image{s} they belong to", count=lost)
        return None
    canvas = Canvas(
        picture.path.name, *shown, turn, boxes_only=options.boxes_only, nested_as_holes=options.nested_as_holes
    )
    instances = []
    for region in image.regions:
        shape = shape_on(region, canvas, log)
        if shape is not None:
            instances.append(PlannedInstance(region.label, shape.box_xyxy, shape.mask))
    instances = _nested(instances, picture.path.name, options.nested_as_holes, log)
    return PlannedImage(picture, tuple(instances), split, image.negative)


def _nested(instances: list[PlannedInstance], image: str, as_holes: bool, log: FindingLog) -> list[PlannedInstance]:
    """Regions wholly inside another of their class: holes where that is asked, otherwise only counted."""
    result: list[PlannedInstance] = list(instances)
    gone: set[int] = set()
    for label in dict.fromkeys(i.label for i in instances):
        places = [p for p, i in enumerate(instances) if i.label == label and i.mask is not None]
        masks = [m for p in places if (m := instances[p].mask) is not None]
        if not as_holes:
            inside = sum(parent is not None for parent in nesting(masks))
            text = "{n} region{s} {is} wholly inside another of the same class; that can be read as a hole"
            log.add("note", text, image=image, count=inside)
            continue
        kept, holes = nested_holes(masks)
        log.add("note", "{n} region{s} inside another of the same class {was} read as holes", image=image, count=holes)
        for place, mask in zip(places, kept, strict=True):
            if mask is None or mask.is_empty:
                gone.add(place)
            elif mask is not instances[place].mask:
                result[place] = PlannedInstance(label, box_of(mask), mask)
    return [instance for place, instance in enumerate(result) if place not in gone]
