"""What a person sets for the tools; one place for all of them, so that changing the tool changes no setting."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

from engine.domain.combine import Overlap

MIN_BRUSH, MAX_BRUSH = 1.0, 2000.0
MAX_TOLERANCE = 255


class ToolSettings(QObject):
    """Brush size, tolerance, and what painting does to other objects.

    Signals:
        changed: something is set otherwise.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._brush_size = 24.0
        self._tolerance = 24
        self._overlap = Overlap.ALLOW

    @property
    def brush_size(self) -> float:
        """Diameter of the brush in image pixels, 1 to 2000."""
        return self._brush_size

    @brush_size.setter
    def brush_size(self, size: float) -> None:
        self._set("_brush_size", min(max(size, MIN_BRUSH), MAX_BRUSH))

    def step_brush(self, steps: float) -> None:
        """Make the brush larger or smaller by tenths, at least by one pixel."""
        change = self._brush_size * 1.1**steps - self._brush_size
        if change:
            self.brush_size = round(self._brush_size + math.copysign(max(1.0, abs(change)), change))

    @property
    def tolerance(self) -> int:
        """By how much a channel of a pixel may differ from the one picked, 0 to 255."""
        return self._tolerance

    @tolerance.setter
    def tolerance(self, value: int) -> None:
        self._set("_tolerance", min(max(value, 0), MAX_TOLERANCE))

    @property
    def overlap(self) -> Overlap:
        """What painting does where other objects lie."""
        return self._overlap

    @overlap.setter
    def overlap(self, value: Overlap) -> None:
        self._set("_overlap", value)

    def _set(self, name: str, value: object) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.changed.emit()
