"""The curves of a run.  pyqtgraph costs 0.7 s to import: this module is imported when the Train room is first shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from engine.domain.annotation import PALETTE
from gui.models.live_numbers import BY_KEY, trailing_mean
from gui.models.run_log import PARTS, RunLog
from gui.theme import tokens

MAX_POINTS = 1500
PART_COLORS = dict(zip(PARTS, (PALETTE[0], PALETTE[2], PALETTE[3], PALETTE[6]), strict=True))


class Chart(pg.PlotWidget):  # type: ignore[misc]
    """A calm plot over epochs: no menu, no dragging, thin horizontal lines."""

    def __init__(self, name: str, parent: QWidget | None = None, *, height: int = 180) -> None:
        self._stages: list[pg.InfiniteLine] = []
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumHeight(height)
        self.setMaximumHeight(height)
        self.setAntialiasing(True)
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.getPlotItem().getViewBox().setDefaultPadding(0.02)
        self._restyle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.getPlotItem() is not None:
            self._restyle()

    def show_stages(self, ends: Sequence[int]) -> None:
        """Dashed lines where a stage ends (in epochs)."""
        if [line.value() for line in self._stages] == list(ends):
            return
        for line in self._stages:
            self.removeItem(line)
        self._stages = [pg.InfiniteLine(end, angle=90) for end in ends]
        for line in self._stages:
            self.addItem(line, ignoreBounds=True)
        self._restyle()

    def _restyle(self) -> None:
        t = tokens()
        self.setBackground(t.panel)
        item = self.getPlotItem()
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(t.line))
            axis.setTextPen(pg.mkPen(t.muted))
            axis.setTickPen(pg.mkPen(None))
            axis.setStyle(tickLength=0, maxTickLevel=0)
        item.showGrid(y=True, alpha=0.35)
        item.getAxis("left").setGrid(60)
        item.getAxis("left").setTickPen(pg.mkPen(t.line))
        for line in self._stages:
            line.setPen(pg.mkPen(t.line, style=Qt.PenStyle.DashLine))
        self._recolor()

    def _recolor(self) -> None:
        """Pens of the curves in the theme's colours."""


