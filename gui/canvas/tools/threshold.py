"""Threshold brush: paints only pixels like the one where the stroke began."""

from __future__ import annotations

from typing import ClassVar

from engine.domain.mask import Mask
from engine.domain.similar import alike
from gui.canvas.tools.base import Pointer
from gui.canvas.tools.brush import Brush


class Threshold(Brush):
    """A brush that leaves pixels alone that differ from the first one by more than the tolerance in any channel."""

    name: ClassVar[str] = "threshold"
    title: ClassVar[str] = "Threshold"

    _color: tuple[int, ...] = (0, 0, 0)

    def hint(self) -> str:
        like = f"what is like the first pixel (±{self.host.settings.tolerance})"
        return f"drag paint {self.current_name()} on {like} · right-drag erase that · [ ] size"

    def press(self, at: Pointer) -> None:
        x, y = at.pixel
        if not (0 <= x < self.annotation.width and 0 <= y < self.annotation.height):
            self.host.notice("Start on the image: the first pixel says what is taken")
            return
        self._color = tuple(int(v) for v in self.document.image[y, x])
        super().press(at)

    def part(self, points: list[tuple[float, float]]) -> Mask:
        return alike(super().part(points), self.document.image, self._color, self.host.settings.tolerance)
