"""Rectangle: an axis-parallel area, as a mask."""

from __future__ import annotations

from typing import ClassVar

from engine.domain.mask import Mask
from gui.canvas.tools.area import MODIFIER_HINT
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.outline import OutlineTool, Points


class Rectangle(OutlineTool):
    """Drag from corner to corner."""

    name: ClassVar[str] = "rectangle"
    title: ClassVar[str] = "Rectangle"
    needs_class: ClassVar[bool] = True

    def hint(self) -> str:
        if self.busy:
            return "release done · Esc cancel"
        return f"drag a new {self.category_name()} · {MODIFIER_HINT}"

    def press(self, at: Pointer) -> None:
        self.begin(at)

    def move(self, at: Pointer) -> None:
        if self.points:
            (x0, y0), (x1, y1) = self.points[0], at.xy
            self.points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
            self.host.redraw()

    def release(self, at: Pointer) -> None:
        if self.points:
            self.move(at)
            self.finish()

    def area(self, points: Points) -> Mask:
        x0, y0 = points[0]
        x1, y1 = points[2]
        return Mask.from_box((x0, y0, x1, y1), self.annotation.height, self.annotation.width)
