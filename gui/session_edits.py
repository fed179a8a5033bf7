"""What a person changes: objects, images, classes.  One method per intent, one undo step each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from engine.domain import edits
from engine.domain.annotation import Category, ImageStatus, Split, palette_color
from engine.errors import ProjectError
from gui.session_base import SessionBase, told

if TYPE_CHECKING:
    pass


class SessionEdits(SessionBase):
    """Edits of the open project."""

    # --- objects ----------------------------------------------------------------------------------------------

    @told
    def undo(self) -> None:
        """Take back the newest change of the image on screen."""
        self._announce_or_say(self._writable().undo(self.image_id), "There is nothing to undo here.")

    @told
    def redo(self) -> None:
        """Do again what was taken back last on the image on screen."""
        self._announce_or_say(self._writable().redo(self.image_id), "There is nothing to redo here.")

    def delete_instances(self, instance_ids: Iterable[str]) -> bool:
        """Delete objects of the image on screen as one step."""
        gone = [i for i in instance_ids if self.document.annotation is not None and self.document.annotation.find(i)]
        if self.document.annotation is None or not gone:
            return False
        label = f"Delete {self.name_of(gone[0])}" if len(gone) == 1 else f"Delete {len(gone)} objects"
        return self.document.edit(edits.remove(self.document.annotation, gone), label)

    def set_category(self, category_id: int) -> None:
        """New objects get this class; selected objects are relabelled."""
        document = self.document
        document.set_active_category(category_id)
        wrong = [i for i in document.selected if i.category_id != category_id]
        if document.annotation is not None and wrong:
            after = edits.set_category(document.annotation, [i.id for i in wrong], category_id)
            document.edit(after, f"Label as {document.category_name(category_id)}")

    def mark_negative(self, negative: bool) -> bool:
        """Say that the image on screen shows nothing, or take that back."""
        annotation = self.document.annotation
        if annotation is None:
            return False
        if negative and annotation.instances:
            self.message.emit(
                "warning",
                f"This image has {len(annotation)} objects, so it cannot be marked “nothing here”. Delete them first.",
            )
            return False
        label = "Nothing here" if negative else "No longer “nothing here”"
        return self.document.edit(edits.set_negative(annotation, negative), label)

    def name_of(self, instance_id: str) -> str:
        """An object of the image on screen as a person calls it: "gasket 2"."""
        assert self.document.annotation is not None
        instance = self.document.annotation.get(instance_id)
        number = self.document.annotation.instances.index(instance) + 1
        return f"{self.document.category_name(instance.category_id)} {number}"

    # --- changing images --------------------------------------------------------------------------------------

    def set_status(self, status: ImageStatus) -> bool:
        """Say how far the image on screen is."""
        image_id = self._at_image()
        return self.change(f"Status {status.value.replace('_', ' ')}", lambda c: c.set_status(image_id, status))

    def set_split(self, split: Split) -> bool:
        """Put the image on screen into a set."""
        image_id = self._at_image()
        return self.change(f"Split {split.value}", lambda c: c.set_split(image_id, split))

    @told
    def make_split(
        self, *, val: float | int, test: float | int = 0, seed: int = 0, only_unassigned: bool = False
    ) -> bool:
        """Draw new sets for the whole project as one step."""
        from engine.project.splits import make_split

        self._announce(make_split(self._writable(), val=val, test=test, seed=seed, only_unassigned=only_unassigned))
        return True

    @told
    def apply_split(self, chosen: Mapping[int, Split], *, seed: int) -> bool:
        """Put images (by id) into the sets that were drawn for them with `seed`, as one step."""
        from engine.project.splits import apply_split

        self._announce(apply_split(self._writable(), chosen, seed=seed))
        return True

    def _at_image(self) -> int:
        if self.image_id is None:
            raise ProjectError("No image is open.")
        return self.image_id

    # --- classes ----------------------------------------------------------------------------------------------

    def add_category(self, name: str) -> Category | None:
        """Add a class and let new objects have it."""
        name = name.strip()
        if not name or self.store is None:
            return None
        color = palette_color(len(self.store.categories()))
        if not self.change(f"Add class {name}", lambda c: c.add_category(name, color)):
            return None
        category = self.store.category_named(name)
        if category is not None:
            self.document.set_active_category(category.id)
        return category

    def rename_category(self, category_id: int, name: str) -> bool:
        """Give a class another name."""
        return self.change(f"Rename class to {name.strip()}", lambda c: c.rename_category(category_id, name.strip()))

    def recolor_category(self, category_id: int, color: str) -> bool:
        """Give a class another colour (``#rrggbb``)."""
        return self.change("Recolour class", lambda c: c.recolor_category(category_id, color))

    def merge_category(self, source: int, target: int) -> bool:
        """Make all objects of one class objects of another, and drop the class."""
        names = self.document.category_name(source), self.document.category_name(target)
        return self.change(f"Merge class {names[0]} into {names[1]}", lambda c: c.merge_category(source, target))

    def remove_category(self, category_id: int) -> bool:
        """Remove a class with all its objects."""
        name = self.document.category_name(category_id)
        return self.change(f"Remove class {name}", lambda c: c.remove_category(category_id))
