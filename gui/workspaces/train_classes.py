"""What validation says, in the Train room: class by class as it is now, or epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableWidget, QWidget

from engine.events import EpochValidated
from gui.models.run_log import RunLog, ap_words
from gui.widgets.basics import Card, Muted
from gui.widgets.segmented import Segmented
from gui.workspaces.train_layout import add_head
from gui.workspaces.train_tables import cell, fit_height, plain_table

_MOST_ROWS = 8
_TIPS = {
    "now": "The newest epoch, with the best value each class ever had",
    "epochs": "Every epoch's AP, overall and by class, newest first",
}


class ClassesCard(Card):
    """Two tables of which one is shown; both appear with the first validation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shown: list[EpochValidated] = []
        self.switch = Segmented((("now", "Classes"), ("epochs", "Epochs")))
        for key, tip in _TIPS.items():
            self.switch.button(key).setToolTip(tip)
        self.switch.chosen.connect(self._switched)
        add_head(self, "What validation says", self.switch)
        self._empty = Muted("After the first epoch: how well each class is found in the validation images.", wrap=True)
        self.classes = plain_table(("Class", "Now", "Best", "Means"), "Validation AP by class")
        self.epochs = plain_table((), "Validation AP by epoch")
        self.epochs.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        for widget in (self._empty, self.classes, self.epochs):
            self.body.addWidget(widget)
        self._switched()

    def refresh(self, log: RunLog | None) -> None:
        """Show the validations of `log`; cheap when they are those that are shown."""
        told = log.validations if log is not None else []
        if len(told) == len(self._shown) and all(a is b for a, b in zip(told, self._shown, strict=True)):
            return
        self._shown = list(told)
        if log is not None and told:
            ap50 = told[-1].box_ap50 if log.boxes_only else told[-1].mask_ap50
            self.remark.setText(f"epoch {told[-1].epoch} · AP50 {ap_words(ap50)}")
            _fill_classes(self.classes, told)
            _fill_epochs(self.epochs, told, log.best, boxes_only=log.boxes_only)
        self._switched()

    def _switched(self, _key: str = "") -> None:
        there, chosen = bool(self._shown), self.switch.current()
        self._empty.setVisible(not there)
        if not there:
            self.remark.setText("")
        self.switch.setVisible(there)
        self.classes.setVisible(there and chosen == "now")
        self.epochs.setVisible(there and chosen == "epochs")


def _fill_classes(table: QTableWidget, told: Sequence[EpochValidated]) -> None:
    """The newest figures beside the best of all epochs, the worst class first."""
    rows = sorted(told[-1].per_class.items(), key=lambda kv: (kv[1] is None, kv[1] or 0.0))
    table.setRowCount(len(rows))
    for row, (name, value) in enumerate(rows):
        known = [v.per_class.get(name) for v in told]
        best = max((k for k in known if k is not None), default=None)
        for column, text in enumerate((name, ap_words(value), ap_words(best), ap_means(value, best))):
            table.setItem(row, column, cell(text))
    fit_height(table, _MOST_ROWS)


def _fill_epochs(
    table: QTableWidget, told: Sequence[EpochValidated], best: EpochValidated | None, *, boxes_only: bool
) -> None:
    """One row an epoch, newest first."""
    names = list(dict.fromkeys(name for v in told for name in v.per_class))
    overall = ("Box AP",) if boxes_only else ("Mask AP", "Box AP")
    titles = ["Epoch", *overall, *names]
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.setRowCount(len(told))
    for row, v in enumerate(reversed(told)):
        aps = [v.box_ap] if boxes_only else [v.mask_ap, v.box_ap]
        words = [f"{v.epoch}, best" if v is best else str(v.epoch)]
        words += [ap_words(ap) for ap in (*aps, *(v.per_class.get(name) for name in names))]
        for column, text in enumerate(words):
            table.setItem(row, column, cell(text))
    fit_height(table, _MOST_ROWS)


def ap_means(value: float | None, best: float | None) -> str:
    """What an AP of one class means, in words."""
    if value is None:
        return "no object of this class in the validation images"
    if value < 0.05:
        return "not found yet"
    if best is not None and value < best - 0.1:
        return "was better before: the best epoch is kept"
    if value < 0.3:
        return "often missed or drawn roughly"
    return "found, outlines still rough" if value < 0.6 else "found well"
