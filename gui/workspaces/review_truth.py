"""The switch "Truth": annotations against predictions over the image; measured off the gui thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from engine.domain.annotation import Annotation, BoxXYXY
from engine.domain.prediction import Prediction
from engine.review.quality.compared import ComparedImage
from engine.review.quality.pixels import PixelDifference, pixel_difference
from gui.canvas.view import CanvasView
from gui.latest import Latest
from gui.models.document import Document
from gui.models.truth import Judged, Standing, compare, judge
from gui.workspaces.review_truth_layer import items_of, tags_of
from gui.workspaces.review_truth_panel import TruthPanel


@dataclass(frozen=True)
class _Subject:
    """What is compared; another value means that everything has to be measured again."""

    annotation: Annotation
    predictions: tuple[Prediction, ...]

    def same_as(self, other: _Subject | None) -> bool:
        ids = None if other is None else [p.id for p in other.predictions]
        return other is not None and other.annotation is self.annotation and ids == [p.id for p in self.predictions]


class TruthView(QObject):
    """Draws what was found, what is wrong and what was missed; the pair in focus with its pixels.

    Attributes:
        on: whether it is switched on.
        judged: everything on the image at the present threshold; empty while it is being measured.
        focused: the pair in focus, None without one.
        difference: how its masks differ, None until that is known or when one of them is not there.

    Signals:
        prediction_picked(int): a person wants to look at that prediction.
        shown: the image's comparison, or that of the pair in focus, is on screen.
    """

    prediction_picked = Signal(int)
    shown = Signal()

    def __init__(
        self, document: Document, canvas: CanvasView, panel: TruthPanel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.on = False
        self.judged: tuple[Judged, ...] = ()
        self.focused: Judged | None = None
        self.difference: PixelDifference | None = None
        self._document, self._canvas, self._panel = document, canvas, panel
        self._subject: _Subject | None = None
        self._compared: ComparedImage | None = None
        self._threshold, self._wish = 0.5, ""
        self._asked: int | None = None
        self._compare, self._differ = Latest("truth", self), Latest("pixels", self)
        self._compare.done.connect(self._on_compared)
        self._differ.done.connect(self._on_difference)
        panel.list.picked.connect(self._on_picked)
        panel.restyled.connect(self._draw)
        document.opened.connect(self._on_opened)
        document.changed.connect(self._on_changed)
        document.selection_changed.connect(self._on_selection)
        document.appearance_changed.connect(self._on_appearance)

    def set_on(self, on: bool) -> None:
        """Switch it; what it shows comes with :meth:`show`."""
        self.on = on
        if not on:
            self._forget()
            self._canvas.show_instead(None)

    def show(self, predictions: Sequence[Prediction], *, threshold: float, focus: int | None) -> None:
        """Compare the document's annotation with all `predictions` of its image, from `threshold` on.

        Args:
            focus: the prediction in question; as long as it stays the same, what a person picked since stays in focus.
        """
        annotation = self._document.annotation
        if not self.on or annotation is None:
            return
        subject = _Subject(annotation, tuple(predictions))
        self._threshold = threshold
        if focus != self._asked:
            self._asked, self._wish = focus, f"p{focus}"
        if subject.same_as(self._subject):
            self._judge()
        else:
            self._subject, self._compared = subject, None
            self._measure(subject)

    @property
    def _in_use(self) -> bool:
        """What is drawn in another room is compared when a person comes back."""
        return self.on and self._canvas.isVisible()

    def _measure(self, subject: _Subject) -> None:
        categories = tuple(self._document.categories.values())
        boxes_only = self._document.boxes_only
        self._compare.ask(lambda: compare(subject.annotation, subject.predictions, categories, boxes_only=boxes_only))

    def _forget(self) -> None:
        self._compare.forget()
        self._differ.forget()
        self._subject = self._compared = self.focused = self.difference = None
        self.judged = ()

    # --- answers ----------------------------------------------------------------------------------------------

    def _on_compared(self, compared: ComparedImage) -> None:
        self._compared = compared
        self._judge()

    def _judge(self) -> None:
        if self._compared is None:
            return  # it is being measured
        self.judged = judge(self._compared, self._threshold, self._document.category_name)
        self._focus_on(next((j for j in self.judged if j.key == self._wish), None))

    def _focus_on(self, judged: Judged | None) -> None:
        self.focused, self.difference = judged, None
        self._differ.forget()
        masks = judged.masks if judged is not None else None
        self._draw()
        if masks is None:
            self.shown.emit()
        else:
            self._differ.ask(lambda: pixel_difference(*masks))

    def _on_difference(self, difference: PixelDifference) -> None:
        self.difference = difference
        self._draw()
        self.shown.emit()

    def _draw(self) -> None:
        if not self.on:
            return
        self._panel.show_judged(self.judged)
        self._panel.show_pair(self.focused, self.difference)
        items = items_of(self.judged, self.focused, self.difference, self._panel.palette())
        self._canvas.show_instead(items, tags_of(self.judged, self.focused, self._panel.palette()))

    # --- what a person points at ------------------------------------------------------------------------------

    def _on_picked(self, key: str) -> None:
        """A line of the list: what it is about is brought into sight."""
        picked = next((j for j in self.judged if j.key == key), None)
        if picked is not None:
            if not self._is_in_sight(picked):
                self._canvas.show_box(_box_of(picked))
            self._pick(picked)

    def _pick(self, picked: Judged) -> None:
        self._wish = picked.key
        if picked.standing is Standing.MISSED or picked.prediction is None:
            self._focus_on(picked)
        else:
            self.prediction_picked.emit(picked.prediction.id)

    def _on_selection(self) -> None:
        """An object that is clicked shows its pair."""
        current = self._document.current
        if not self._in_use or current is None:
            return
        mine = [j for j in self.judged if j.instance is not None and j.instance.id == current.id]
        pair = min(mine, key=lambda j: j.standing is Standing.WRONG, default=None)
        if pair is not None:
            self._pick(pair)

    def _on_opened(self) -> None:
        """Another image: nothing of the last one may lie over it."""
        self._forget()
        self._draw()

    def _on_changed(self, _instance_ids: object) -> None:
        """The document takes over an edit after everybody was told of it."""
        if self._in_use and self._subject is not None:
            self.show(self._subject.predictions, threshold=self._threshold, focus=self._asked)

    def _on_appearance(self) -> None:
        """Classes were renamed, recoloured or removed."""
        if self._in_use and self._subject is not None:
            self._compared = None
            self._measure(self._subject)

    def _is_in_sight(self, judged: Judged) -> bool:
        x0, y0, x1, y1 = self._canvas.view.visible
        left, top, right, bottom = _box_of(judged)
        return x0 <= left and y0 <= top and right <= x1 and bottom <= y1


def _box_of(judged: Judged) -> BoxXYXY:
    item = judged.instance if judged.standing is Standing.MISSED else judged.prediction
    assert item is not None
    return item.box_xyxy
