"""What stands out in the data, in the Train room: found in the background, each finding with its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from engine.config import TrainConfig
from engine.errors import UserError
from gui.jobs import Job, JobCancelledError, Report
from gui.models.preflight import CHECKED_OBJECTS
from gui.widgets.basics import Card, Chip, ChipKind, Muted

if TYPE_CHECKING:
    from engine.project.store import ProjectStore
    from engine.review.preflight.findings import Finding
    from gui.session import Session

_CHIPS: dict[str, tuple[str, ChipKind]] = {"refuse": ("stop", "bad"), "warn": ("warning", "warn"), "note": ("note", "")}
# What the card above says already, at once and in figures; of obstacles it tells where there are few objects.
_COUNTED_BEFORE = frozenset(("unlabelled", "outside-splits"))
_OBSTACLES = frozenset(("no-objects", "empty-training", "empty-validation", "class-without-instances"))


class FindingsCard(Card):
    """A list of findings; a button beside each leads to its images, one after the other.

    Signals:
        image_wanted(object): the id of an image to look at.
        looked: the findings are those of the project and configuration as they were asked for.
    """

    image_wanted = Signal(object)
    looked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("What stands out", parent=parent)
        self._session = session
        self._job: Job | None = None
        self._looked_at: ProjectStore | None = None
        self._next: TrainConfig | None = None
        self._next_image: dict[Finding, int] = {}
        self.findings: tuple[Finding, ...] = ()
        self._nothing = Muted("Nothing so far.", wrap=True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self.body.addWidget(self._nothing)
        self.body.addLayout(self._grid)

    # --- looking ----------------------------------------------------------------------------------------------

    def look(self, config: TrainConfig) -> None:
        """Look through the open project for a training with `config`; when one look is under way, after it."""
        store = self._session.store
        if store is None:
            return
        if self._job is not None:
            self._next = config
            self._job.cancel()
            return
        self.remark.setText("looking…")
        self._looked_at = store
        self._job = Job("preflight", lambda report: _looked_through(store, config, report), self)
        self._job.progress.connect(self._tell_progress)
        self._job.done.connect(self._found)
        self._job.failed.connect(self._failed)
        self._job.start()

    def clear(self) -> None:
        """Forget everything: the project is another one or closed."""
        self._next = None
        if self._job is not None:
            self._job.cancel()
        self._show(())

    def refusal(self) -> str:
        """Why a training would be refused, as far as is known; "" when it would not."""
        return " ".join(f.text for f in self.findings if f.level == "refuse")

    def _tell_progress(self, part: float, text: str) -> None:
        self.remark.setText(f"{text.lower()}… {part:.0%}")

    def _found(self, findings: Any) -> None:
        if self._is_wanted() and self._next is None:
            self._show(findings)
            self.looked.emit()
        self._end()

    def _failed(self, error: object) -> None:
        if isinstance(error, JobCancelledError) or not self._is_wanted():
            pass  # a store that is closed under the work fails in any way
        elif isinstance(error, UserError):
            self._session.message.emit("error", str(error))
        else:
            self._session.defect.emit(error)
        self._end()

    def _is_wanted(self) -> bool:
        return self._session.store is not None and self._session.store is self._looked_at

    def _end(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.deleteLater()
        self.remark.setText("")
        config, self._next = self._next, None
        if config is not None:
            self.look(config)

    # --- showing ----------------------------------------------------------------------------------------------

    def _show(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        self._next_image.clear()
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        shown = [f for f in self.findings if f.kind not in self._said_before()]
        self._nothing.setVisible(not shown)
        for row, finding in enumerate(shown):
            self._add_row(row, finding)

    def _said_before(self) -> frozenset[str]:
        store = self._session.store
        few = store is not None and sum(store.instance_counts().values()) <= CHECKED_OBJECTS
        return _COUNTED_BEFORE | (_OBSTACLES if few else frozenset())

    def _add_row(self, row: int, finding: Finding) -> None:
        text = QLabel(finding.text)
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(Chip(*_CHIPS[finding.level]), row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(text, row, 1)
        if finding.image_ids:
            button = QPushButton("Show")
            button.setProperty("role", "flat")
            count = len(finding.image_ids)
            button.setToolTip("Opens the image in Annotate" if count == 1 else f"Opens the next of {count:,} images")
            button.setAccessibleName(f"Show images: {finding.text}")
            button.clicked.connect(lambda _checked=False, f=finding: self._show_image(f))
            self._grid.addWidget(button, row, 2, Qt.AlignmentFlag.AlignTop)

    def _show_image(self, finding: Finding) -> None:
        at = self._next_image.get(finding, 0)
        self._next_image[finding] = (at + 1) % len(finding.image_ids)
        self.image_wanted.emit(finding.image_ids[at])


def _looked_through(store: ProjectStore, config: TrainConfig, report: Report) -> tuple[Finding, ...]:
    from engine.project.dataset import freeze
    from engine.review.preflight.checks import preflight

    return tuple(preflight(freeze(store), config, progress=report))
