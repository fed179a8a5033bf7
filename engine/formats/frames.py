"""Which pixels coordinates belong to: the picture as shown, its unturned pixels, or another size altogether."""

from __future__ import annotations

from engine.formats.orientation import Turn
from engine.formats.parsed import ParsedImage
from engine.formats.report import FindingLog

_NEAR = 1.0  # pixels an annotation may stick out of the size it was made on and still count as made on it
_SAME_ASPECT = 0.01


def fitting_turn(image: ParsedImage, turn: Turn, shown: tuple[int, int], log: FindingLog) -> Turn | str | None:
    """How the file's coordinates lie on the picture: None as shown, a turn, or the reason why they cannot be used.

    Args:
        turn: what EXIF says about the picture.
        shown: ``(height, width)`` of the picture as shown.
    """
    stored = (turn.height, turn.width)
    if image.size == shown and turn.orientation == 1:
        return None
    if image.size is not None and image.size != shown:
        if turn.swaps_sides and image.size == stored:
            return _turned(turn, image.name, log)
        return _other_size(image, image.size, shown, log)
    if turn.swaps_sides and not _fits(image, shown) and _fits(image, stored):
        return _turned(turn, image.name, log)
    if turn.orientation != 1:
        text = "{n} image{s} {is} turned or mirrored by EXIF; the annotations were read as made on the picture as shown"
        log.add("note", text, image=image.name)
    return None


def _turned(turn: Turn, name: str, log: FindingLog) -> Turn:
    text = (
        "{n} image{s} {is} turned by EXIF, but the annotations were made on the unturned pixels; they were turned too"
    )
    log.add("warning", text, image=name)
    return turn


def _other_size(image: ParsedImage, told: tuple[int, int], shown: tuple[int, int], log: FindingLog) -> str | None:
    """A file that tells another size than the picture has: fine only when the picture was not scaled."""
    sizes = f"the file says {told[1]} x {told[0]} pixels, the picture has {shown[1]} x {shown[0]}"
    aspect = (told[1] / told[0]) / (shown[1] / shown[0])
    if abs(aspect - 1) <= _SAME_ASPECT or not _fits(image, shown):
        return sizes
    if any(region.rle is None for region in image.regions):
        log.add("warning", "{n} image{s} {was} read although the size differs: " + sizes, image=image.name)
    return None


def _fits(image: ParsedImage, size: tuple[int, int]) -> bool:
    height, width = size
    return all(
        x0 >= -_NEAR and y0 >= -_NEAR and x1 <= width + _NEAR and y1 <= height + _NEAR
        for x0, y0, x1, y1 in (region.extent for region in image.regions)
    )
