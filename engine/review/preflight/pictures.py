"""Findings on image files: what cannot be read, what is not used, what is in two sets at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.domain.annotation import Split
from engine.errors import ImageReadError
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.project.images import content_hash, image_size
from engine.project.near_duplicates import joined, signatures, similar_pairs
from engine.review.preflight.findings import Finding, FindingKind, FindingLevel, counted, finding, listed

Progress = Callable[[int, int], None]

USED = (Split.TRAIN, Split.VAL)
_FILES_SHOWN = 20
_SET_WORDS = {Split.TRAIN: "training", Split.VAL: "validation", Split.TEST: "test"}


def file_findings(images: Sequence[FrozenImage]) -> list[Finding]:
    """Files that are missing or unreadable, or have another size than what was annotated; reads headers only."""
    broken: list[FrozenImage] = []
    resized: list[FrozenImage] = []
    reasons: list[str] = []
    for image in images:
        try:
            if image_size(image.path) != (image.annotation.height, image.annotation.width):
                resized.append(image)
        except ImageReadError as error:
            broken.append(image)
            reasons.append(f"{image.path.name} ({error.message.rstrip('.')})")
    found = []
    if broken:
        found.append(_unreadable(broken, reasons))
    if resized:
        text = (
            f"{counted(len(resized), 'image has', 'images have')} another size than when "
            f"{'it was' if len(resized) == 1 else 'they were'} annotated: {listed([i.path.name for i in resized])}. "
            "The outlines will not fit; put the original files back."
        )
        found.append(finding(FindingKind.OTHER_SIZE, FindingLevel.WARN, text, images=resized))
    return found


def _unreadable(images: Sequence[FrozenImage], reasons: Sequence[str]) -> Finding:
    """Names every file: a training would end at the first one it meets.  A folder that is gone is told shorter."""
    more = len(reasons) - _FILES_SHOWN
    shown = f"{', '.join(reasons[:_FILES_SHOWN])}{f' and {more:,} more' if more > 0 else ''}"
    text = (
        f"{counted(len(images), 'annotated image')} cannot be read: {shown}. "
        f"Put {'it' if len(images) == 1 else 'them'} back, or take {'it' if len(images) == 1 else 'them'} out of the "
        "project."
    )
    return finding(FindingKind.UNREADABLE_IMAGE, FindingLevel.REFUSE, text, images=images)


# --- what is not used ---------------------------------------------------------------------------------------------


def use_findings(dataset: FrozenDataset) -> list[Finding]:
    """Images that a training leaves aside, and negatives that it does not see."""
    found = []
    unlabelled = [i for s in USED for i in dataset.of_split(s) if not _says_something(i)]
    if unlabelled:
        text = (
            f"{counted(len(unlabelled), 'image')} in training and validation {_is(unlabelled)} not labelled yet and "
            "left out. Where there is nothing to draw, mark it “nothing here”: then it is trained on as a negative."
        )
        found.append(finding(FindingKind.UNLABELLED, FindingLevel.NOTE, text, images=unlabelled))
    outside = [i for i in dataset.of_split(Split.NONE) if _says_something(i)]
    if outside:
        text = (
            f"{counted(len(outside), 'annotated image')} {_is(outside)} in no split and not used (Image > Make split…)."
        )
        found.append(finding(FindingKind.OUTSIDE_SPLITS, FindingLevel.NOTE, text, images=outside))
    return found + _negatives(dataset)


def _negatives(dataset: FrozenDataset) -> list[Finding]:
    negatives = [i for i in dataset.images if i.annotation.negative and not i.annotation.instances]
    if not negatives or any(i.split is Split.TRAIN for i in negatives):
        return []
    text = (
        f"{counted(len(negatives), 'image')} {_is(negatives)} marked “nothing here”, but none of them is in training: "
        "the network does not learn from them."
    )
    return [finding(FindingKind.NO_NEGATIVES_LEARNED, FindingLevel.NOTE, text, images=negatives)]


def _says_something(image: FrozenImage) -> bool:
    return bool(image.annotation.instances) or image.annotation.negative


def _is(images: Sequence[FrozenImage]) -> str:
    return "is" if len(images) == 1 else "are"


# --- what is in two sets ------------------------------------------------------------------------------------------


def leak_findings(dataset: FrozenDataset, *, progress: Progress | None = None) -> list[Finding]:
    """The same picture in two sets: what is measured there has been learned.

    Args:
        progress: called with (images looked at, images in all).
    """
    images = [i for split in _SET_WORDS for i in dataset.annotated(split)]
    if len({i.split for i in images}) < 2:
        return []
    equal = _equal_pairs(images)
    alike = similar_pairs(signatures([i.path for i in images], progress=progress))
    alike = [pair for pair in alike if pair not in set(equal)]
    return [*_leak(images, equal, "the same file as"), *_leak(images, alike, "nearly the same picture as")]


def _equal_pairs(images: Sequence[FrozenImage]) -> list[tuple[int, int]]:
    """Pairs of positions that connect equal files; only files of one length are read."""
    lengths = Counter(_length(i.path) for i in images)
    last: dict[str, int] = {}
    pairs = []
    for position, image in enumerate(images):
        if lengths[_length(image.path)] < 2:
            continue
        key = _content(image.path)
        if key in last:
            pairs.append((last[key], position))
        if key:
            last[key] = position
    return pairs


def _length(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _content(path: Path) -> str:
    """Hash of the file; "" when it cannot be read, which another finding tells."""
    try:
        return content_hash(path)
    except ImageReadError:
        return ""


def _leak(images: Sequence[FrozenImage], pairs: Sequence[tuple[int, int]], what: str) -> list[Finding]:
    """What `pairs` connect across splits; `images` hold those of training first."""
    torn = [[images[i] for i in group] for group in joined(len(images), pairs)]
    torn = [group for group in torn if len({i.split for i in group}) > 1]
    held_out = [(image, group[0]) for group in torn for image in group if image.split is not group[0].split]
    if not held_out:
        return []
    text = (
        f"{counted(len(held_out), 'image')} for validation or test {'is' if len(held_out) == 1 else 'are'} {what} one "
        f"in another split: {listed([f'{_named(a)} and {_named(b)}' for a, b in held_out])}. The figures will be too "
        "good; a split with --group-by similar keeps them together."
    )
    concerned = [image for group in torn for image in group]
    return [finding(FindingKind.SPLIT_LEAK, FindingLevel.WARN, text, images=concerned, count=len(held_out))]


def _named(image: FrozenImage) -> str:
    return f"{image.path.name} ({_SET_WORDS[image.split]})"
