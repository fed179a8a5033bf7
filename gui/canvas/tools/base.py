"""What every tool is: an object with press, move, release, cancel and key, that draws its own preview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from engine.domain.annotation import Annotation, BoxXYXY, Instance
from gui.canvas.items import Appearance
from gui.canvas.pyramid import LevelPart
from gui.canvas.tool_settings import ToolSettings
from gui.canvas.viewport import Viewport
from gui.models.document import Document


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is and what is held.

    Attributes:
        x, y: continuous image pixels; may lie outside the image.
        right: the right button, or the left one with Alt: take away instead of add.
    """

    x: float
    y: float
    right: bool = False
    shift: bool = False
    ctrl: bool = False

    @property
    def xy(self) -> tuple[float, float]:
        return self.x, self.y

    @property
    def pixel(self) -> tuple[int, int]:
        """The image pixel under it."""
        return int(self.x // 1), int(self.y // 1)


class ToolHost(Protocol):
    """What a tool may ask of the canvas."""

    document: Document
    settings: ToolSettings

    @property
    def view(self) -> Viewport: ...
    @property
    def look(self) -> Appearance: ...
    def seen_pixels(self) -> LevelPart:
        """The image's pixels on screen, of the pyramid level they are drawn from."""

    def redraw(self, box: BoxXYXY | None = None, *, margin: float = 0.0) -> None:
        """Paint the overlay again, in this image box (`margin` device pixels more) or everywhere."""

    def lift(self, instance_ids: Iterable[str]) -> None:
        """Leave these instances out of the picture until :meth:`lift` is called with others."""

    def notice(self, text: str) -> None:
        """Tell the person something in the hint line, until the next hint."""

    def hint_changed_now(self) -> None:
        """The tool's hint reads differently now."""


class Tool:
    """One way to work on the canvas.

    A *gesture* runs from a press to the release (or, for outlines that are clicked, to Enter); it shows a preview and
    ends in at most one :meth:`Document.edit`, or leaves no trace when cancelled.

    Attributes:
        name: what :meth:`CanvasView.set_tool` takes.
        title: what a person calls it.
        cursor: mouse cursor over the image.
        edits: it changes objects, so it needs a document that can be changed.
        needs_class: it makes objects, so there must be a class for them.
        for_masks, for_boxes: the kinds of project it works in.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor
    edits: ClassVar[bool] = True
    needs_class: ClassVar[bool] = False
    for_masks: ClassVar[bool] = True
    for_boxes: ClassVar[bool] = False

    def __init__(self, host: ToolHost) -> None:
        self.host = host

    @property
    def document(self) -> Document:
        return self.host.document

    @property
    def annotation(self) -> Annotation:
        """The open image's annotation; tools are only called while an image is open."""
        annotation = self.document.annotation
        assert annotation is not None
        return annotation

    @property
    def busy(self) -> bool:
        """A gesture is in progress."""
        return False

    def blocked(self) -> str:
        """Why it cannot work now, as a hint; empty when it can."""
        document = self.document
        if not document.is_open:
            return "Open an image first"
        if self.edits and document.read_only:
            return "This project is open read-only: nothing can be changed"
        if document.boxes_only and not self.for_boxes:
            return "This project holds boxes only: use the box tool"
        if not document.boxes_only and not self.for_masks:
            return "Boxes are drawn in boxes-only projects: use the rectangle here"
        if self.needs_class and document.active_category_id is None and document.current is None:
            return "Add a class first"
        return ""

    def hint(self) -> str:
        """One line on what mouse and keys do now, ``key text · key text``."""
        return ""

    # --- events, in image coordinates; only called while not blocked -------------------------------------------

    def press(self, at: Pointer) -> None: ...

    def move(self, at: Pointer) -> None:
        """The mouse moved during a gesture."""

    def hover(self, at: Pointer | None) -> None:
        """The mouse moved without a gesture; None when it left the canvas."""

    def release(self, at: Pointer) -> None: ...

    def double_click(self, at: Pointer) -> None:
        """A second press in the same place; by default just another press."""
        self.press(at)

    def key(self, key: Qt.Key) -> bool:
        """Enter, Escape or Backspace; True when the tool made use of it."""
        if key == Qt.Key.Key_Escape and self.busy:
            self.cancel()
            return True
        return False

    def cancel(self) -> None:
        """End the gesture without a trace."""

    def paint(self, painter: QPainter) -> None:
        """Draw the preview, in device coordinates."""

    # --- shared -------------------------------------------------------------------------------------------------

    def target(self, at: Pointer) -> Instance | None:
        """The selected instance, or without one the topmost under the pointer."""
        document = self.document
        if document.selection:
            return document.current
        return self.annotation.at(*at.pixel)

    def category_name(self) -> str:
        """Class of what a new object would be."""
        return self.document.category_name(self.document.active_category_id)

    def current_name(self) -> str:
        """Class of the selected object, or of the one that would be made."""
        current = self.document.current
        return self.document.category_name(current.category_id) if current else self.category_name()
