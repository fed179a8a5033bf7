"""Areas: what the tools have in common whose gesture ends in a set of pixels."""

from __future__ import annotations

from enum import Enum

from engine.domain.annotation import Instance
from engine.domain.mask import Mask
from gui.canvas.tools import outcome
from gui.canvas.tools.base import Pointer, Tool


class Combine(Enum):
    """What an area does to the objects."""

    NEW = "becomes an object"
    ADD = "goes to the selected object"
    SUBTRACT = "is taken from an object"
    INTERSECT = "is what the selected object keeps"


MODIFIER_HINT = "Shift+drag add to the selected · Alt+drag take away · Shift+Alt+drag keep only that"


class AreaTool(Tool):
    """A tool that makes an area; what becomes of it is settled at the press.

    Attributes:
        combine: Shift adds, Alt or the right button subtracts, both together intersect.
    """

    combine = Combine.NEW

    def choose(self, at: Pointer) -> bool:
        """Settle what the area will do; False (with a notice) when it could lead to nothing."""
        held = {(False, True): Combine.ADD, (True, False): Combine.SUBTRACT, (True, True): Combine.INTERSECT}
        self.combine = held.get((at.right, at.shift), Combine.NEW)
        missing = self._missing(at)
        if missing:
            self.host.notice(missing)
        return not missing

    def _missing(self, at: Pointer) -> str:
        if self.combine is Combine.SUBTRACT:
            return "" if self.target(at) else "No object here to take from: select one or start on one"
        if self.combine in (Combine.ADD, Combine.INTERSECT):
            verb = "add to" if self.combine is Combine.ADD else "cut down"
            return "" if self.document.current else f"Select the object to {verb} first"
        return "Add a class first" if self.document.active_category_id is None else ""

    def conclude(self, area: Mask, first: Pointer) -> None:
        """Turn the area into an edit; `first` is where the gesture began."""
        if area.is_empty:
            self.host.notice("That outline holds no pixel")
        elif self.combine is Combine.NEW:
            self._paint(area, None)
        elif self.combine is Combine.SUBTRACT:
            target = self.target(first)
            if target is not None:
                outcome.erase_object(self.document, target, area)
        elif self.document.current is not None:
            (self._paint if self.combine is Combine.ADD else self._cut_down)(area, self.document.current)

    def _paint(self, area: Mask, target: Instance | None) -> None:
        overlap = self.host.settings.overlap
        free = outcome.allowed(self.document, area, target, overlap)
        if free.is_empty:
            self.host.notice(outcome.ALL_TAKEN)
        elif target is None:
            outcome.add_object(self.document, free, overlap=overlap)
        else:
            outcome.paint_object(self.document, target, free, overlap=overlap)

    def _cut_down(self, area: Mask, target: Instance) -> None:
        if not outcome.keep_inside(self.document, target, area):
            name = self.document.category_name(target.category_id)
            self.host.notice(f"Nothing of the {name} lies inside that outline")
