"""Commands around a project's data: new, import, split, export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import console, print_json, say
from engine.domain.annotation import Split
from engine.errors import DataError, UserError
from engine.project.groups import GroupBy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.project.records import ImageRecord
    from engine.project.store import ProjectStore

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


class SetName(StrEnum):
    """The sets a command line may name."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class ExportFormat(StrEnum):
    """The formats that can be written."""

    COCO = "coco"
    VIA = "via"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(new)
    app.command("import")(import_annotations)
    app.command()(split)
    app.command()(export)


def new(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project.")],
    images: Annotated[list[Path] | None, typer.Option(help="Folder (or file) with images; may be repeated.")] = None,
    name: Annotated[str, typer.Option(help="The project's name; the folder's by default.")] = "",
    boxes_only: Annotated[bool, typer.Option("--boxes-only", help="Boxes instead of masks.")] = False,
    as_json: Json = False,
) -> None:
    """Make a project; the images are referred to, not copied."""
    from engine.project.store import ProjectStore

    for path in images or []:  # before anything is made
        if not path.exists():
            raise DataError(f"There is no folder or image {path}.", path=path)
    with ProjectStore.create(folder, name=name, boxes_only=boxes_only) as store:
        skipped = _add_images(store, images or [])
        facts = {"project": str(store.folder), "images": len(store.images()), "findings": skipped}
        warnings = store.warnings
    _tell(warnings)
    if as_json:
        print_json(facts)
        return
    say(f"Made the project {facts['project']} with {facts['images']} images.")
    _tell(finding["text"] for finding in skipped)


