"""How predictions against annotations are drawn: colour and pattern by standing, tags with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtGui import QPalette

from engine.domain.annotation import Instance
from engine.domain.prediction import Prediction
from engine.review.quality.pixels import PixelDifference
from gui.canvas.items import Emphasis, Item, Line
from gui.canvas.tags import BoxTag
from gui.models.truth import Judged, Standing
from gui.theme import Tokens, tokens
from gui.workspaces.review_truth_panel import LINES

FAINT, STRONG = 0.3, 1.7  # fill, as a share of the opacity that a person set


def items_of(
    judged: Iterable[Judged], focused: Judged | None, difference: PixelDifference | None, palette: QPalette
) -> tuple[Item, ...]:
    """Everything to draw, lowest first; of the pair in focus its pixels instead of a fill."""
    theme = tokens(palette)
    items = [item for j in judged if j is not focused for item in _items_of(j, theme)]
    if focused is not None:
        items += _items_of(focused, theme, in_focus=True, filled=difference is None)
    return (*items, *_pixels_of(difference, theme))


def tags_of(judged: Iterable[Judged], focused: Judged | None, palette: QPalette) -> tuple[BoxTag, ...]:
    """The reason beside everything that disagrees, and beside what is in focus, whose tag finds its place first."""
    theme = tokens(palette)
    chosen = sorted(
        (j for j in judged if j is focused or j.standing is not Standing.FOUND), key=lambda j: j is not focused
    )
    return tuple(_tag(j, theme, stays=j is focused) for j in chosen)


def _items_of(judged: Judged, theme: Tokens, *, in_focus: bool = False, filled: bool = True) -> Iterator[Item]:
    """A prediction as its standing says, the object it found as a thin line; a missed object alone."""
    strong = in_focus and filled  # a thick line would cover the pixels that differ
    emphasis = Emphasis.STRONG if strong else Emphasis.NORMAL
    fill = FAINT if filled else 0.0
    missed = judged.standing is Standing.MISSED
    other = judged.prediction if missed else judged.instance
    if other is not None and (in_focus or judged.standing is Standing.FOUND):
        yield _item(judged, other, theme, Emphasis.MUTED, Line.DASHED if missed else Line.SOLID, 0.0)
    main = judged.instance if missed else judged.prediction
    assert main is not None
    yield _item(judged, main, theme, emphasis, LINES[judged.standing], fill)


def _item(
    judged: Judged, what: Prediction | Instance, theme: Tokens, emphasis: Emphasis, line: Line, fill: float
) -> Item:
    side = "label" if isinstance(what, Instance) else "prediction"
    color = theme.color(judged.standing)
    return Item(("truth", judged.key, side), what.mask, what.box_xyxy, color, emphasis, line=line, fill=fill)


def _pixels_of(difference: PixelDifference | None, theme: Tokens) -> Sequence[Item]:
    if difference is None:
        return ()
    parts = (("missed", difference.missed), ("wrong", difference.extra), ("hole", difference.holes))
    return [
        Item(
            ("truth", role), mask, _float_box(mask.box), theme.color(role), Emphasis.NORMAL, line=Line.NONE, fill=STRONG
        )
        for role, mask in parts
        if not mask.is_empty
    ]


def _float_box(box: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    return (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def _tag(judged: Judged, theme: Tokens, *, stays: bool) -> BoxTag:
    main = judged.instance if judged.standing is Standing.MISSED else judged.prediction
    assert main is not None
    return BoxTag((judged.title, judged.sentence), main.box_xyxy, theme.color(judged.standing), stays)
