"""Polygon: an outline clicked vertex by vertex."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from gui.canvas.tools.area import MODIFIER_HINT
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.outline import OutlineTool, paint_outline


class Polygon(OutlineTool):
    """Click vertices; Enter, a double click or a click on the first vertex closes, Backspace takes the last back.

    Attributes:
        clicked: the points are vertices set one by one, so each gets a handle.
    """

    name: ClassVar[str] = "polygon"
    title: ClassVar[str] = "Polygon"
    needs_class: ClassVar[bool] = True

    clicked = True

    def hint(self) -> str:
        if self.busy:
            return "click next corner · Enter close · Backspace last corner back · Esc cancel"
        name, held = self.category_name(), MODIFIER_HINT.replace("drag", "click")
        return f"click corners of a new {name} · {held}"

    def press(self, at: Pointer) -> None:
        if not self.points:
            self.begin(at)
        elif self.near_first(at):
            self.finish()
        else:
            self.points.append(at.xy)
        self.host.redraw()

    def double_click(self, at: Pointer) -> None:
        """The first press of the two has set the last vertex already."""
        if len(self.points) >= 3:
            self.finish()

    def hover(self, at: Pointer | None) -> None:
        if self.points:
            self._free = at.xy if at is not None else None
            self.host.redraw()

    def move(self, at: Pointer) -> None:
        self.hover(at)

    def key(self, key: Qt.Key) -> bool:
        if not self.points:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close()
        elif key == Qt.Key.Key_Backspace:
            self._take_back()
        else:
            return super().key(key)
        return True

    def _close(self) -> None:
        if len(self.points) >= 3:
            self.finish()
        else:
            self.host.notice("An outline needs at least three corners")

    def _take_back(self) -> None:
        if len(self.points) == 1:
            self.cancel()
        else:
            self.points.pop()
            self.host.redraw()

    def paint(self, painter: QPainter) -> None:
        if self.points:
            shown = [*self.points, self._free] if self._free is not None else self.points
            vertices = self.points if self.clicked else ()
            paint_outline(painter, self.host.view, self.host.look, shown, vertices=vertices)