class LossChart(Chart):
    """Total loss, raw and smoothed, with its parts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._curves: dict[str, pg.PlotDataItem] = {}
        super().__init__("Training loss over epochs", parent)
        for name in ("raw", *PARTS, "total"):
            self._curves[name] = self.plot()
        self._recolor()

    def refresh(self, log: RunLog) -> None:
        """Draw what `log` holds."""
        every = max(1, len(log.epochs) // MAX_POINTS)
        x = np.asarray(log.epochs[::every])
        window = max(1, len(log.epochs) // 25)
        for name in ("total", *PARTS):
            y = trailing_mean(log.losses[name], window)[::every]
            self._curves[name].setData(x, y if y.any() else np.full_like(x, np.nan))
        self._curves["raw"].setData(x, np.asarray(log.losses["total"][::every]))
        self._fit(log)

    def _fit(self, log: RunLog) -> None:
        self.setXRange(0, max(log.epochs[-1] if log.epochs else 0.0, 1.0), padding=0.01)
        settled = log.losses["total"][min(20, len(log.losses["total"]) // 5) :]
        top = float(np.percentile(settled, 99.5)) if settled else 1.0
        self.setYRange(0, max(top * 1.08, 0.05), padding=0)

    def _recolor(self) -> None:
        if not self._curves:
            return
        t = tokens()
        self._curves["raw"].setPen(pg.mkPen(t.color("accent", 35), width=1))
        self._curves["total"].setPen(pg.mkPen(t.accent, width=2))
        for name, color in PART_COLORS.items():
            self._curves[name].setPen(pg.mkPen(_readable(color), width=1.2))


class ShareChart(Chart):
    """Live shares of the steps in [0, 1], smoothed, the first one with its raw values behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._curves: dict[str, pg.PlotDataItem] = {}
        super().__init__("Live shares over epochs", parent, height=160)
        for name in ("raw", "second", "first"):
            self._curves[name] = self.plot()
        self.setYRange(0, 1, padding=0.03)
        self._recolor()

    def refresh(self, log: RunLog, keys: Sequence[str]) -> None:
        """Draw one or two series of `log.live`."""
        every = max(1, len(log.epochs) // MAX_POINTS)
        x = np.asarray(log.epochs[::every])
        window = max(1, len(log.epochs) // 25)
        shown = dict(zip(("first", "second"), keys, strict=False))
        for name in ("first", "second"):
            y = (
                trailing_mean(log.live.series(shown[name]), window)[::every]
                if name in shown
                else np.full_like(x, np.nan)
            )
            self._curves[name].setData(x, y)
        self._curves["raw"].setData(x, log.live.series(keys[0])[::every])
        self.setXRange(0, max(log.epochs[-1] if log.epochs else 0.0, 1.0), padding=0.01)

    def _recolor(self) -> None:
        if not self._curves:
            return
        t = tokens()
        self._curves["raw"].setPen(pg.mkPen(t.color("accent", 25), width=1))
        self._curves["first"].setPen(pg.mkPen(t.accent, width=2))
        self._curves["second"].setPen(pg.mkPen(t.muted, width=1.2))


class ApChart(Chart):
    """Validation AP of masks and boxes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._mask: pg.PlotDataItem | None = None
        super().__init__("Validation AP over epochs", parent)
        self._box = self.plot(symbol="o", symbolSize=4)
        self._mask = self.plot(symbol="o", symbolSize=5)
        self._best = pg.ScatterPlotItem(size=11)
        self.addItem(self._best)
        self._recolor()

    def refresh(self, log: RunLog) -> None:
        """Draw what `log` holds."""
        assert self._mask is not None
        x = np.asarray([v.epoch for v in log.validations], dtype=float)
        mask = np.asarray([np.nan if v.mask_ap is None else v.mask_ap for v in log.validations], dtype=float)
        box = np.asarray([np.nan if v.box_ap is None else v.box_ap for v in log.validations], dtype=float)
        self._mask.setData(x, mask)
        self._box.setData(x, box)
        best = log.best
        value = (best.box_ap if log.boxes_only else best.mask_ap) if best else None
        self._best.setData([best.epoch] if best and value is not None else [], [value] if value is not None else [])
        self.setXRange(0, max(log.epochs[-1] if log.epochs else 0.0, float(x.max(initial=0.0)), 1.0), padding=0.02)
        known = np.concatenate([mask, box])
        top = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
        self.setYRange(0, min(1.0, max(0.2, top * 1.15)), padding=0)

    def _recolor(self) -> None:
        if self._mask is None:
            return
        t = tokens()
        self._mask.setPen(pg.mkPen(t.ok, width=2))
        self._mask.setSymbolBrush(t.ok)
        self._mask.setSymbolPen(None)
        self._box.setPen(pg.mkPen(t.muted, width=1.2))
        self._box.setSymbolBrush(t.muted)
        self._box.setSymbolPen(None)
        self._best.setPen(pg.mkPen(t.ok, width=2))
        self._best.setBrush(pg.mkBrush(None))


def _readable(color: str) -> QColor:
    """A part's colour, darker where the background is light."""
    value = QColor(color)
    return value if tokens().name == "dark" else value.darker(115)


def legend_html(log: RunLog) -> str:
    """The names of the loss curves in their colours, with the total as it is now."""
    t = tokens()
    window = max(1, len(log.epochs) // 25)
    words = []
    for name, color in (("total", t.accent), *((n, _readable(c).name()) for n, c in PART_COLORS.items())):
        series = log.losses[name][-window:]
        if not series or not any(series):
            continue
        value = f" {sum(series) / len(series):.2f}" if name == "total" else ""
        words.append(f'<span style="color:{color}">{name}{value}</span>')
    return " · ".join(words)


def share_html(log: RunLog, keys: Sequence[str]) -> str:
    """The newest numbers of the curves of a :class:`ShareChart`, in their colours."""
    t = tokens()
    words = []
    for key, color in zip(keys, (t.accent, t.muted), strict=False):
        value = log.live.value(BY_KEY[key])
        if value is not None:
            words.append(f'<span style="color:{color}">{BY_KEY[key].words(value)}</span>')
    return " · ".join(words)
