"""Split: a line across an object makes two of it."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QPainter

from engine.domain import combine
from engine.domain.annotation import Instance
from gui.canvas.tools.base import Pointer, Tool
from gui.canvas.tools.outline import paint_outline


class Split(Tool):
    """Drag a line across the selected object, or without one across the topmost in the middle of the line."""

    name: ClassVar[str] = "split"
    title: ClassVar[str] = "Split"

    _start: tuple[float, float] | None = None
    _end: tuple[float, float] = (0.0, 0.0)

    @property
    def busy(self) -> bool:
        return self._start is not None

    def hint(self) -> str:
        if self.busy:
            return "release split along the line · Esc cancel"
        current = self.document.current
        what = f"the {self.document.category_name(current.category_id)}" if current else "an object"
        return f"drag a line right across {what} to make two of it"

    def press(self, at: Pointer) -> None:
        if not at.right:
            self._start = self._end = at.xy
            self.host.hint_changed_now()

    def move(self, at: Pointer) -> None:
        if self._start is not None:
            self._end = at.xy
            self.host.redraw()

    def release(self, at: Pointer) -> None:
        if self._start is None:
            return
        start = self._start
        self.cancel()
        instance = self.target(Pointer((start[0] + at.x) / 2, (start[1] + at.y) / 2))
        if instance is None or instance.mask is None:
            self.host.notice("Select the object first, or draw the line across one")
        else:
            self._split(instance, start, at.xy)

    def _split(self, instance: Instance, a: tuple[float, float], b: tuple[float, float]) -> None:
        name = self.document.category_name(instance.category_id)
        parted = combine.split(self.annotation, instance.id, a, b)
        if parted is None:
            self.host.notice(f"The line does not part the {name}: draw it right across, from outside to outside")
        elif self.document.edit(parted[0], f"Split {name}"):
            self.document.select([instance.id, parted[1]])

    def cancel(self) -> None:
        if self._start is not None:
            self._start = None
            self.host.redraw()
            self.host.hint_changed_now()

    def paint(self, painter: QPainter) -> None:
        if self._start is not None:
            paint_outline(painter, self.host.view, self.host.look, [self._start, self._end])
