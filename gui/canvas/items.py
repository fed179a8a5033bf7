"""What lies over the image, and how it is to be drawn."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtGui import QColor

from engine.domain.annotation import BoxXYXY
from engine.domain.mask import Mask
from gui.models.document import Document


class Emphasis(Enum):
    """How much an item asks to be looked at."""

    MUTED = "muted"
    NORMAL = "normal"
    STRONG = "strong"


class Line(Enum):
    """Pattern of an outline whose colour means something; it says the same to those who cannot tell the colours."""

    SOLID = ()
    DASHED = (4.0, 2.5)  # lengths in line widths
    DOTTED = (1.0, 1.8)
    NONE = None


@dataclass(frozen=True, slots=True)
class Item:
    """Something with pixels or a box that lies over the image.

    Attributes:
        key: under which its sprite is cached.
        dashed: a prediction, nothing that anyone has confirmed.
        line: its outline, in its own colour whatever its emphasis; None draws it as `dashed` and `emphasis` say.
        fill: share of the opacity that was set, in place of what `dashed` and `emphasis` say.
    """

    key: Hashable
    mask: Mask | None
    box: BoxXYXY
    color: QColor
    emphasis: Emphasis
    dashed: bool = False
    line: Line | None = None
    fill: float | None = None


@dataclass(slots=True)
class Appearance:
    """How objects are drawn.

    Attributes:
        opacity: of the fill, in [0, 1].
        outline_only: no fill.
        hidden: neither fill nor outline.
        accent: outline of what is selected.
        pixel_ratio: device pixels per logical pixel; line widths follow it.
    """

    opacity: float = 0.45
    outline_only: bool = False
    hidden: bool = False
    accent: QColor = field(default_factory=lambda: QColor("#5aa9ff"))
    pixel_ratio: float = 1.0

    def fill_of(self, item: Item) -> float:
        """Opacity of an item's fill, in [0, 1]."""
        if item.fill is None or self.outline_only:
            return self.fill_opacity(item.emphasis, staged=item.dashed)
        return min(1.0, self.opacity * item.fill)

    def fill_opacity(self, emphasis: Emphasis, *, staged: bool = False) -> float:
        """Of an object's fill, in [0, 1]; a staged prediction is fainter than what was confirmed."""
        if self.outline_only:
            return 0.0
        factor = {Emphasis.MUTED: 0.7, Emphasis.NORMAL: 1.0, Emphasis.STRONG: 1.35}[emphasis]
        return min(1.0, self.opacity * factor * (0.6 if staged else 1.0))


def items_of(document: Document, lifted: frozenset[str]) -> Iterator[Item]:
    """Everything to draw, lowest first; `lifted` instances are left to the tool that moves or paints them."""
    yield from _instance_items(document, lifted)
    yield from _prediction_items(document)


def _instance_items(document: Document, lifted: frozenset[str]) -> Iterator[Item]:
    others = Emphasis.MUTED if document.selection or document.highlight else Emphasis.NORMAL
    for instance in document.annotation or ():
        if instance.id in lifted:
            continue
        emphasis = Emphasis.STRONG if instance.id in document.selection else others
        color = color_of(document, instance.category_id)
        yield Item(instance.id, instance.mask, instance.box_xyxy, color, emphasis)


def _prediction_items(document: Document) -> Iterator[Item]:
    others = Emphasis.MUTED if document.highlight else Emphasis.NORMAL
    for position, prediction in enumerate(document.predictions):
        emphasis = Emphasis.STRONG if prediction.id in document.highlight else others
        color = color_of(document, prediction.category_id)
        key = ("prediction", position)
        yield Item(key, prediction.mask, prediction.box_xyxy, color, emphasis, dashed=True)


def color_of(document: Document, category_id: int | None) -> QColor:
    """Colour of a category; grey for one that is unknown."""
    category = document.categories.get(category_id) if category_id is not None else None
    return QColor(category.color if category else "#999999")
