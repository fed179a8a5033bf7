"""The line above the canvas: the tool in hand and what can be set about it, opacity, zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from gui.widgets.basics import Heading, Muted

BAR_HEIGHT = 36
SIZED_TOOLS = frozenset({"brush", "eraser"})


class ToolOptions(QWidget):
    """Shows what the canvas says and asks it for what a person sets.

    Signals:
        size_set(int): brush diameter in image pixels.
        opacity_set(float): of the masks, in [0, 1].
        fit_wanted: the zoom button was pressed.
    """

    size_set = Signal(int)
    opacity_set = Signal(float)
    fit_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bar")
        self.setFixedHeight(BAR_HEIGHT)
        self._tool = Heading("Select")
        self._size_label = Muted("Size")
        self._size = self._slider("Brush size in pixels", 1, 200, 110)
        self._size_value = QLabel()
        self._target_label, self._target = Muted(""), QLabel()
        self._opacity = self._slider("Opacity of the masks", 0, 100, 90)
        self._opacity_value = QLabel("45%")
        self.zoom = QPushButton("Fit")
        self.zoom.setProperty("role", "flat")
        self.zoom.setMinimumWidth(92)  # the words change with every turn of the wheel
        self.zoom.setToolTip("Fit the image to the window")
        self._lay_out()
        self._size.valueChanged.connect(self._size_moved)
        self._opacity.valueChanged.connect(self._opacity_moved)
        self.zoom.clicked.connect(self.fit_wanted)

    def _slider(self, name: str, low: int, high: int, width: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        slider.setRange(low, high)
        slider.setFixedWidth(width)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return slider

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 1)
        row.setSpacing(6)
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self._tool,),
            (self._size_label, self._size, self._size_value),
            (self._target_label, self._target),
        )
        for group in groups:
            for widget in group:
                row.addWidget(widget)
            row.addSpacing(12)
        row.addStretch(1)
        for widget in (Muted("Opacity"), self._opacity, self._opacity_value):
            row.addWidget(widget)
        row.addSpacing(12)
        row.addWidget(self.zoom)

    def show_tool(self, name: str, title: str) -> None:
        """The tool in hand; only what it can use is shown."""
        self._tool.setText(title)
        for widget in (self._size_label, self._size, self._size_value):
            widget.setVisible(name in SIZED_TOOLS)

    def show_target(self, label: str, text: str) -> None:
        """What the tool works on: ``("Paints", "gasket 2")``."""
        self._target_label.setText(label)
        self._target.setText(text)

    def show_size(self, size: float) -> None:
        """The brush's diameter as the canvas has it."""
        self._size.blockSignals(True)
        self._size.setValue(round(size))
        self._size.blockSignals(False)
        self._size_value.setText(f"{round(size)} px")

    def show_opacity(self, opacity: float) -> None:
        """The opacity as the canvas has it."""
        self._opacity.blockSignals(True)
        self._opacity.setValue(round(opacity * 100))
        self._opacity.blockSignals(False)
        self._opacity_value.setText(f"{round(opacity * 100)}%")

    def show_zoom(self, factor: float, *, fits: bool = False) -> None:
        """Screen pixels per image pixel."""
        self.zoom.setText(f"Fit · {factor:.0%}" if fits else f"{factor:.0%}")

    def _size_moved(self, value: int) -> None:
        self._size_value.setText(f"{value} px")
        self.size_set.emit(value)

    def _opacity_moved(self, value: int) -> None:
        self._opacity_value.setText(f"{value}%")
        self.opacity_set.emit(value / 100)
