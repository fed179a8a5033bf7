"""The line at the top of the Train room: how the run that is shown stands."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from engine.project.runs import RunState
from gui.models.run_log import STATE_WORDS, RunLog
from gui.widgets.basics import Card, Chip, ChipKind, Heading, Muted

STATE_KINDS: dict[RunState, ChipKind] = {
    RunState.STARTING: "warn",
    RunState.RUNNING: "warn",
    RunState.FINISHED: "ok",
    RunState.STOPPED: "",
    RunState.FAILED: "bad",
    RunState.LOST: "bad",
}


class RunCard(Card):
    """One line on the run: where it is, how fast, how long still, and what can be done with it.

    Signals:
        stop_asked, resume_asked: a person pressed the button.
    """

    stop_asked = Signal()
    resume_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._name = Heading("No training yet")
        self._state = Chip()
        self._facts = Muted("Press Train: the data is frozen, a run starts, and you can go on drawing meanwhile.")
        self._facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = QProgressBar(maximum=1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the training")
        self._bar.setMinimumWidth(90)
        self._left = QLabel()
        self.stop = QPushButton("Stop and keep")
        self.stop.setProperty("role", "stop")
        self.stop.setToolTip("Finishes the step, saves everything; Resume goes on from there")
        self.stop.clicked.connect(self.stop_asked)
        self.resume = QPushButton("Resume")
        self.resume.setToolTip("Goes on from the last checkpoint, on the data the run was started with")
        self.resume.clicked.connect(self.resume_asked)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._state)
        row.addWidget(self._facts, 3)
        row.addWidget(self._bar, 2)
        for widget in (self._left, self.stop, self.resume):
            row.addWidget(widget)
        self.body.addLayout(row)
        self._reason = QLabel()
        self._reason.setWordWrap(True)
        self._reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self._reason)
        self.refresh(None)

    def refresh(self, log: RunLog | None) -> None:
        """Show how the run stands."""
        status = log.status if log is not None else None
        live = status is not None and status.is_live
        for widget, shown in (
            (self._state, status is not None),
            (self._bar, status is not None),
            (self._left, live),
            (self.stop, live),
            (self.resume, log is not None and can_resume(log)),
            (self._reason, bool(status and status.reason)),
        ):
            widget.setVisible(shown)
        if log is None or status is None:
            self._name.setText("No training yet")
            self._facts.setText("Press Train: the data is frozen, a run starts, and you can go on drawing meanwhile.")
            return
        self._name.setText(f"Run {status.run.id}")
        words = "stopping" if status.stopping else STATE_WORDS[status.state]
        self._state.set(words, STATE_KINDS[status.state])
        self._facts.setText(log.headline())
        self._facts.setToolTip(log.headline())
        self._bar.setValue(round(1000 * log.progress))
        self._left.setText(log.time_left())
        self.stop.setEnabled(not status.stopping)
        self._reason.setText(status.reason)


def can_resume(log: RunLog) -> bool:
    """Whether there is something left to train and nobody trains it."""
    if log.status is None or log.status.is_live or log.status.state is RunState.FINISHED:
        return False
    return log.config is not None
