"""The right column of the Annotate room: objects, classes, history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QDockWidget, QLabel, QListView, QVBoxLayout, QWidget

from gui.models.document import Document
from gui.models.instance_list import CategoryList, InstanceList, ListRow, RowModel, RowRole
from gui.widgets.basics import Muted, SectionHead
from gui.widgets.row_delegate import RowDelegate

if TYPE_CHECKING:
    from gui.session import Session

COLUMN_WIDTH = 306


class Dock(QDockWidget):
    """A dock whose title bar is a section head; it can be dragged, tabbed and floated."""

    def __init__(self, name: str, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.head = SectionHead(title, self)
        self.setTitleBarWidget(self.head)
        self.setWidget(content)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )


class RowView(QListView):
    """A list drawn by :class:`RowDelegate`, with a sentence where there is nothing yet."""

    def __init__(self, model: RowModel, name: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setProperty("role", "plain")
        self.setAccessibleName(name)
        self.setItemDelegate(RowDelegate(self))
        self.setMouseTracking(True)
        self.setMinimumSize(200, 56)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._empty = Muted(empty, self, wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self.viewport())
        column.setContentsMargins(12, 4, 12, 4)
        column.addWidget(self._empty)
        column.addStretch(1)
        for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved):
            signal.connect(self._show_empty)
        self._show_empty()

    def sizeHint(self) -> QSize:
        return QSize(COLUMN_WIDTH, 180)

    @property
    def empty_label(self) -> QLabel:
        """The sentence shown while there are no rows."""
        return self._empty

    def _show_empty(self) -> None:
        self._empty.setVisible(self.model().rowCount() == 0)


class ObjectsView(RowView):
    """The objects of the image; its selection and the document's follow each other."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        self._document = document
        self.rows = InstanceList(document)
        super().__init__(self.rows, "Objects", "No objects yet. Pick a tool and draw on the image.", parent)
        self.rows.setParent(self)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self._following = False
        self.selectionModel().selectionChanged.connect(self._tell)
        document.selection_changed.connect(self.follow)
        self.rows.modelReset.connect(self.follow)
        self.rows.rowsInserted.connect(self.follow)

    def follow(self) -> None:
        """Show the document's selection."""
        chosen = QItemSelection()
        last = QModelIndex()
        for instance_id in self._document.selection:
            row = self.rows.row_of(instance_id)
            if row >= 0:
                last = self.rows.index(row)
                chosen.select(last, last)
        self._following = True
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._following = False
        if last.isValid():
            self.scrollTo(last)

    def _tell(self) -> None:
        if not self._following:
            self._document.select([i.data(RowRole.ID) for i in self.selectionModel().selectedIndexes()])


class ClassesView(RowView):
    """The classes; a click makes one active (and relabels what is selected), a right click offers the rest.

    Signals:
        chosen(object): category id that was clicked.
        menu_wanted(object, QPoint): category id (None beside the rows) and the place on the screen.
        rename_wanted(object): category id that was double-clicked.
    """

    chosen = Signal(object)
    menu_wanted = Signal(object, QPoint)
    rename_wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self.rows = CategoryList(session)
        super().__init__(self.rows, "Classes", "No classes yet. Add one with +, then draw.", parent)
        self.rows.setParent(self)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.clicked.connect(self._clicked)
        self.activated.connect(self._clicked)
        self.doubleClicked.connect(self._double_clicked)

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(index.data(RowRole.ID))

    def _double_clicked(self, index: QModelIndex) -> None:
        self.rename_wanted.emit(index.data(RowRole.ID))

    def _menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        self.menu_wanted.emit(index.data(RowRole.ID) if index.isValid() else None, self.viewport().mapToGlobal(place))


class HistoryList(RowModel):
    """The journal of the image on screen, newest first; what was undone is listed as such."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        for signal in (session.project_opened, session.project_closed, session.changed, session.image_opened):
            signal.connect(self.reload)
        self._clock = QTimer(self)
        self._clock.setInterval(10_000)
        self._clock.timeout.connect(self.reload)
        self._clock.start()

    def reload(self, _what: object = None) -> None:
        """Read the journal."""
        store, image_id = self._session.store, self._session.image_id
        if self._session.busy:  # an import holds the store; it tells when it is through
            return
        entries = store.history(image_id, limit=100) if store is not None and image_id is not None else []
        entries = sorted(entries, key=lambda e: e.id, reverse=True)
        current = next((e.id for e in entries if not e.undone), None)
        self.set_rows(
            [
                ListRow(
                    e.id,
                    e.label,
                    detail="undone" if e.undone else ago(e.time),
                    chip_kind="muted" if e.undone else "",
                    active=e.id == current,
                )
                for e in entries
            ]
        )


def ago(moment: float, now: float | None = None) -> str:
    """How long ago, in as few letters as possible: "now", "12 s", "3 min", "2 h", "5 d"."""
    seconds = max(0, int((time.time() if now is None else now) - moment))
    for limit, unit, size in ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600)):
        if seconds < limit:
            return "now" if seconds < 5 else f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"
