"""Fill hole: a click into a hole closes it."""

from __future__ import annotations

from typing import ClassVar

from engine.domain import edits
from engine.domain.annotation import Instance
from gui.canvas.tools.base import Pointer, Tool


class FillHole(Tool):
    """Click on a hole of the selected object, or of the topmost object that has one there."""

    name: ClassVar[str] = "fill_hole"
    title: ClassVar[str] = "Fill hole"

    def hint(self) -> str:
        return "click a hole to fill it"

    def press(self, at: Pointer) -> None:
        if at.right:
            return
        instance = self._with_hole_at(*at.pixel)
        if instance is None:
            self.host.notice("There is no hole under the pointer")
            return
        name = self.document.category_name(instance.category_id)
        self.document.edit(edits.fill_hole(self.annotation, instance.id, *at.pixel), f"Fill hole in {name}")

    def _with_hole_at(self, x: int, y: int) -> Instance | None:
        lowest_first = sorted(self.annotation, key=lambda i: i.id in self.document.selection)
        for instance in reversed(lowest_first):
            x0, y0, x1, y1 = instance.box_xyxy
            near = instance.mask is not None and x0 <= x < x1 and y0 <= y < y1
            if near and instance.mask is not None and instance.mask.hole_at(x, y) is not None:
                return instance
        return None
