"""The stage plan as a small table a person edits; presets fill it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from engine import config as configs
from engine.config import Layers, Stage, StagePlan, TrainConfig
from gui.widgets.basics import Card, Chip, Muted
from gui.widgets.icons import icon

PRESET_TITLES = {
    "quick": "Quick",
    "balanced": "Balanced",
    "notes": "The notes",
    "notes-3plus": "The notes, 3+",
    "1x": "1x schedule",
}
LAYER_TITLES = {
    Layers.HEADS: "heads",
    Layers.FROM_5: "5+",
    Layers.FROM_4: "4+",
    Layers.FROM_3: "3+",
    Layers.ALL: "all",
}
_COLUMNS = ("", "Layers", "Until epoch", "Rate", "Augmentation", "", "")


def presets() -> Mapping[str, TrainConfig]:
    """The presets that the engine offers."""
    return configs.PRESETS


class StageRow:
    """The widgets of one stage."""

    def __init__(self, card: PlanCard, stage: Stage) -> None:
        self._schedule = stage.schedule
        self.number = Muted()
        self.layers = QComboBox()
        for layers, title in LAYER_TITLES.items():
            self.layers.addItem(title, layers)
        self.layers.setCurrentIndex(list(LAYER_TITLES).index(stage.layers))
        self.layers.setAccessibleName("Layers that this stage trains")
        self.layers.setToolTip("heads: the new parts only; 3+ to 5+: the backbone from that stage on; all: everything")
        self.until = QSpinBox(minimum=1, maximum=9999, value=stage.until_epoch)
        self.until.setAccessibleName("Until epoch, counted from the start of the training")
        self.until.setToolTip("Counted from the start of the training, so it rises from stage to stage")
        self.rate = QLineEdit(f"{stage.learning_rate:g}")
        validator = QDoubleValidator(1e-8, 10.0, 10, self.rate)
        validator.setLocale(QLocale.c())
        self.rate.setValidator(validator)
        self.rate.setMaximumWidth(84)
        self.rate.setAccessibleName("Learning rate")
        self.augment = QCheckBox("flip, scale, light")
        self.augment.setChecked(stage.augment)
        self.augment.setAccessibleName("Augmentation")
        self.state = Chip()
        self.remove = QToolButton()
        self.remove.setIcon(icon("close", "muted"))
        self.remove.setProperty("role", "flat")
        self.remove.setToolTip("Remove this stage")
        self.remove.setAccessibleName("Remove this stage")
        self.layers.currentIndexChanged.connect(card.edited)
        self.until.valueChanged.connect(card.edited)
        self.rate.textEdited.connect(card.edited)
        self.augment.toggled.connect(card.edited)
        self.remove.clicked.connect(lambda: card.remove_row(self))

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


class PlanCard(Card):
    """Stage plan, preset and the three settings people change.

    Signals:
        changed: another plan; :meth:`config` gives it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._rows: list[StageRow] = []
        self._base = next(iter(presets().values()))
        self._filling = False
        self._marks: tuple[StagePlan, int, bool] | None = None
        self._build_head()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(4, 1)
        for column, title in enumerate(_COLUMNS):
            self._grid.addWidget(Muted(title), 0, column)
        self.body.addLayout(self._grid)
        self._problem = Muted(wrap=True)
        self.body.addWidget(self._problem)
        self._build_settings()
        self.use_preset(next(iter(presets())))

    def _build_head(self) -> None:
        from gui.widgets.basics import Heading

        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        for name in presets():
            self.preset.addItem(PRESET_TITLES.get(name, name), name)
        self.preset.addItem("My own", "custom")
        self.preset.activated.connect(self._preset_chosen)
        self._add = QPushButton("Add stage")
        self._add.setIcon(icon("plus", "muted"))
        self._add.clicked.connect(self.add_row)
        head = QHBoxLayout()
        head.addWidget(Heading("Stage plan"))
        head.addStretch(1)
        head.addWidget(Muted("Preset"))
        head.addWidget(self.preset)
        head.addWidget(self._add)
        self.body.addLayout(head)

    def _build_settings(self) -> None:
        self.image_size = QSpinBox(minimum=64, maximum=4096, singleStep=32)
        self.image_size.setSuffix(" px")
        self.image_size.setToolTip("The longer side the network sees; larger shows smaller objects and is slower")
        self.batch = QSpinBox(minimum=1, maximum=256)
        self.batch.setToolTip("Images per step; more needs more memory")
        self.device = QComboBox()
        for title, value in (("Best there is", "auto"), ("CPU", "cpu"), ("GPU", "cuda")):
            self.device.addItem(title, value)
        row = QHBoxLayout()
        row.setSpacing(8)
        for title, widget in (("Image size", self.image_size), ("Per step", self.batch), ("Runs on", self.device)):
            widget.setAccessibleName(title)
            row.addWidget(Muted(title))
            row.addWidget(widget)
        row.addStretch(1)
        self.body.addLayout(row)
        self.image_size.editingFinished.connect(self._snap_size)
        self.image_size.valueChanged.connect(self.edited)
        self.batch.valueChanged.connect(self.edited)
        self.device.currentIndexChanged.connect(self.edited)

    # --- what it says -----------------------------------------------------------------------------------------

    def config(self) -> TrainConfig:
        """The training that is asked for.

        Raises:
            ValueError: when the plan does not hold; :meth:`problem` says why.
        """
        plan = StagePlan(stages=tuple(row.stage() for row in self._rows))
        changes = {
            "plan": plan,
            "preset": str(self.preset.currentData()),
            "image_size": max(64, self.image_size.value() // 32 * 32),
            "batch_size": self.batch.value(),
            "device": self.device.currentData(),
        }
        return TrainConfig.model_validate({**self._base.model_dump(), **changes})

    def problem(self) -> str:
        """Why the plan does not hold, "" when it does."""
        try:
            ends = [row.stage().until_epoch for row in self._rows]
        except ValueError:
            return "A learning rate is a positive number, for example 0.001."
        for index in range(1, len(ends)):
            if ends[index] <= ends[index - 1]:
                return f"Stage {index + 1} has to end after epoch {ends[index - 1]}: epochs count from the start."
        return ""

    # --- changing it ------------------------------------------------------------------------------------------

    def use_preset(self, name: str) -> None:
        """Fill in a preset."""
        self.show_config(presets()[name])
        self.preset.setCurrentIndex(self.preset.findData(name))

    def show_config(self, config: TrainConfig) -> None:
        """Fill in any configuration, for example of an earlier run."""
        self._filling = True
        self._base = config
        while self._rows:
            self._drop(self._rows[-1])
        for stage in config.plan.stages:
            self._append(stage)
        self.image_size.setValue(config.image_size)
        self.batch.setValue(config.batch_size)
        self.device.setCurrentIndex(max(0, self.device.findData(config.device)))
        self.preset.setCurrentIndex(max(0, self.preset.findData(config.preset)))
        self._filling = False
        self._refresh()
        self.changed.emit()

    def add_row(self) -> None:
        """One more stage, as a person would go on: everything, a tenth of the rate."""
        last = self._rows[-1]
        try:
            rate = last.stage().learning_rate / 10
        except ValueError:
            rate = 1e-4
        self._append(Stage(layers=Layers.ALL, until_epoch=last.until.value() + 10, learning_rate=rate))
        self.edited()

    def remove_row(self, row: StageRow) -> None:
        """Take a stage away; the last one stays."""
        if len(self._rows) > 1:
            self._drop(row)
            self.edited()

    def edited(self, *_: object) -> None:
        """A person changed something: it is no preset any more."""
        if self._filling:
            return
        self.preset.setCurrentIndex(self.preset.findData("custom"))
        self._refresh()
        self.changed.emit()

    def mark(self, plan: StagePlan | None, stage: int = -1, running: bool = False) -> None:
        """Show at which stage a run with `plan` is; other plans get no marks."""
        self._marks = (plan, stage, running) if plan is not None else None
        self._refresh_marks()

    def _preset_chosen(self) -> None:
        name = self.preset.currentData()
        if name in presets():
            self.use_preset(name)

    def _append(self, stage: Stage) -> None:
        row = StageRow(self, stage)
        self._rows.append(row)
        for column, widget in enumerate(row.widgets()):
            self._grid.addWidget(widget, len(self._rows), column)

    def _drop(self, row: StageRow) -> None:
        self._rows.remove(row)
        for widget in row.widgets():
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        for index, kept in enumerate(self._rows):
            for column, widget in enumerate(kept.widgets()):
                self._grid.addWidget(widget, index + 1, column)

    def _snap_size(self) -> None:
        self.image_size.setValue(max(64, round(self.image_size.value() / 32) * 32))

    def _refresh(self) -> None:
        for index, row in enumerate(self._rows):
            row.number.setText(str(index + 1))
            row.remove.setVisible(len(self._rows) > 1)
        problem = self.problem()
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._refresh_marks()

    def _refresh_marks(self) -> None:
        fits = False
        if self._marks is not None and not self.problem():
            fits = self.config().plan == self._marks[0]
        for index, row in enumerate(self._rows):
            text, kind = "", ""
            if fits and self._marks is not None:
                _, stage, running = self._marks
                if index < stage or (index == stage and not running and self._marks[1] == len(self._rows)):
                    text, kind = "done", "ok"
                elif index == stage and running:
                    text, kind = "running", "warn"
            row.state.set(text, kind)  # type: ignore[arg-type]
            row.state.setVisible(bool(text))
