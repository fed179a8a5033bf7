"""Lasso: an outline drawn freehand."""

from __future__ import annotations

import math
from typing import ClassVar

from gui.canvas.tools.area import MODIFIER_HINT
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.outline import OutlineTool


class Lasso(OutlineTool):
    """Drag around an object; letting go closes the outline."""

    name: ClassVar[str] = "lasso"
    title: ClassVar[str] = "Lasso"
    needs_class: ClassVar[bool] = True

    def hint(self) -> str:
        if self.busy:
            return "release close the outline · Esc cancel"
        return f"drag outline a new {self.category_name()} · {MODIFIER_HINT}"

    def press(self, at: Pointer) -> None:
        self.begin(at)

    def move(self, at: Pointer) -> None:
        """Points closer together than half a device pixel add nothing that can be seen."""
        if self.points and math.dist(at.xy, self.points[-1]) * self.host.view.scale >= 0.5:
            self.points.append(at.xy)
            self.host.redraw()

    def release(self, at: Pointer) -> None:
        if self.points:
            self.finish()
