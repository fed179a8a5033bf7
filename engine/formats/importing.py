"""Import: other tools' annotations into a project, as one change that can be undone, with a report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.domain import edits
from engine.domain.annotation import Annotation, Instance, Origin, Split, new_instance_id
from engine.formats.labels import LabelChoice, guessed_attribute, labelled
from engine.formats.parsed import ParsedFile
from engine.formats.pictures import PictureBook
from engine.formats.planning import PlannedImage, PlannedInstance, PlanOptions, Progress, plan_source
from engine.formats.reading import parse_file
from engine.formats.report import FindingLog, ImportReport
from engine.formats.sources import find_sources
from engine.formats.via import attribute_values
from engine.project.changeset import Changeset
from engine.project.images import content_hash
from engine.project.store import ProjectStore


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What an annotation file or folder holds, before it is imported.

    Attributes:
        format: the formats' names, as a person reads them.
        images, regions: how many the files speak of.
        attributes: region attribute -> value -> number of regions (VIA).
        class_attribute: the attribute that would be taken for the class; None when there is none.
        classes: class name -> number of regions, with that attribute.
    """

    format: str
    images: int
    regions: int
    attributes: Mapping[str, Mapping[str, int]]
    class_attribute: str | None
    classes: Mapping[str, int]


def inspect_file(path: Path | str, *, class_attribute: str | None = None) -> FileFacts:
    """Look into an annotation file or folder without a project.

    Raises:
        FormatError: as :func:`import_file`.
    """
    files = [parse_file(source.file, FindingLog()) for source in find_sources(Path(path))]
    images = tuple(image for file in files for image in file.images)
    together = ParsedFile(files[0].format, images, declared=files[0].declared)
    named = labelled(together, LabelChoice(class_attribute), FindingLog())
    return FileFacts(
        format=", ".join(dict.fromkeys(file.format.value for file in files)),
        images=len(images),
        regions=sum(len(image.regions) for image in images),
        attributes=attribute_values(images),
        class_attribute=class_attribute or guessed_attribute(together),
        classes=Counter(region.label for image in named.images for region in image.regions),
    )