def import_annotations(
    project: Project,
    file: Annotated[Path, typer.Argument(help="VIA or COCO file, or a folder with train and val.")],
    split: Annotated[SetName | None, typer.Option(help="Set for all images of the file.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="Class that is not imported; may be repeated.")] = None,
    class_attribute: Annotated[str | None, typer.Option(help="VIA attribute that names the class.")] = None,
    default_class: Annotated[str | None, typer.Option(help="Class of regions that name none.")] = None,
    nested_as_holes: Annotated[
        bool, typer.Option("--nested-as-holes", help="A region inside another of its class is its hole.")
    ] = False,
    images: Annotated[list[Path] | None, typer.Option(help="Folder where the pictures lie; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report.")] = False,
    as_json: Json = False,
) -> int:
    """Import annotations of another tool; the report says what was clipped and skipped."""
    from engine.formats.importing import import_file

    with _opened(project) as store, _progress("Reading") as progress:
        report = import_file(
            store,
            file,
            split=Split(split.value) if split else None,
            leave_out=tuple(leave_out or ()),
            class_attribute=class_attribute,
            default_class=default_class,
            nested_as_holes=nested_as_holes,
            image_folders=tuple(images or ()),
            dry_run=dry_run,
            progress=progress,
        )
    if as_json:
        print_json(report.to_json())
    else:
        _tell(report.sentences())
    if report.images == 0:
        hint = "Put the file beside its pictures, or name their folder with --images."
        _tell([f"No picture of {file.name} could be imported. {hint}"] if as_json else [hint])
        return 1
    return 0


def split(
    project: Project,
    val: Annotated[str, typer.Option(help="Share (0.2) or number (20) of validation images.")] = "0.2",
    test: Annotated[str, typer.Option(help="Share or number of test images.")] = "0",
    seed: Annotated[int, typer.Option(help="The same seed gives the same sets.")] = 0,
    only_unassigned: Annotated[
        bool, typer.Option("--only-unassigned", help="Leave images that are in a set where they are.")
    ] = False,
    group_by: Annotated[
        GroupBy | None, typer.Option(help="Keep together: images of a folder, of a name, or of similar pictures.")
    ] = None,
    pattern: Annotated[
        str, typer.Option(help="With --group-by name: a regular expression whose first group is the group's name.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Divide the images into training, validation and test; stored, seeded and undoable."""
    from engine.project.splits import make_split, split_counts

    with _opened(project) as store:
        groups = _groups(store, group_by, pattern)
        make_split(store, val=_share(val), test=_share(test), seed=seed, only_unassigned=only_unassigned, groups=groups)
        counts = {part.value: number for part, number in split_counts(store).items()}
        listed = _listed_groups(store, groups) if groups is not None else []
    if as_json:
        print_json({**counts, "groups": listed} if group_by else counts)
    else:
        words = ", ".join(f"{name} {number}" for name, number in counts.items() if number or name != "none")
        say(f"{words}{f' ({len(listed)} groups by {group_by})' if group_by else ''}")


def _groups(store: ProjectStore, by: GroupBy | None, pattern: str) -> dict[int, str] | None:
    """Name of the group of each image; None when nothing was asked for."""
    from engine.project.groups import group_names

    if by is None:
        if pattern:
            raise DataError("A pattern needs --group-by name.")
        return None
    if by is not GroupBy.SIMILAR:
        return group_names(store, by, pattern=pattern)
    with _progress("Comparing pictures") as progress:
        return group_names(store, by, progress=progress, pattern=pattern)


def _listed_groups(store: ProjectStore, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Each group with its set and its images, in the order of the images."""
    groups: dict[str, list[ImageRecord]] = {}
    for record in store.images():
        groups.setdefault(names[record.id], []).append(record)
    return [
        {"name": name, "split": str(records[0].split), "images": [r.path for r in records]}
        for name, records in groups.items()
    ]


def export(
    project: Project,
    out: Annotated[Path, typer.Argument(help="File to write.")],
    file_format: Annotated[ExportFormat, typer.Option("--format", help="Format to write.")] = ExportFormat.COCO,
    split: Annotated[SetName | None, typer.Option(help="Only the images of this set.")] = None,
    compressed: Annotated[bool, typer.Option("--compressed", help="COCO's compressed run lengths.")] = False,
    as_json: Json = False,
) -> None:
    """Write the annotations for other tools, and say what their format cannot hold."""
    from engine.formats.coco import export_coco
    from engine.formats.via_write import export_via

    out = _json_file(out)
    chosen = Split(split.value) if split else None
    with _opened(project, read_only=True) as store:
        if file_format is ExportFormat.VIA:
            report = export_via(store, out, split=chosen)
        else:
            report = export_coco(store, out, compressed=compressed, split=chosen)
    if as_json:
        print_json(report.to_json())
    else:
        _tell(report.sentences())


def _json_file(out: Path) -> Path:
    """Where to write: in a folder ``annotations.json``; never over a file that is no JSON."""
    if out.is_dir():
        return out / "annotations.json"
    if out.suffix.lower() not in ("", ".json"):
        raise UserError(f"{out.name} is no name for a JSON file.", path=out, hint="Let it end with .json.")
    return out


def _opened(project: Path, *, read_only: bool = False) -> ProjectStore:
    from engine.project.store import ProjectStore

    store = ProjectStore.open(project, read_only=read_only)
    _tell(store.warnings if not read_only else ())
    return store


def _add_images(store: ProjectStore, sources: Iterable[Path]) -> list[dict[str, Any]]:
    """Add all images; what was left out, as findings."""
    from engine.formats.report import Finding
    from engine.project.images import add_images

    findings = []
    for source in sources:
        with _progress("Looking at images") as progress:
            report = add_images(store, source, progress=progress)
        for path, reason in report.skipped:
            findings.append(Finding("skipped", f"{path.name} was left out: {reason}", image=path.name).to_json())
    return findings


@contextmanager
def _progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr that is gone when the work is done."""
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _share(text: str) -> float | int:
    """A share of the images below 1 as a float, a number of images as an int."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise DataError(f"“{text}” is neither a share (0.2) nor a number of images (20).") from None


def _tell(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        say(sentence)
