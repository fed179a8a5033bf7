"""What is asked of a training: weights to start from, stages, and the settings people change; presets fill it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSpinBox, QWidget

from engine import config as configs
from engine.config import StagePlan, TrainConfig
from gui.models.weights_choices import started_from
from gui.widgets.basics import Card, Heading, Muted
from gui.widgets.icons import icon
from gui.workspaces.train_stages import StageTable
from gui.workspaces.train_weights import WeightsChooser

PRESET_TITLES = {
    "quick": "Quick",
    "balanced": "Balanced",
    "notes": "The notes",
    "notes-3plus": "The notes, 3+",
    "1x": "1x schedule",
}


def presets() -> Mapping[str, TrainConfig]:
    """The presets that the engine offers."""
    return configs.PRESETS


class PlanCard(Card):
    """Weights, stage plan, preset and the three settings people change.

    Attributes:
        weights: what the training starts from.
        stages: the stage plan.

    Signals:
        changed: another plan; :meth:`config` gives it.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._base = next(iter(presets().values()))
        self._filling = False
        self.stages, self.weights = StageTable(), WeightsChooser()
        self._build_head()
        self.body.addWidget(self.stages)
        self._build_settings()
        self.body.addWidget(self.weights)
        self.stages.changed.connect(self.edited)
        self.weights.changed.connect(self.changed)
        self.use_preset(next(iter(presets())))

    def _build_head(self) -> None:
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        for name in presets():
            self.preset.addItem(PRESET_TITLES.get(name, name), name)
        self.preset.addItem("My own", "custom")
        self.preset.activated.connect(self._preset_chosen)
        self._add = QPushButton("Add stage")
        self._add.setIcon(icon("plus", "muted"))
        self._add.clicked.connect(self.stages.add_row)
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
        self.image_size.setFixedWidth(96)
        self.batch.setFixedWidth(64)
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
        changes = {
            "plan": self.stages.plan(),
            "preset": str(self.preset.currentData()),
            "image_size": max(64, self.image_size.value() // 32 * 32),
            "batch_size": self.batch.value(),
            "device": self.device.currentData(),
            "weights_names": self.weights.names,
        }
        started = started_from(self._base, self.weights.weights, presets())
        return TrainConfig.model_validate({**started.model_dump(), **changes})

    def problem(self) -> str:
        """Why the plan does not hold, "" when it does."""
        return self.stages.problem()

    # --- changing it ------------------------------------------------------------------------------------------

    def use_preset(self, name: str) -> None:
        """Fill in a preset; what the training starts from stays as it was chosen."""
        chosen, names = self.weights.weights, self.weights.names
        self._fill(presets()[name], weights=chosen, names=names)
        self.preset.setCurrentIndex(self.preset.findData(name))
        self.changed.emit()

    def show_config(self, config: TrainConfig) -> None:
        """Fill in any configuration, for example of an earlier run."""
        self._fill(config, weights=config.weights, names=config.weights_names)
        self.changed.emit()

    def _fill(self, config: TrainConfig, *, weights: str, names: str) -> None:
        self._filling = True
        self._base = config
        self.weights.choose(weights, names=names)
        self.stages.show_plan(config.plan)
        self.image_size.setValue(config.image_size)
        self.batch.setValue(config.batch_size)
        self.device.setCurrentIndex(max(0, self.device.findData(config.device)))
        self.preset.setCurrentIndex(max(0, self.preset.findData(config.preset)))
        self._filling = False

    def edited(self, *_: object) -> None:
        """A person changed something: it is no preset any more."""
        if self._filling:
            return
        self.preset.setCurrentIndex(self.preset.findData("custom"))
        self.changed.emit()

    def mark(self, plan: StagePlan | None, stage: int = -1, running: bool = False) -> None:
        """Show at which stage a run with `plan` is; other plans get no marks."""
        self.stages.mark(plan, stage, running)

    def _preset_chosen(self) -> None:
        name = self.preset.currentData()
        if name in presets():
            self.use_preset(name)

    def _snap_size(self) -> None:
        self.image_size.setValue(max(64, round(self.image_size.value() / 32) * 32))
