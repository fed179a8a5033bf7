"""Divide the images into training and validation (and test); shows what it will come to before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from engine.domain.annotation import Split
from gui.dialogs.frame import FormDialog
from gui.widgets.basics import Muted

if TYPE_CHECKING:
    from gui.session import Session


class Amount(QWidget):
    """A share in per cent or a number of images."""

    def __init__(self, name: str, percent: int) -> None:
        super().__init__()
        self.value = QSpinBox()
        self.value.setAccessibleName(name)
        self.value.setRange(0, 100)
        self.value.setValue(percent)
        self.unit = QComboBox()
        self.unit.setAccessibleName(f"{name}: unit")
        self.unit.addItems(["% of the images", "images"])
        self.unit.currentIndexChanged.connect(self._unit_changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.value)
        row.addWidget(self.unit)
        row.addStretch(1)

    def _unit_changed(self, index: int) -> None:
        self.value.setMaximum(100 if index == 0 else 1_000_000)

    def amount(self) -> float | int:
        """A fraction (float) or a number (int), as the store takes it."""
        return self.value.value() / 100 if self.unit.currentIndex() == 0 else self.value.value()

    def of(self, total: int) -> int:
        """How many of `total` images it comes to."""
        amount = self.amount()
        return min(total, round(amount * total) if isinstance(amount, float) else amount)


class SplitDialog(FormDialog):
    """Asks for sizes and a seed; the same seed gives the same split."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            "Make split",
            "Validation images are never trained on: they tell how good the network is. The split is stored, and "
            "changes only when you change it. Undo brings the former one back.",
            "Make split",
            parent,
            width=480,
        )
        self._session = session
        self.val, self.test = Amount("Validation", 20), Amount("Test", 0)
        self.seed = QSpinBox()
        self.seed.setRange(0, 1_000_000)
        self.seed.setAccessibleName("Seed")
        self.only_new = QCheckBox("Only images that are in no split yet")
        self.now, self.then = Muted(), QLabel()
        self.form.addRow("Validation", self.val)
        self.form.addRow("Test", self.test)
        self.form.addRow("Seed", self.seed)
        self.form.addRow("", self.only_new)
        self.form.addRow("Now", self.now)
        self.form.addRow("Then", self.then)
        for signal in (
            self.val.value.valueChanged, self.val.unit.currentIndexChanged, self.test.value.valueChanged,
            self.test.unit.currentIndexChanged, self.only_new.toggled,
        ):  # fmt: skip
            signal.connect(self._show)
        self.primary.clicked.connect(self._make)
        self._show()

    def _show(self, _value: object = None) -> None:
        counts = self._counts()
        self.now.setText(words(counts))
        kept: dict[Split, int] = (
            {s: n for s, n in counts.items() if s is not Split.NONE} if self.only_new.isChecked() else {}
        )
        total = sum(counts.values()) - sum(kept.values())
        val, test = self.val.of(total), self.test.of(total)
        then = {Split.TRAIN: total - val - test, Split.VAL: val, Split.TEST: test, Split.NONE: 0}
        merged = {s: then[s] + kept.get(s, 0) for s in then}
        fine = then[Split.TRAIN] >= 0 and merged[Split.TRAIN] > 0 and merged[Split.VAL] > 0
        self.then.setText(words(merged) if fine else "There must be images left for training and for validation.")
        self.primary.setEnabled(fine)

    def _counts(self) -> dict[Split, int]:
        from engine.project.splits import split_counts

        assert self._session.store is not None
        counts = split_counts(self._session.store)
        return {s: counts.get(s, 0) for s in Split}

    def _make(self) -> None:
        made = self._session.make_split(
            val=self.val.amount(),
            test=self.test.amount(),
            seed=self.seed.value(),
            only_unassigned=self.only_new.isChecked(),
        )
        if made:
            self.accept()


def words(counts: dict[Split, int]) -> str:
    """ "61 training · 13 validation · 0 test · 0 in no split"."""
    names = {Split.TRAIN: "training", Split.VAL: "validation", Split.TEST: "test", Split.NONE: "in no split"}
    shown = [
        f"{counts.get(s, 0)} {name}" for s, name in names.items() if counts.get(s, 0) or s in (Split.TRAIN, Split.VAL)
    ]
    return " · ".join(shown)
