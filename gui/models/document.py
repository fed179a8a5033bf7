"""The image on screen: what canvas and lists look at.  It knows no store; the session commits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.prediction import Prediction

Commit = Callable[[Annotation, Annotation, str], bool]
NO_IMAGE: npt.NDArray[np.uint8] = np.zeros((0, 0, 3), dtype=np.uint8)


class Document(QObject):
    """One open image with what is said about it, what is selected, and which predictions lie over it.

    Attributes:
        image_id: the store's image id, None while nothing is open.
        image: H x W x 3 uint8 RGB; 0 x 0 while nothing is open.
        annotation: what the store holds for this image (last on top); None while nothing is open.
        categories: by category id, in the order of the class list.
        selection: ids of the selected instances; always a subset of the annotation's.
        active_category_id: class that new objects get, None when there is no class.
        boxes_only: the project holds boxes, no masks.
        read_only: nothing may be changed.
        predictions: staged predictions drawn over the image.
        highlight: ids of the predictions (:attr:`Prediction.id`) that are being judged.
        highlight_tag: lines shown beside the highlighted predictions.

    Signals:
        opened: another image is shown, or none.
        changed(frozenset[str]): ids of the instances added, altered or removed.
        selection_changed: other instances are selected.
        active_category_changed: new objects get another class.
        predictions_changed: other predictions, or another highlight.
        appearance_changed: class names, colours or what is allowed; draw again.
    """

    opened = Signal()
    changed = Signal(object)
    selection_changed = Signal()
    active_category_changed = Signal()
    predictions_changed = Signal()
    appearance_changed = Signal()

    def __init__(self, commit: Commit, parent: QObject | None = None) -> None:
        """`commit` writes ``(before, after, label)`` to the store; False means refused, and nothing changes here."""
        super().__init__(parent)
        self._commit = commit
        self.image_id: int | None = None
        self.image = NO_IMAGE
        self.annotation: Annotation | None = None
        self.selection: frozenset[str] = frozenset()
        self.active_category_id: int | None = None
        self.predictions: tuple[Prediction, ...] = ()
        self.highlight: frozenset[int] = frozenset()
        self.highlight_tag: tuple[str, ...] = ()
        self._categories: Mapping[int, Category] = MappingProxyType({})
        self._boxes_only = False
        self._read_only = False

    # --- what the project says --------------------------------------------------------------------------------

    @property
    def categories(self) -> Mapping[int, Category]:
        return self._categories

    @categories.setter
    def categories(self, categories: Mapping[int, Category] | Iterable[Category]) -> None:
        """Takes a mapping by id or the categories themselves; the active class stays valid."""
        values = categories.values() if isinstance(categories, Mapping) else categories
        self._categories = MappingProxyType({c.id: c for c in values})
        if self.active_category_id not in self._categories:
            self.set_active_category(next(iter(self._categories), None))
        self.appearance_changed.emit()

    @property
    def boxes_only(self) -> bool:
        return self._boxes_only

    @boxes_only.setter
    def boxes_only(self, value: bool) -> None:
        if value != self._boxes_only:
            self._boxes_only = value
            self.appearance_changed.emit()

    @property
    def read_only(self) -> bool:
        return self._read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        if value != self._read_only:
            self._read_only = value
            self.appearance_changed.emit()

    # --- the image --------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self.annotation is not None

    def open(self, image_id: int, image: npt.NDArray[np.uint8], annotation: Annotation) -> None:
        """Show another image.  `image` is H x W x 3 uint8 RGB of the annotation's size.

        Raises:
            ValueError: when image and annotation differ in size.
        """
        if image.shape[:2] != (annotation.height, annotation.width):
            raise ValueError(f"image {image.shape[:2]} and annotation {annotation.height, annotation.width} differ")
        self._show(image_id, image, annotation)

    def close(self) -> None:
        """Show nothing."""
        self._show(None, NO_IMAGE, None)

    def _show(self, image_id: int | None, image: npt.NDArray[np.uint8], annotation: Annotation | None) -> None:
        self.image_id, self.image, self.annotation = image_id, image, annotation
        self.selection, self.predictions = frozenset(), ()
        self.highlight, self.highlight_tag = frozenset(), ()
        self.opened.emit()
        self.selection_changed.emit()
        self.predictions_changed.emit()

    # --- changing it ------------------------------------------------------------------------------------------

    def edit(self, after: Annotation, label: str) -> bool:
        """Commit one change (one undo step named `label`); False when there is nothing to change or it was refused."""
        before = self.annotation
        if before is None or self._read_only or after == before or not self._commit(before, after, label):
            return False
        # The commit may have refreshed this document already, or gone on to another image.
        if self.annotation is before:
            self._replace(after)
        return True

    def refresh(self, annotation: Annotation) -> None:
        """Take over what the store holds now, for instance after undo."""
        if self.annotation is not None and annotation.image_id == self.image_id:
            self._replace(annotation)

    def _replace(self, after: Annotation) -> None:
        assert self.annotation is not None
        touched = _touched(self.annotation, after)
        same = touched == frozenset() and self.annotation.negative == after.negative
        self.annotation = after
        remaining = self.selection & {i.id for i in after}
        lost = remaining != self.selection
        self.selection = remaining
        if not same:
            self.changed.emit(touched)
        if lost:
            self.selection_changed.emit()

    # --- choosing ---------------------------------------------------------------------------------------------

    def select(self, instance_ids: Iterable[str]) -> None:
        """Select exactly these instances; ids that are not here are left out."""
        here = {i.id for i in self.annotation} if self.annotation is not None else set()
        chosen = frozenset(instance_ids) & here
        if chosen != self.selection:
            self.selection = chosen
            self.selection_changed.emit()

    def begin_new_instance(self) -> None:
        """Let the next stroke make a new object: nothing is selected any more."""
        self.select(())

    @property
    def selected(self) -> tuple[Instance, ...]:
        """The selected instances, in painting order."""
        return tuple(i for i in self.annotation or () if i.id in self.selection)

    @property
    def current(self) -> Instance | None:
        """The one selected instance; None when none or several are selected."""
        chosen = self.selected
        return chosen[0] if len(chosen) == 1 else None

    def set_active_category(self, category_id: int | None) -> None:
        """The class that new objects get; an id that is not there means none."""
        chosen = category_id if category_id in self._categories else None
        if chosen != self.active_category_id:
            self.active_category_id = chosen
            self.active_category_changed.emit()

    def category_name(self, category_id: int | None) -> str:
        """Name of a category, "object" when it is unknown."""
        category = self._categories.get(category_id) if category_id is not None else None
        return category.name if category else "object"

    # --- predictions ------------------------------------------------------------------------------------------

    def set_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Lay these predictions over the image; the highlight is taken away."""
        self.predictions = tuple(predictions)
        self.highlight, self.highlight_tag = frozenset(), ()
        self.predictions_changed.emit()

    def set_highlight(self, prediction_ids: Iterable[int], tag: str = "") -> None:
        """Emphasise predictions; each line of `tag` is shown beside them (first the candidates, then the reason)."""
        self.highlight = frozenset(prediction_ids)
        self.highlight_tag = tuple(tag.splitlines())
        self.predictions_changed.emit()


def _touched(before: Annotation, after: Annotation) -> frozenset[str]:
    old, new = {i.id: i for i in before}, {i.id: i for i in after}
    pairs = ((key, old.get(key), new.get(key)) for key in old.keys() | new.keys())
    altered = {key for key, was, now in pairs if was is not now and was != now}
    return frozenset(altered) | _reordered(before, after)


def _reordered(before: Annotation, after: Annotation) -> frozenset[str]:
    """Ids whose place in the painting order differs, when the same objects lie in another order."""
    old, new = [i.id for i in before], [i.id for i in after]
    if old == new or set(old) != set(new):
        return frozenset()
    return frozenset(a for a, b in zip(old, new, strict=True) if a != b)
