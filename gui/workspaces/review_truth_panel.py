"""Predictions against annotations, beside the image: legend, the pair in focus, everything that disagrees."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.review.quality.pixels import PixelDifference
from gui.canvas.items import Line
from gui.models.instance_list import ListRow, RowModel, RowRole
from gui.models.truth import Judged, Standing
from gui.theme import tokens
from gui.widgets.basics import Muted, SectionHead
from gui.widgets.panels import RowView
from gui.workspaces.review_legend import Legend, LegendRow

LINES = {Standing.FOUND: Line.SOLID, Standing.WRONG: Line.DASHED, Standing.MISSED: Line.DOTTED}
WORDS = {
    Standing.FOUND: "found: prediction and label agree",
    Standing.WRONG: "wrong: predicted, no such label",
    Standing.MISSED: "missed: labelled, not predicted",
}
NOTHING = "Every label was found, and nothing else was predicted."
LIST_HEIGHT = 150


class DisagreementView(RowView):
    """What is wrong or was missed; a click, or the arrow keys, shows the pair.

    Signals:
        picked(str): key of a :class:`gui.models.truth.Judged`.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.disagreements = RowModel()
        super().__init__(self.disagreements, "Disagreements", NOTHING, parent)
        self.disagreements.setParent(self)
        self.setMaximumHeight(LIST_HEIGHT)
        self._silent = False
        self.selectionModel().currentChanged.connect(self._current_changed)
        self.clicked.connect(self._current_changed)

    def show_current(self, key: str) -> None:
        """Mark a row without telling."""
        row = self.disagreements.row_of(key)
        self._silent = True
        self.setCurrentIndex(self.disagreements.index(row) if row >= 0 else QModelIndex())
        self._silent = False

    def _current_changed(self, index: QModelIndex, _before: object = None) -> None:
        if not self._silent and index.isValid():
            self.picked.emit(str(index.data(RowRole.ID)))


class TruthPanel(QWidget):
    """Shown in place of the choices while annotations are compared with predictions.

    Signals:
        restyled: the theme's colours are others now.
    """

    restyled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head = SectionHead("Truth")
        self.legend, self.pixels = Legend(), Legend()
        self.about = Muted(wrap=True)
        self.about.setContentsMargins(12, 4, 12, 2)
        self.list = DisagreementView()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.head, self.legend, self.about, self.pixels, SectionHead("Disagreements"), self.list):
            column.addWidget(widget)
        self.show_judged(())
        self.show_pair(None, None)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.restyled.emit()

    def show_judged(self, judged: Sequence[Judged]) -> None:
        """Count them, and list what disagrees."""
        counts = {standing: sum(j.standing is standing for j in judged) for standing in Standing}
        self.legend.show_rows([LegendRow(s, LINES[s], WORDS[s], f"{counts[s]}") for s in Standing])
        colors = tokens(self.palette())
        rows = [
            ListRow(j.key, j.title, color=getattr(colors, j.standing), detail=j.why.removeprefix("wrong class, "))
            for j in judged
            if j.standing is not Standing.FOUND
        ]
        self.list.disagreements.set_rows(rows)

    def show_pair(self, judged: Judged | None, difference: PixelDifference | None) -> None:
        """What is in focus, and how its pixels differ where both masks are there."""
        self.list.show_current(judged.key if judged is not None else "")
        self.about.setText(_about(judged, difference))
        rows = []
        if difference is not None:
            rows = [
                LegendRow("missed", Line.NONE, "labelled, left out", _px(difference.missed.area)),
                LegendRow("wrong", Line.NONE, "predicted too much", _px(difference.extra.area)),
                LegendRow("hole", Line.NONE, "hole filled or invented", _px(difference.holes.area)),
            ]
        self.pixels.show_rows(rows)


def _about(judged: Judged | None, difference: PixelDifference | None) -> str:
    if judged is None:
        return "Choose a disagreement, or click an object, to see how its pixels differ."
    iou = (
        f" · the two masks have IoU {difference.iou:.2f}" if difference is not None and "IoU" not in judged.why else ""
    )
    return f"{judged.title}, {judged.sentence}{iou}"


def _px(count: int) -> str:
    return f"{count:,} px"