def import_file(
    store: ProjectStore,
    path: Path | str,
    *,
    split: Split | None = None,
    leave_out: Collection[str] = (),
    class_attribute: str | None = None,
    default_class: str | None = None,
    nested_as_holes: bool = False,
    image_folders: Sequence[Path] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import an annotation file, or a folder with one (or with ``train/`` and ``val/`` that hold one each).

    Pictures are looked for in `image_folders`, beside the file, then among the project's images.  Instances that the
    project has already (same image, class and pixels) are not added again.

    Args:
        split: the set for all images of the file; None takes it from a folder or file name such as "train", and only
            for images that are in no set.
        leave_out: classes that are not imported.
        class_attribute: VIA region attribute that names the class; None guesses it and says so.
        default_class: class of regions that name none.
        nested_as_holes: read a region wholly inside another of its class as its hole.
        dry_run: only report.
        progress: called with (images read, images in all) of each file; an exception of it cancels the import.

    Raises:
        FormatError: when the file is nothing that can be imported; the project is then as before.
        ProjectError: when the project cannot be changed.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100
    log = FindingLog()
    labels = LabelChoice(class_attribute, default_class, leave_out)
    options = PlanOptions(labels, store.boxes_only, nested_as_holes, image_folders)
    book = PictureBook(store, log)
    planned: list[PlannedImage] = []
    order: list[str] = []
    for source in find_sources(path):
        images, classes = plan_source(source, book, options, log, progress)
        planned += images
        order += classes
    settled = _settled(store, planned, log)
    _tell_splits(settled, split, log)
    if not dry_run and settled:
        # reading every byte is slow: before the change makes others wait
        hashes = {i.picture.path: content_hash(i.picture.path) for i in settled if i.picture.record is None}
        with store.change(f"Import {path.name}") as change:
            _add_pictures(change, settled, hashes, split)
            _apply(store, change, settled, tuple(dict.fromkeys(order)))
    return _report(settled, order, log, dry_run=dry_run)


def _settled(store: ProjectStore, planned: Iterable[PlannedImage], log: FindingLog) -> list[PlannedImage]:
    """One plan per picture, without the instances that the project holds already."""
    merged: dict[Path, PlannedImage] = {}
    for image in planned:
        known = merged.get(image.picture.path)
        if known is not None:
            image = replace(known, instances=known.instances + image.instances, negative=False)
        merged[image.picture.path] = image
    names = {category.id: category.name for category in store.categories()}
    counts = store.instance_counts()
    result = []
    for image in merged.values():
        record = image.picture.record
        kept = image.instances
        if record is not None and record.id in counts:
            kept = _new_ones(image.instances, store.annotation(record.id), names)
        text = "{n} instance{s} {was} in the project already and not added again"
        log.add("note", text, image=image.picture.path.name, count=len(image.instances) - len(kept))
        result.append(replace(image, instances=kept))
    return result


def _new_ones(
    planned: Sequence[PlannedInstance], annotation: Annotation, names: Mapping[int, str]
) -> tuple[PlannedInstance, ...]:
    there = Counter((names[i.category_id], i.mask or _rounded(i.box_xyxy)) for i in annotation)
    new = []
    for instance in planned:
        key = (instance.label, instance.mask or _rounded(instance.box_xyxy))
        if there[key]:
            there[key] -= 1
        else:
            new.append(instance)
    return tuple(new)


def _rounded(box: tuple[float, float, float, float]) -> tuple[float, ...]:
    return tuple(round(edge, 3) for edge in box)


def _tell_splits(settled: Iterable[PlannedImage], split: Split | None, log: FindingLog) -> None:
    for image in settled:
        record, name = image.picture.record, image.picture.path.name
        if split is None and image.split is not None:
            if record is None or record.split is Split.NONE:
                log.add(
                    "note", f"{{n}} image{{s}} went to the set “{image.split.value}”, after the folder's or file's name"
                )
            elif record.split is not image.split:
                log.add("note", f"{{n}} image{{s}} stayed in the set “{record.split.value}”", image=name)
        elif split is not None and record is not None and record.split not in (Split.NONE, split):
            moved = f"{{n}} image{{s}} moved from the set “{record.split.value}” to “{split.value}”"
            log.add("warning", moved, image=name)


def _add_pictures(
    change: Changeset, settled: Iterable[PlannedImage], hashes: Mapping[Path, str], split: Split | None
) -> None:
    """Refer to the pictures that are new; put the others into the set asked for, or into one if they are in none."""
    for image in settled:
        picture, record = image.picture, image.picture.record
        wanted = split or image.split or Split.NONE
        if record is None:
            digest = hashes[picture.path]
            change.add_image(picture.path, picture.width, picture.height, split=wanted, content_hash=digest)
        elif wanted is not record.split and (split is not None or record.split is Split.NONE):
            change.set_split(record.id, wanted)


def _apply(store: ProjectStore, change: Changeset, settled: Iterable[PlannedImage], order: Sequence[str]) -> None:
    """Add categories and instances; the pictures are in the project by now."""
    settled = list(settled)
    used = {instance.label for image in settled for instance in image.instances}
    ids = {name: change.add_category(name).id for name in order if name in used}
    for image in settled:
        picture = image.picture
        image_id = change.add_image(picture.path, picture.width, picture.height)  # the id of the one that is there
        annotation = store.annotation(image_id)
        after = edits.add(annotation, *(_instance(i, ids[i.label]) for i in image.instances))
        if image.negative and not after.instances:
            after = edits.set_negative(after, True)
        if after is not annotation:
            change.put_annotation(after)


def _instance(planned: PlannedInstance, category_id: int) -> Instance:
    return Instance(new_instance_id(), category_id, planned.box_xyxy, planned.mask, Origin.IMPORTED)


def _report(settled: Sequence[PlannedImage], order: Sequence[str], log: FindingLog, *, dry_run: bool) -> ImportReport:
    counts = Counter(instance.label for image in settled for instance in image.instances)
    return ImportReport(
        images=len(settled),
        instances=counts.total(),
        classes={name: counts[name] for name in dict.fromkeys(order) if counts[name]},
        findings=log.findings(),
        images_added=sum(image.picture.record is None for image in settled),
        dry_run=dry_run,
    )
