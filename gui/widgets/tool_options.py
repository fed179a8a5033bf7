"""The line above the canvas: the tool in hand and what can be set about it, opacity, zoom."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QSlider, QWidget

from engine.domain.combine import Overlap
from gui.widgets.basics import Heading, Muted

BAR_HEIGHT = 36
SIZED_TOOLS = frozenset({"brush", "eraser", "threshold"})
TOLERANT_TOOLS = frozenset({"threshold", "wand"})
PAINTING_TOOLS = frozenset({"brush", "threshold", "polygon", "lasso", "rectangle", "ellipse", "wand"})
OVERLAPS = {
    Overlap.ALLOW: ("May overlap", "Objects may share pixels"),
    Overlap.TAKE: ("Takes pixels", "Other objects lose the pixels that are painted, in the same step"),
    Overlap.LEAVE: ("Leaves others", "Where another object lies nothing is painted"),
}


class ToolOptions(QWidget):
    """Shows what the canvas says and asks it for what a person sets.

    Signals:
        size_set(int): brush diameter in image pixels.
        tolerance_set(int): by how much a pixel may differ, 0 to 255.
        overlap_set(object): an :class:`Overlap`.
        opacity_set(float): of the masks, in [0, 1].
        fit_wanted: the zoom button was pressed.
    """

    size_set = Signal(int)
    tolerance_set = Signal(int)
    overlap_set = Signal(object)
    opacity_set = Signal(float)
    fit_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "bar")
        self.setFixedHeight(BAR_HEIGHT)
        self._tool = Heading("Select")
        self._size_label = Muted("Size")
        self._size = self._slider("Brush size in pixels", 1, 200, 90)
        self._size_value = QLabel()
        self._tolerance_label = Muted("Tolerance")
        self._tolerance = self._slider("Tolerance: by how much a pixel may differ from the one picked", 0, 255, 70)
        self._tolerance_value = QLabel()
        self._overlap = self._overlap_box()
        self._target_label, self._target = Muted(""), QLabel()
        self._target.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # it gives way first
        self._opacity = self._slider("Opacity of the masks", 0, 100, 70)
        self._opacity_value = QLabel("45%")
        self.zoom = QPushButton("Fit")
        self.zoom.setProperty("role", "flat")
        self.zoom.setMinimumWidth(92)  # the words change with every turn of the wheel
        self.zoom.setToolTip("Fit the image to the window")
        self._lay_out()
        self._size.valueChanged.connect(self._size_moved)
        self._tolerance.valueChanged.connect(self._tolerance_moved)
        self._overlap.activated.connect(self._overlap_chosen)
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

    def _overlap_box(self) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName("What painting does where other objects lie")
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for number, (overlap, (text, tip)) in enumerate(OVERLAPS.items()):
            box.addItem(text, overlap)
            box.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
        box.setToolTip("What painting does where other objects lie")
        return box

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 1)
        row.setSpacing(6)
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self._tool,),
            (self._size_label, self._size, self._size_value),
            (self._tolerance_label, self._tolerance, self._tolerance_value),
            (self._overlap,),
        )
        for group in groups:
            for widget in group:
                row.addWidget(widget)
            row.addSpacing(12)
        row.addWidget(self._target_label)
        row.addWidget(self._target, 1)
        for widget in (Muted("Opacity"), self._opacity, self._opacity_value):
            row.addWidget(widget)
        row.addSpacing(12)
        row.addWidget(self.zoom)

    def show_tool(self, name: str, title: str) -> None:
        """The tool in hand; only what it can use is shown."""
        self._tool.setText(title)
        for widget in (self._size_label, self._size, self._size_value):
            widget.setVisible(name in SIZED_TOOLS)
        for widget in (self._tolerance_label, self._tolerance, self._tolerance_value):
            widget.setVisible(name in TOLERANT_TOOLS)
        self._overlap.setVisible(name in PAINTING_TOOLS)

    def show_target(self, label: str, text: str) -> None:
        """What the tool works on: ``("Paints", "gasket 2")``."""
        self._target_label.setText(label)
        self._target.setText(text)

    def show_settings(self, *, size: float, tolerance: int, overlap: Overlap) -> None:
        """What the canvas has: the brush's diameter, the tolerance, and what painting does to other objects."""
        with QSignalBlocker(self._size), QSignalBlocker(self._tolerance):
            self._size.setValue(round(size))
            self._tolerance.setValue(tolerance)
        self._size_value.setText(f"{round(size)} px")
        self._tolerance_value.setText(f"±{tolerance}")
        self._overlap.setCurrentIndex(list(OVERLAPS).index(overlap))

    def show_opacity(self, opacity: float) -> None:
        """The opacity as the canvas has it."""
        with QSignalBlocker(self._opacity):
            self._opacity.setValue(round(opacity * 100))
        self._opacity_value.setText(f"{round(opacity * 100)}%")

    def show_zoom(self, factor: float, *, fits: bool = False) -> None:
        """Screen pixels per image pixel."""
        self.zoom.setText(f"Fit · {factor:.0%}" if fits else f"{factor:.0%}")

    def _size_moved(self, value: int) -> None:
        self._size_value.setText(f"{value} px")
        self.size_set.emit(value)

    def _tolerance_moved(self, value: int) -> None:
        self._tolerance_value.setText(f"±{value}")
        self.tolerance_set.emit(value)

    def _overlap_chosen(self, row: int) -> None:
        self.overlap_set.emit(list(OVERLAPS)[row])

    def _opacity_moved(self, value: int) -> None:
        self._opacity_value.setText(f"{value}%")
        self.opacity_set.emit(value / 100)
