"""Cut hole: an outline whose area is taken out of one object."""

from __future__ import annotations

import math
from typing import ClassVar

from PySide6.QtCore import Qt

from engine.domain.annotation import Instance
from gui.canvas.tools import outcome
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.polygon import Polygon

DRAG_START = 4  # logical pixels of movement that make a press a drag


class CutHole(Polygon):
    """Drag for a lasso or click for a polygon; only the selected object (or the one where it began) loses pixels."""

    name: ClassVar[str] = "cut_hole"
    title: ClassVar[str] = "Cut hole"
    needs_class: ClassVar[bool] = False

    _dragging = False
    _pressed_first = False
    _object_id = ""

    @property
    def clicked(self) -> bool:  # type: ignore[override]
        return not self._dragging

    def hint(self) -> str:
        if self.busy and not self._dragging and not self._pressed_first:
            return "click next corner · Enter cut · Backspace last corner back · Esc cancel"
        if self.busy:
            return "drag outline the hole · Esc cancel"
        current = self.document.current
        inside = f" in {self.document.category_name(current.category_id)}" if current else ""
        return f"drag outline the hole{inside} · click corners · Shift+H fill the hole under the pointer · Esc cancel"

    def begin(self, at: Pointer) -> bool:
        target = self.target(at)
        if target is None or target.mask is None:
            self.host.notice("Select the object, or start on it: a hole is cut out of one object")
            return False
        self._object_id = target.id
        self.points = [at.xy]
        self._pressed_first = True
        self.host.hint_changed_now()
        return True

    def move(self, at: Pointer) -> None:
        if not self.points:
            return
        if self._pressed_first and not self._dragging:
            moved = math.dist(at.xy, self.points[0]) * self.host.view.scale
            self._dragging = moved >= DRAG_START * self.host.look.pixel_ratio
        if self._dragging and math.dist(at.xy, self.points[-1]) * self.host.view.scale >= 0.5:
            self.points.append(at.xy)
        self.host.redraw()

    def release(self, at: Pointer) -> None:
        self._pressed_first = False
        if self._dragging:
            self.finish()
        elif self.points:
            self.host.hint_changed_now()

    def finish(self) -> None:
        points, instance = self.points, self.annotation.find(self._object_id)
        self.cancel()
        if instance is not None:
            self._cut(instance, points)

    def _cut(self, instance: Instance, points: list[tuple[float, float]]) -> None:
        name = self.document.category_name(instance.category_id)
        if not outcome.erase_object(self.document, instance, self.area(points), verb="Cut hole in"):
            self.host.notice(f"Nothing of the {name} lies inside that outline")

    def cancel(self) -> None:
        self._dragging = self._pressed_first = False
        super().cancel()

    def key(self, key: Qt.Key) -> bool:
        return (not self._dragging or key == Qt.Key.Key_Escape) and super().key(key)
