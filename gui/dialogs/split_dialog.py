"""Divide the images into training, validation and test; shows what it will come to before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QSpinBox, QWidget

from engine.domain.annotation import Split
from engine.project.groups import GroupBy
from gui.dialogs.frame import FormDialog
from gui.dialogs.split_groups import SPLIT_NAMES, GroupsView
from gui.dialogs.split_work import Asked, PreviewWork
from gui.models.split_preview import Grouping, SplitPreview, SplitWish
from gui.widgets.basics import Muted

if TYPE_CHECKING:
    from gui.session import Session

TYPING_MS = 300
GROUPINGS: dict[str, GroupBy | None] = {
    "Only equal files": None,
    "Images of one folder": GroupBy.FOLDER,
    "Images of one name": GroupBy.NAME,
    "Similar pictures": GroupBy.SIMILAR,
}
_TIPS = {
    None: "Files that are equal byte by byte always go into one set",
    GroupBy.FOLDER: "All images of a folder go into one set: one folder per part, camera or day, for example",
    GroupBy.NAME: "Images whose file names have the same part go into one set",
    GroupBy.SIMILAR: "Resized, recompressed or brightened copies and frames of one scene go into one set",
}
_PATTERN = "^(.+)_[0-9]+"


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
    """Asks for sizes, what stays together, and a seed; the same of all three gives the same split.

    Groups are found in the background and shown; only then the split can be made.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            "Make split",
            "Validation images are never trained on: they tell how good the network is. The split is stored, and "
            "changes only when you change it. Undo brings the former one back.",
            "Make split",
            parent,
            width=560,
        )
        self._session = session
        self._work = PreviewWork(session, self)
        self._preview: SplitPreview | None = None
        self._shown: Grouping | None = None  # what the groups on screen are of
        self._timer = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._build_fields()
        self._build_rows()
        self._connect()
        self._show()

    def _build_fields(self) -> None:
        self.val, self.test = Amount("Validation", 20), Amount("Test", 0)
        self.seed = QSpinBox()
        self.seed.setRange(0, 1_000_000)
        self.seed.setAccessibleName("Seed")
        self.only_new = QCheckBox("Only images that are in no split yet")
        self.by = QComboBox()
        self.by.setAccessibleName("Kept together")
        for title, by in GROUPINGS.items():
            self.by.addItem(title)
            self.by.setItemData(self.by.count() - 1, _TIPS[by], Qt.ItemDataRole.ToolTipRole)
        self.pattern = QLineEdit(_PATTERN)
        self.pattern.setAccessibleName("Pattern of the names")
        self.pattern.setToolTip(
            "A regular expression that is searched for in each file's name. What its first brackets find is the name "
            f"of the group: {_PATTERN} puts part3_01.jpg and part3_02.jpg together."
        )
        self.groups = GroupsView()
        self.groups.hide()
        self.now, self.then = Muted(), QLabel()
        self.then.setWordWrap(True)
        self.then.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.then.setMinimumHeight(2 * self.then.fontMetrics().lineSpacing())

    def _build_rows(self) -> None:
        for title, widget in (
            ("Validation", self.val), ("Test", self.test), ("Kept together", self.by), ("Name pattern", self.pattern),
            ("Seed", self.seed), ("", self.only_new), ("Now", self.now), ("Then", self.then),
        ):  # fmt: skip
            self.form.addRow(title, widget)
        self.form.setRowVisible(self.pattern, False)
        self.column.addWidget(self.groups, 1)

    def _connect(self) -> None:
        for signal in (
            self.val.value.valueChanged, self.val.unit.currentIndexChanged, self.test.value.valueChanged,
            self.test.unit.currentIndexChanged, self.seed.valueChanged, self.only_new.toggled,
            self.by.currentIndexChanged, self.pattern.textEdited,
        ):  # fmt: skip
            signal.connect(self._show)
        self._timer.timeout.connect(self._look)
        self._work.told.connect(self.then.setText)
        self._work.done.connect(self._previewed)
        self._work.refused.connect(self._refused)
        self.primary.clicked.connect(self._make)
        self.finished.connect(self._work.cancel)

    # --- what is asked ----------------------------------------------------------------------------------------

    @property
    def grouping(self) -> Grouping | None:
        """What is kept together besides equal files."""
        by = GROUPINGS[self.by.currentText()]
        if by is None:
            return None
        return Grouping(by, self.pattern.text().strip() if by is GroupBy.NAME else "")

    def wish(self) -> SplitWish:
        """The sizes as they stand."""
        return SplitWish(self.val.amount(), self.test.amount(), self.seed.value(), self.only_new.isChecked())

    # --- what it will come to ---------------------------------------------------------------------------------

    def _show(self, _value: object = None) -> None:
        grouping, self._preview = self.grouping, None
        self._work.cancel()  # an answer to the former question would be shown as one to this
        self.now.setText(words(self._counts()))
        self._show_groups(grouping)
        if grouping is None:
            self._timer.stop()
            then, fine = self._asked_counts()
            self.then.setText(words(then) if fine else "There must be images left for training and for validation.")
            self.primary.setEnabled(fine)
        else:
            self.then.setText("Looking for groups…")
            self.primary.setEnabled(False)
            self._timer.start()

    def _show_groups(self, grouping: Grouping | None) -> None:
        if grouping == self._shown:
            return
        self.groups.show_problem("")
        self.form.setRowVisible(self.pattern, grouping is not None and grouping.by is GroupBy.NAME)
        if (grouping is None) != (self._shown is None):
            self.groups.setVisible(grouping is not None)
        self._shown = grouping
        self._fit_height()

    def _fit_height(self) -> None:
        """As high as everything needs at this width, which no size hint of wrapped text knows."""
        layout = self.layout()
        if self.isVisible() and layout is not None:
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_height()

    def _asked_counts(self) -> tuple[dict[Split, int], bool]:
        """Images in each set as the sizes say, whatever stays together, and whether that is a split."""
        counts = self._counts()
        kept: dict[Split, int] = (
            {s: n for s, n in counts.items() if s is not Split.NONE} if self.only_new.isChecked() else {}
        )
        total = sum(counts.values()) - sum(kept.values())
        val, test = self.val.of(total), self.test.of(total)
        then = {Split.TRAIN: total - val - test, Split.VAL: val, Split.TEST: test, Split.NONE: 0}
        merged = {s: then[s] + kept.get(s, 0) for s in then}
        return merged, then[Split.TRAIN] >= 0 and merged[Split.TRAIN] > 0 and merged[Split.VAL] > 0

    def _look(self) -> None:
        if self.grouping is not None:
            self._work.ask(Asked(self.grouping, self.wish()))

    def _previewed(self, preview: SplitPreview) -> None:
        self._preview = preview
        self.groups.show_preview(preview)
        asked, _ = self._asked_counts()
        then = words(dict(preview.counts))
        off = any(preview.counts[split] != asked[split] for split in (Split.VAL, Split.TEST))
        then += "\nThis is as close to the sizes above as whole groups come." if off else ""
        self.then.setText(preview.refusal or then)
        self.primary.setEnabled(not preview.refusal)

    def _refused(self, text: str) -> None:
        self.groups.show_problem(text)
        self.then.setText("–")

    def _counts(self) -> dict[Split, int]:
        from engine.project.splits import split_counts

        assert self._session.store is not None
        counts = split_counts(self._session.store)
        return {s: counts.get(s, 0) for s in Split}

    def _make(self) -> None:
        wish = self.wish()
        if self._preview is not None:
            made = self._session.apply_split(self._preview.chosen, seed=wish.seed)
        else:
            made = self._session.make_split(
                val=wish.val, test=wish.test, seed=wish.seed, only_unassigned=wish.only_unassigned
            )
        if made:
            self.accept()


def words(counts: dict[Split, int]) -> str:
    """ "61 training · 13 validation · 0 test · 0 in no split"."""
    shown = [
        f"{counts.get(s, 0)} {name}"
        for s, name in SPLIT_NAMES.items()
        if counts.get(s, 0) or s in (Split.TRAIN, Split.VAL)
    ]
    return " · ".join(shown)
