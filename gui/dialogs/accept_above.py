"""Accept everything from a score on: which class, which score, and what that would do before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QWidget

from engine.domain.annotation import Category
from engine.project.records import Decision
from gui.dialogs.frame import FormDialog
from gui.models.review_bulk import BulkChoice, choose_above
from gui.models.review_items import ImageFacts
from gui.widgets.basics import Muted

LINE = "Takes predictions into the labels where no label lies yet. It is one step, so one undo takes all of it back."


class AcceptAboveDialog(FormDialog):
    """Shows the count while class and score are chosen.

    Signals:
        chosen(object): the :class:`gui.models.review_bulk.BulkChoice` that a person agreed to.
    """

    chosen = Signal(object)

    def __init__(
        self,
        facts: Sequence[ImageFacts],
        decisions: Sequence[Decision],
        categories: Mapping[int, Category],
        *,
        score: float,
        category_id: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Accept all above a score", LINE, "Accept", parent, width=520)
        self._facts, self._decisions, self._categories = facts, decisions, categories
        self.choice = BulkChoice()
        self.category, self.score = QComboBox(), QDoubleSpinBox()
        self.category.addItem("all classes", None)
        for category in categories.values():
            self.category.addItem(category.name, category.id)
        self.category.setCurrentIndex(max(0, self.category.findData(category_id)) if category_id is not None else 0)
        self.score.setRange(0.05, 1.0)
        self.score.setSingleStep(0.05)
        self.score.setValue(score)
        self.count, self.left_out = QLabel(), Muted(wrap=True)
        self.count.setWordWrap(True)
        for label in (self.count, self.left_out):  # room for two lines, so that nothing moves while a person chooses
            label.setMinimumHeight(36)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.form.addRow("Class", self.category)
        self.form.addRow("Score from", self.score)
        self.column.addWidget(self.count)
        self.column.addWidget(self.left_out)
        self.category.activated.connect(self._preview)
        self.score.valueChanged.connect(self._preview)
        self.primary.clicked.connect(self._agree)
        self._preview()

    def _preview(self, _what: object = None) -> None:
        self.choice = choice = choose_above(
            self._facts,
            self._decisions,
            self._categories,
            score=self.score.value() - 1e-9,  # a spin box counts in binary fractions
            category_id=self.category.currentData(),
        )
        objects = _plural(choice.count, "object")
        classes = [f"{self._categories[id].name} {count:,}" for id, count in sorted(choice.by_category.items())]
        where = f" in {_plural(len(choice.by_image), 'image')}: {', '.join(classes)}." if choice.count else "."
        self.count.setText(f"Accepts {objects}{where}")
        kept = "; ".join(f"{count:,} {reason}" for reason, count in choice.left_out.items())
        self.left_out.setText(f"Left for you to look at: {kept}." if kept else "")
        self.primary.setText(f"Accept {objects}" if choice.count else "Accept")
        self.primary.setEnabled(choice.count > 0)

    def _agree(self) -> None:
        self.chosen.emit(self.choice)
        self.accept()


def _plural(count: int, one: str) -> str:
    return f"{count:,} {one}" + ("" if count == 1 else "s")
