"""What is done to the selected objects as a whole: masks reshaped and combined, copies made.  One undo step each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.domain import combine, edits, reshape
from engine.domain.annotation import Annotation, Instance
from engine.domain.mask import Mask
from engine.errors import DataError
from gui.canvas.tools.shift import clamped_shift
from gui.session_base import told
from gui.session_edits import SessionEdits

SPECK_AREA = 16  # pixels, 4 x 4: what a shaky hand leaves behind
OFFSETS = ((8, 8), (-8, -8), (8, -8), (-8, 8))  # pixels by which a copy is put beside its original, if there is room


@dataclass(frozen=True, slots=True)
class Reshaping:
    """A change of one mask.

    Attributes:
        verb: what the history says before the object's name.
        change: the new mask.
        nothing: what a person is told when no mask changes.
    """

    verb: str
    change: Callable[[Mask], Mask]
    nothing: str


RESHAPINGS = {
    "largest": Reshaping("Keep the largest part of", reshape.largest_part, "There is only one part."),
    "holes": Reshaping("Fill holes in", lambda mask: mask.filled, "There is no hole to fill."),
    "grow": Reshaping("Grow", reshape.grown, "It fills the image already."),
    "shrink": Reshaping("Shrink", reshape.shrunk, "Nothing would be left, so it stays as it is."),
    "smooth": Reshaping("Smooth", reshape.smoothed, "It is smooth already."),
}


class SessionShapes(SessionEdits):
    """Edits of the selected objects.

    Attributes:
        speck_area: parts of fewer pixels are specks, as a person said last.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.speck_area = SPECK_AREA
        self._clipboard: tuple[Instance, ...] = ()
        self._copied_from: int | None = None
        self.project_closed.connect(self._forget_copies)

    # --- masks ------------------------------------------------------------------------------------------------

    @told
    def reshape_selected(self, name: str) -> bool:
        """Put each selected object through the entry `name` of :data:`RESHAPINGS`."""
        return self._reshape(RESHAPINGS[name])

    @told
    def remove_specks(self, min_area: int) -> bool:
        """Remove the parts of the selected objects that have fewer than `min_area` pixels."""
        self.speck_area = min_area
        change = partial(reshape.without_specks, min_area=min_area)
        return self._reshape(Reshaping("Remove specks of", change, f"No part has fewer than {min_area} pixels."))

    def _reshape(self, how: Reshaping) -> bool:
        annotation, chosen = self._selected()
        after = edits.reshape(annotation, [i.id for i in chosen], how.change)
        if after == annotation:
            self.message.emit("info", how.nothing)
            return False
        return self.document.edit(after, f"{how.verb} {self._called(chosen)}")

    @told
    def merge_selected(self) -> bool:
        """Make one object of the selected ones."""
        return self._combine(combine.merge, "Merge")

    @told
    def intersect_selected(self) -> bool:
        """Make one object of what the selected ones share."""
        return self._combine(combine.intersect, "Intersect")

    @told
    def take_from_others(self) -> bool:
        """The selected objects keep their pixels, all others lose them."""
        annotation, chosen = self._selected()
        after = combine.take_from_others(annotation, [i.id for i in chosen])
        if after == annotation:
            self.message.emit("info", "No other object shares a pixel with the selected ones.")
            return False
        return self.document.edit(after, f"Take the pixels of {self._called(chosen)} from the others")

    def _combine(self, join: Callable[[Annotation, list[str]], Annotation], verb: str) -> bool:
        annotation, chosen = self._selected()
        ids = [i.id for i in chosen]
        return self.document.edit(join(annotation, ids), f"{verb} {self._called(chosen)}")

    # --- copies -----------------------------------------------------------------------------------------------

    @told
    def duplicate_selected(self) -> bool:
        """Put a copy of each selected object beside it."""
        annotation, chosen = self._selected()
        return self._add_copies(_beside(annotation, chosen), f"Duplicate {self._called(chosen)}")

    @told
    def copy_selected(self) -> bool:
        """Remember the selected objects for :meth:`paste`."""
        _, self._clipboard = self._selected()
        self._copied_from = self.document.image_id
        return True

    @told
    def paste(self) -> bool:
        """Put what was copied into the image on screen: at the same place, or beside the original in its own image."""
        annotation = self.document.annotation
        known = [i for i in self._clipboard if i.category_id in self.document.categories]
        if annotation is None or not known:
            raise DataError("There is nothing to paste.", hint="Select objects and copy them first (Ctrl+C).")
        return self._paste(annotation, known)

    def _paste(self, annotation: Annotation, instances: Sequence[Instance]) -> bool:
        if annotation.image_id == self._copied_from:
            made = _beside(annotation, instances)
        else:
            made = combine.copies(instances, annotation.height, annotation.width)
        if not made:
            raise DataError("What was copied lies outside of this image, which is smaller.")
        return self._add_copies(made, f"Paste {self._called(made)}")

    @told
    def copy_to_next(self) -> bool:
        """Put copies of the selected objects into the next image, and go there."""
        _, chosen = self._selected()
        if self.image_id == self.image_ids[-1]:
            raise DataError("This is the last image: there is none to copy to.")
        if not self.next_image() or self.document.annotation is None:
            return False  # it cannot be read, and that was told
        annotation = self.document.annotation
        made = combine.copies(chosen, annotation.height, annotation.width)
        if not made:
            raise DataError("What was copied lies outside of this image, which is smaller.")
        return self._add_copies(made, f"Copy {self._called(made)} here")

    def _add_copies(self, made: Sequence[Instance], label: str) -> bool:
        annotation = self.document.annotation
        if annotation is None or not self.document.edit(edits.add(annotation, *made), label):
            return False
        self.document.select([i.id for i in made])
        return True

    def _forget_copies(self) -> None:
        """Another project has other classes."""
        self._clipboard, self._copied_from = (), None

    # --- shared -----------------------------------------------------------------------------------------------

    def _selected(self) -> tuple[Annotation, tuple[Instance, ...]]:
        annotation, chosen = self.document.annotation, self.document.selected
        if annotation is None or not chosen:
            raise DataError("No object is selected.", hint="Select one first (V, then click it).")
        return annotation, chosen

    def _called(self, instances: Sequence[Instance]) -> str:
        if len(instances) == 1:
            return self.document.category_name(instances[0].category_id)
        return f"{len(instances)} objects"


def _beside(annotation: Annotation, instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Copies moved by a few pixels, as far as the image has room for them, so that they can be told apart."""
    size = annotation.width, annotation.height
    shifts = [clamped_shift(instances, dx, dy, *size) for dx, dy in OFFSETS]
    dx, dy = max(shifts, key=lambda shift: abs(shift[0]) + abs(shift[1]))
    return combine.copies(instances, annotation.height, annotation.width, dx=dx, dy=dy)
