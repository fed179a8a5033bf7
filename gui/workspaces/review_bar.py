"""The options above the Review room: which run and epoch, from which score on, what is shown, where to detect."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSlider, QWidget

from engine.project.runs import RunFolder
from gui.models.review_items import QueueData
from gui.widgets.basics import Muted

WHERE = (("all images", "all"), ("this image", "image"), ("validation", "val"), ("training", "train"), ("test", "test"))
SHOW = (("what is new", "new"), ("everything", "all"))


class ReviewBar(QWidget):
    """One line of choices.

    Signals:
        run_chosen(str), epoch_chosen(str): another checkpoint.
        threshold_changed(float): predictions below it are not shown.
        show_changed(str): "new" or "all".
        truth_changed(bool): annotations are to be shown against predictions.
        cancel_asked: stop detecting.
    """

    run_chosen = Signal(str)
    epoch_chosen = Signal(str)
    threshold_changed = Signal(float)
    show_changed = Signal(str)
    truth_changed = Signal(bool)
    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bar")
        self.setFixedHeight(40)
        self._make()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        for title, widgets in (
            ("Run", (self.runs, self.epochs)),
            ("Score ≥", (self.score, self._value)),
            ("Show", (self.show_what, self.truth)),
            ("Detect in", (self.where,)),
        ):
            row.addWidget(Muted(title))
            for widget in widgets:
                row.addWidget(widget)
            row.addSpacing(8)
        row.addStretch(1)
        for busy in (self._busy_words, self._busy, self._cancel):
            row.addWidget(busy)
        self.show_progress(None)

    def _make(self) -> None:
        self.runs, self.epochs = QComboBox(), QComboBox()
        self.runs.setAccessibleName("Run")
        self.epochs.setAccessibleName("Epoch")
        for combo in (self.runs, self.epochs):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.runs.activated.connect(self._run_activated)
        self.epochs.activated.connect(self._epoch_activated)
        self.score = QSlider(Qt.Orientation.Horizontal)
        self.score.setRange(5, 99)
        self.score.setValue(50)
        self.score.setFixedWidth(120)
        self.score.setAccessibleName("Lowest score shown")
        self.score.valueChanged.connect(self._score_moved)
        self._value = QLabel("0.50")
        self._value.setFixedWidth(30)
        self.show_what, self.where = QComboBox(), QComboBox()
        for title, value in SHOW:
            self.show_what.addItem(title, value)
        for title, value in WHERE:
            self.where.addItem(title, value)
        self.show_what.setAccessibleName("Which predictions are shown")
        self.show_what.setToolTip("New: what no label agrees with yet")
        self.where.setAccessibleName("Where Detect looks")
        self.truth = QPushButton("Truth")
        self.truth.setCheckable(True)
        self.truth.setProperty("role", "switch")
        self.truth.setToolTip("Labels against predictions: what was found, wrong or missed, and why (T)")
        self.truth.clicked.connect(self.truth_changed)
        self.show_what.activated.connect(self._show_activated)
        self._busy_words = Muted()
        self._busy = QProgressBar()
        self._busy.setTextVisible(False)
        self._busy.setFixedWidth(120)
        self._cancel = QPushButton("Cancel")
        self._cancel.clicked.connect(self.cancel_asked)

    @property
    def threshold(self) -> float:
        """Lowest score shown."""
        return self.score.value() / 100

    @property
    def epoch_choice(self) -> str:
        """``best``, ``last`` or a number."""
        return str(self.epochs.currentData() or "best")

    def show_runs(self, runs: Sequence[RunFolder], chosen: str) -> None:
        """Offer these runs."""
        self.runs.clear()
        for run in runs:
            self.runs.addItem(run.id, run.id)
        self.runs.setCurrentIndex(max(0, self.runs.findData(chosen)) if runs else -1)
        self.setEnabled(bool(runs))

    def show_epochs(self, data: QueueData) -> None:
        """Offer the epochs of a run; those with predictions say so."""
        self.epochs.clear()
        for title, value in (("best", "best"), ("last", "last")):
            self.epochs.addItem(title, value)
        for epoch in sorted({*data.kept, *data.detected}, reverse=True):
            self.epochs.addItem(f"epoch {epoch}" + (" · detected" if epoch in data.detected else ""), str(epoch))
        at = max(0, self.epochs.findData(data.choice))
        if data.epoch is not None and data.choice in ("best", "last"):
            self.epochs.setItemText(at, f"{data.choice} · epoch {data.epoch}")
        self.epochs.setCurrentIndex(at)

    def show_truth(self, on: bool) -> None:
        """Whether annotations are shown against predictions; then everything is shown."""
        self.truth.setChecked(on)
        self.show_what.setEnabled(not on)

    def show_progress(self, values: dict[str, object] | None) -> None:
        """How far the detection is; None when there is none."""
        for widget in (self._busy_words, self._busy, self._cancel):
            widget.setVisible(values is not None)
        if values is None:
            return
        total, done = int(str(values.get("total", 0))), int(str(values.get("done", 0)))
        self._busy.setRange(0, total)
        self._busy.setValue(done)
        if values.get("stage") != "detecting":
            self._busy.setRange(0, 0)
            self._busy_words.setText("loading the network")
            return
        rate = float(str(values.get("images_per_second") or 0))
        speed = f" · {rate:.1f} images/s" if rate else ""
        self._busy_words.setText(f"{done} of {total}{speed} · {values.get('device', '')}")

    def _run_activated(self) -> None:
        self.run_chosen.emit(str(self.runs.currentData()))

    def _epoch_activated(self) -> None:
        self.epoch_chosen.emit(self.epoch_choice)

    def _score_moved(self) -> None:
        self._value.setText(f"{self.threshold:.2f}")
        self.threshold_changed.emit(self.threshold)

    def _show_activated(self) -> None:
        self.show_changed.emit(str(self.show_what.currentData()))
