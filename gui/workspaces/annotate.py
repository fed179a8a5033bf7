"""The Annotate room: tools at the left, the canvas, and docks with objects, classes and history at the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QColor, QShowEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.domain.combine import Overlap
from gui.actions import Actions, spec
from gui.canvas.view import CanvasView
from gui.dialogs.classes import ask_new_class, ask_remove, ask_rename
from gui.widgets.basics import Heading, Muted
from gui.widgets.panels import COLUMN_WIDTH, ClassesView, Dock, HistoryList, ObjectsView, RowView
from gui.widgets.tool_options import ToolOptions
from gui.widgets.tool_strip import ToolStrip

if TYPE_CHECKING:
    from gui.session import Session

LAYOUT_VERSION = 1
TOOLS = (
    "select", None, "brush", "eraser", "threshold", "wand", None, "polygon", "lasso", "rectangle", "ellipse", None,
    "cut_hole", "fill_hole", "split",
)  # fmt: skip


class AnnotateRoom(QMainWindow):
    """A window within the window, so that the docks can be moved.

    Signals:
        hint_changed(str), cursor_moved(object): from the canvas, for the status line.
    """

    hint_changed = Signal(str)
    cursor_moved = Signal(object)

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Widget)
        self._session, self._actions = session, actions
        self.canvas = CanvasView(session.document, self)
        self.options = ToolOptions(self)
        self.strip = ToolStrip([self._tool(name) for name in TOOLS], self)
        self.objects = ObjectsView(session.document)
        self.classes = ClassesView(session)
        self.history = RowView(HistoryList(session), "History", "What is done to this image is listed here.")
        self._build()
        self._connect()
        self._wanted_layout = QByteArray()
        self._fresh_layout: QByteArray | None = None

    def _tool(self, name: str | None) -> tuple[QAction, str, str] | None:
        if name is None:
            return None
        entry = spec(f"tool_{name}")
        key = spec("fill_hole_at_cursor").keys[0] if name == "fill_hole" else entry.keys[0]
        return self._actions[entry.name], entry.icon, key

    def _build(self) -> None:
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        row = QHBoxLayout()
        for layout in (column, row):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        row.addWidget(self.strip)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.canvas)
        self._pages.addWidget(self._empty_page())
        row.addWidget(self._pages, 1)
        column.addLayout(row, 1)
        self.setCentralWidget(middle)
        self.setDockNestingEnabled(True)
        self.docks = [
            Dock("objects", "Objects", self.objects, self),
            Dock("classes", "Classes", self.classes, self),
            Dock("history", "History", self.history, self),
        ]
        for dock in self.docks:
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        self._add_class = self.docks[1].head.add_button("plus", "Add a class")

    def _empty_page(self) -> QWidget:
        """What to do first in a project without images."""
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(Heading("No images yet"), 0, Qt.AlignmentFlag.AlignHCenter)
        line = "Add a folder of images and draw, or import VIA or COCO annotations. Dropping them here works too."
        column.addWidget(Muted(line), 0, Qt.AlignmentFlag.AlignHCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for name, role in (("add_images", "primary"), ("import_annotations", "")):
            button = QPushButton(self._actions[name].text())
            button.setProperty("role", role)
            button.clicked.connect(self._actions[name].trigger)
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        return page

    def _show_page(self, _what: object = None) -> None:
        empty = self._session.store is not None and not self._session.image_ids
        self._pages.setCurrentIndex(1 if empty else 0)

    def _connect(self) -> None:
        document, canvas = self._session.document, self.canvas
        self._actions.place_on_canvas(canvas)
        canvas.hint_changed.connect(self.hint_changed)
        canvas.cursor_moved.connect(self.cursor_moved)
        canvas.tool_changed.connect(self._tool_changed)
        canvas.view_changed.connect(self._view_changed)
        canvas.settings.changed.connect(self._settings_changed)
        canvas.look_changed.connect(self._look_changed)
        self.options.size_set.connect(self._set_size)
        self.options.tolerance_set.connect(self._set_tolerance)
        self.options.overlap_set.connect(self._set_overlap)
        self.options.opacity_set.connect(self._set_opacity)
        self.options.fit_wanted.connect(canvas.zoom_fit)
        self.classes.chosen.connect(self._session.set_category)
        self.classes.menu_wanted.connect(self._class_menu)
        self.classes.rename_wanted.connect(self._rename_class)
        self._add_class.clicked.connect(self.new_class)
        for signal in (document.opened, document.changed, document.selection_changed, document.active_category_changed):
            signal.connect(self._refresh)
        for signal in (self._session.project_opened, self._session.changed, self._session.image_opened):
            signal.connect(self._show_page)
        self._settings_changed()
        self._look_changed()
        self._tool_changed(canvas.tool)

    # --- layout -----------------------------------------------------------------------------------------------

    def layout_state(self) -> QByteArray:
        """Where the docks are."""
        return self.saveState(LAYOUT_VERSION) if self._fresh_layout is not None else self._wanted_layout

    def restore_layout(self, state: QByteArray) -> None:
        """Put the docks where they were, once there is a size to put them in; another version's layout is ignored."""
        self._wanted_layout = state

    def reset_layout(self) -> None:
        """Put the docks where they were at the very first start."""
        if self._fresh_layout is not None:
            self.restoreState(self._fresh_layout, LAYOUT_VERSION)
            self._fresh_sizes()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._fresh_layout is None:
            self._fresh_layout = self.saveState(LAYOUT_VERSION)
            self._fresh_sizes()
            if not self._wanted_layout.isEmpty():
                self.restoreState(self._wanted_layout, LAYOUT_VERSION)

    def _fresh_sizes(self) -> None:
        self.resizeDocks(self.docks, [COLUMN_WIDTH] * 3, Qt.Orientation.Horizontal)
        self.resizeDocks(self.docks, [300, 200, 180], Qt.Orientation.Vertical)

    # --- tools ------------------------------------------------------------------------------------------------

    def _tool_changed(self, name: str) -> None:
        action = self._actions[f"tool_{'rectangle' if name == 'box' else name}"]
        action.setChecked(True)
        self.options.show_tool(name, action.text())
        self._refresh()

    def _view_changed(self) -> None:
        canvas = self.canvas
        self.options.show_zoom(canvas.scale, fits=canvas.view == canvas.view.fitted())

    def _look_changed(self) -> None:
        self.options.show_opacity(self.canvas.opacity)
        self._actions["toggle_outlines"].setChecked(self.canvas.outline_only)

    def _settings_changed(self) -> None:
        now = self.canvas.settings
        self.options.show_settings(size=now.brush_size, tolerance=now.tolerance, overlap=now.overlap)

    def _set_size(self, size: int) -> None:
        self.canvas.settings.brush_size = size

    def _set_tolerance(self, tolerance: int) -> None:
        self.canvas.settings.tolerance = tolerance

    def _set_overlap(self, overlap: Overlap) -> None:
        self.canvas.settings.overlap = overlap

    def _set_opacity(self, opacity: float) -> None:
        self.canvas.opacity = opacity

    def _refresh(self, _what: object = None) -> None:
        document = self._session.document
        count = self.objects.model().rowCount()
        negative = document.annotation is not None and document.annotation.negative
        self.docks[0].head.set_count("nothing here" if negative else str(count) if document.is_open else "")
        self.objects.empty_label.setText(
            "A person said: nothing here. This image trains as a negative."
            if negative
            else "No objects yet. Pick a tool and draw on the image."
            if document.is_open
            else "No image is open."
        )
        current = document.current
        if current is not None and document.annotation is not None:
            number = document.annotation.instances.index(current) + 1
            self.options.show_target("Object", f"{document.category_name(current.category_id)} {number}")
        elif document.selection:
            self.options.show_target("Objects", f"{len(document.selection)} selected")
        else:
            known = document.active_category_id is not None
            self.options.show_target("New", document.category_name(document.active_category_id) if known else "object")

    # --- classes ----------------------------------------------------------------------------------------------

    def new_class(self) -> None:
        """Ask for a name and add the class."""
        ask_new_class(self, self._session)

    def _rename_class(self, category_id: int) -> None:
        ask_rename(self, self._session, category_id)

    def _class_menu(self, category_id: int | None, place: QPoint) -> None:
        store = self._session.store
        if store is None or store.read_only:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Add class…", self.new_class)
        if category_id is not None:
            menu.addAction("Rename…", lambda: ask_rename(self, self._session, category_id))
            menu.addAction("Colour…", lambda: self._ask_color(category_id))
            others = [c for c in store.categories() if c.id != category_id]
            merge = menu.addMenu("Merge into")
            merge.setEnabled(bool(others))
            for other in others:
                merge.addAction(other.name, self._merger(category_id, other.id))
            menu.addSeparator()
            menu.addAction("Remove…", lambda: ask_remove(self, self._session, category_id))
        menu.popup(place)

    def _merger(self, source: int, target: int):  # type: ignore[no-untyped-def]
        from gui.dialogs.classes import ask_merge

        return lambda: ask_merge(self, self._session, source, target)

    def _ask_color(self, category_id: int) -> None:
        category = self._session.document.categories[category_id]
        dialog = QColorDialog(QColor(category.color), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setProperty("category", category_id)
        dialog.colorSelected.connect(self._color_chosen)
        dialog.open()

    def _color_chosen(self, color: QColor) -> None:
        self._session.recolor_category(int(self.sender().property("category")), color.name())
