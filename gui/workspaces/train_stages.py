"""The stages of a plan as a small table a person edits."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.config import Layers, Stage, StagePlan
from gui.widgets.basics import Chip, ChipKind, Muted
from gui.widgets.icons import icon

LAYER_TITLES = {
    Layers.HEADS: "heads",
    Layers.FROM_5: "5+",
    Layers.FROM_4: "4+",
    Layers.FROM_3: "3+",
    Layers.ALL: "all",
}
_COLUMNS = ("", "Layers", "Until epoch", "Rate", "Augmentation", "", "")


class StageRow:
    """The widgets of one stage."""

    def __init__(self, table: StageTable, stage: Stage) -> None:
        self._schedule = stage.schedule
        self.number, self.state = Muted(), Chip()
        self.layers = _layers_list(stage.layers)
        self.until = QSpinBox(minimum=1, maximum=9999, value=stage.until_epoch)
        self.until.setAccessibleName("Until epoch, counted from the start of the training")
        self.until.setToolTip("Counted from the start of the training, so it rises from stage to stage")
        self.rate = _rate_line(stage.learning_rate)
        self.augment = QCheckBox("flip, scale, light")
        self.augment.setChecked(stage.augment)
        self.augment.setAccessibleName("Augmentation")
        self.remove = QToolButton()
        self.remove.setIcon(icon("close", "muted"))
        self.remove.setProperty("role", "flat")
        self.remove.setToolTip("Remove this stage")
        self.remove.setAccessibleName("Remove this stage")
        self.layers.currentIndexChanged.connect(table.edited)
        self.until.valueChanged.connect(table.edited)
        self.rate.textEdited.connect(table.edited)
        self.augment.toggled.connect(table.edited)
        self.remove.clicked.connect(lambda: table.remove_row(self))

    def widgets(self) -> tuple[QWidget, ...]:
        """In the order of the columns."""
        return (self.number, self.layers, self.until, self.rate, self.augment, self.state, self.remove)

    def stage(self) -> Stage:
        """What the widgets say.

        Raises:
            ValueError: when the rate is not a positive number.
        """
        return Stage(
            layers=self.layers.currentData(),
            until_epoch=self.until.value(),
            learning_rate=float(self.rate.text()),
            augment=self.augment.isChecked(),
            schedule=self._schedule,
        )


def _layers_list(chosen: Layers) -> QComboBox:
    box = QComboBox()
    for layers, title in LAYER_TITLES.items():
        box.addItem(title, layers)
    box.setCurrentIndex(list(LAYER_TITLES).index(chosen))
    box.setAccessibleName("Layers that this stage trains")
    box.setToolTip("heads: the new parts only; 3+ to 5+: the backbone from that stage on; all: everything")
    return box


def _rate_line(rate: float) -> QLineEdit:
    line = QLineEdit(f"{rate:g}")
    validator = QDoubleValidator(1e-8, 10.0, 10, line)
    validator.setLocale(QLocale.c())
    line.setValidator(validator)
    line.setMaximumWidth(84)
    line.setAccessibleName("Learning rate")
    return line


class StageTable(QWidget):
    """Rows of stages, at least one.

    Attributes:
        rows: in order.

    Signals:
        changed: a person edited, added or removed a stage.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[StageRow] = []
        self._filling = False
        self._marks: tuple[StagePlan, int, bool] | None = None
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(4, 1)
        for column, title in enumerate(_COLUMNS):
            self._grid.addWidget(Muted(title), 0, column)
        self._problem = Muted(wrap=True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(self._grid)
        whole.addWidget(self._problem)

    # --- what it says -----------------------------------------------------------------------------------------

    def plan(self) -> StagePlan:
        """The plan.

        Raises:
            ValueError: when it does not hold; :meth:`problem` says why.
        """
        return StagePlan(stages=tuple(row.stage() for row in self.rows))

    def problem(self) -> str:
        """Why the plan does not hold, "" when it does."""
        try:
            ends = [row.stage().until_epoch for row in self.rows]
        except ValueError:
            return "A learning rate is a positive number, for example 0.001."
        for index in range(1, len(ends)):
            if ends[index] <= ends[index - 1]:
                return f"Stage {index + 1} has to end after epoch {ends[index - 1]}: epochs count from the start."
        return ""

    # --- changing it ------------------------------------------------------------------------------------------

    def show_plan(self, plan: StagePlan) -> None:
        """Show other stages, without telling."""
        self._filling = True
        while self.rows:
            self._drop(self.rows[-1])
        for stage in plan.stages:
            self._append(stage)
        self._filling = False
        self._refresh()

    def add_row(self) -> None:
        """One more stage, as a person would go on: everything, a tenth of the rate."""
        last = self.rows[-1]
        try:
            rate = last.stage().learning_rate / 10
        except ValueError:
            rate = 1e-4
        self._append(Stage(layers=Layers.ALL, until_epoch=last.until.value() + 10, learning_rate=rate))
        self.edited()

    def remove_row(self, row: StageRow) -> None:
        """Take a stage away; the last one stays."""
        if len(self.rows) > 1:
            self._drop(row)
            self.edited()

    def edited(self, *_: object) -> None:
        """A person changed something."""
        if not self._filling:
            self._refresh()
            self.changed.emit()

    def mark(self, plan: StagePlan | None, stage: int = -1, running: bool = False) -> None:
        """Show at which stage a run with `plan` is; other plans get no marks."""
        self._marks = (plan, stage, running) if plan is not None else None
        self._refresh_marks()

    def _append(self, stage: Stage) -> None:
        row = StageRow(self, stage)
        self.rows.append(row)
        for column, widget in enumerate(row.widgets()):
            self._grid.addWidget(widget, len(self.rows), column)

    def _drop(self, row: StageRow) -> None:
        self.rows.remove(row)
        for widget in row.widgets():
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        for index, kept in enumerate(self.rows):
            for column, widget in enumerate(kept.widgets()):
                self._grid.addWidget(widget, index + 1, column)

    # --- showing ----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        for index, row in enumerate(self.rows):
            row.number.setText(str(index + 1))
            row.remove.setVisible(len(self.rows) > 1)
        problem = self.problem()
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._refresh_marks()

    def _refresh_marks(self) -> None:
        for index, row in enumerate(self.rows):
            text, kind = self._mark_of(index)
            row.state.set(text, kind)
            row.state.setVisible(bool(text))

    def _mark_of(self, index: int) -> tuple[str, ChipKind]:
        if self._marks is None or self.problem() or self.plan() != self._marks[0]:
            return "", ""
        _, stage, running = self._marks
        if index < stage:
            return "done", "ok"
        return ("running", "warn") if running and index == stage else ("", "")
