"""The cards with curves, in the Train room: loss, validation AP, and one live share of a person's choice.

The curves themselves (:mod:`gui.workspaces.train_charts`) are made when the room is first shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from gui.models.live_numbers import BY_KEY
from gui.models.run_log import RunLog, ap_words
from gui.widgets.basics import Card
from gui.workspaces.train_layout import add_head

if TYPE_CHECKING:
    from gui.workspaces.train_charts import ApChart, Chart, LossChart, ShareChart

SHARES: dict[str, tuple[str, ...]] = {
    "Foreground accuracy": ("foreground_accuracy",),
    "Mask accuracy": ("mask_accuracy",),
    "RPN recall": ("rpn_recall50", "rpn_recall70"),
}


class LossCard(Card):
    """Training loss, with its parts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        add_head(self, "Loss")
        self.remark.setTextFormat(Qt.TextFormat.RichText)
        self.chart: LossChart | None = None

    def make_chart(self) -> None:
        """Add the curves."""
        from gui.workspaces.train_charts import LossChart

        self.chart = LossChart()
        _add(self, self.chart)

    def refresh(self, log: RunLog) -> None:
        """Draw what `log` holds."""
        if self.chart is None:
            return
        from gui.workspaces.train_charts import legend_html

        self.chart.refresh(log)
        self.chart.show_stages(stage_ends(log))
        self.remark.setText(legend_html(log) if log.epochs else "total · rpn · class · box · mask")


class ApCard(Card):
    """AP on the validation images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        add_head(self, "Validation AP")
        self.chart: ApChart | None = None

    def make_chart(self) -> None:
        """Add the curves."""
        from gui.workspaces.train_charts import ApChart

        self.chart = ApChart()
        _add(self, self.chart)

    def refresh(self, log: RunLog) -> None:
        """Draw what `log` holds."""
        if self.chart is not None:
            self.chart.refresh(log)
            self.chart.show_stages(stage_ends(log))
            self.remark.setText(_ap_remark(log))


class ShareCard(Card):
    """One of :data:`SHARES` over the epochs, chosen in a list.

    Signals:
        chosen: another share is to be drawn.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.chart: ShareChart | None = None
        self.share = QComboBox()
        self.share.setAccessibleName("Share that is drawn")
        for title, keys in SHARES.items():
            self.share.addItem(title)
            tip = f"<p>{BY_KEY[keys[0]].meaning}</p><p>{BY_KEY[keys[0]].healthy}</p>"
            self.share.setItemData(self.share.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.share.currentIndexChanged.connect(self.chosen)
        add_head(self, self.share)
        self.remark.setTextFormat(Qt.TextFormat.RichText)

    @property
    def keys(self) -> tuple[str, ...]:
        """Series of :class:`gui.models.live_numbers.LiveSeries` that are drawn."""
        return SHARES[self.share.currentText()]

    def make_chart(self) -> None:
        """Add the curves."""
        from gui.workspaces.train_charts import ShareChart

        self.chart = ShareChart()
        _add(self, self.chart)

    def refresh(self, log: RunLog) -> None:
        """Draw what `log` holds."""
        if self.chart is None:
            return
        from gui.workspaces.train_charts import share_html

        self.chart.refresh(log, self.keys)
        self.chart.show_stages(stage_ends(log))
        self.remark.setText(share_html(log, self.keys))


def stage_ends(log: RunLog) -> list[int]:
    """Epochs where one stage of the run's plan gives way to the next."""
    return [s.until_epoch for s in log.config.plan.stages[:-1]] if log.config else []


def _add(card: Card, chart: Chart) -> None:
    chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    card.body.addWidget(chart, 1)


def _ap_remark(log: RunLog) -> str:
    if not log.validations:
        return "mask · box"
    newest, best = log.validations[-1], log.best
    words = "" if log.boxes_only else f"mask {ap_words(newest.mask_ap)} · "
    words += f"box {ap_words(newest.box_ap)}"
    return words + (f" · best at epoch {best.epoch}" if best is not None else "")
