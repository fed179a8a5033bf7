"""The main window: puts the pieces together and lets them know of each other.  It wires, it does not do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QIcon
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import resources
from engine.domain.annotation import ImageStatus, Split
from gui.actions import MENUS, SUBMENUS, Actions, Need, Room
from gui.commands import Commands
from gui.messages import Banner, Messages
from gui.models.image_list import ImageList
from gui.session import Session
from gui.settings import Settings
from gui.theme import Mode, Theme
from gui.throttle import Throttle
from gui.widgets.basics import Muted
from gui.widgets.filmstrip import Filmstrip
from gui.widgets.run_chip import RunChip
from gui.widgets.status_line import StatusLine
from gui.widgets.top_bar import TopBar
from gui.workspaces.annotate import AnnotateRoom
from gui.workspaces.welcome import Welcome

if TYPE_CHECKING:
    from gui.jobs import Job

ROOMS = {"welcome": Room.WELCOME, "annotate": Room.ANNOTATE, "review": Room.REVIEW, "train": Room.TRAIN}
SIZE = QSize(1440, 900)
CURSOR_MS = 60  # nobody reads coordinates faster, and laying out the status line costs more than a brush stroke


class MainWindow(QMainWindow):
    """Top bar, banner, rooms, filmstrip, status line.

    Attributes:
        session, messages: what a person works on, and where sentences appear.
        annotate: the room that is always there; `review` and `train` are made when first entered.
    """

    def __init__(self, session: Session, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.session, self._settings, self._theme = session, settings, theme
        self.room = "welcome"
        self.review: Any = None
        self.train: Any = None
        self._import_next: Path | None = None
        self.setWindowTitle("Maskwright")
        self.setWindowIcon(QIcon(str(resources.path("icons/maskwright.svg"))))
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 600)
        self.actions_table = Actions(self)
        self._build()
        self.messages = Messages(self, self.banner)
        self.commands = Commands(self)
        self.actions_table.connect_to(self.commands)
        self._fill_menus()
        self._connect()
        self._restore()
        self._show_project()

    # --- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.top = TopBar(self)
        self.setMenuWidget(self.top)
        self.banner = Banner(self)
        self.images = ImageList(self.session, self)
        self.annotate = AnnotateRoom(self.session, self.actions_table, self)
        choices = [(n, self.actions_table[n]) for n in ("new_project", "open_project", "open_sample")]
        self.welcome = Welcome(choices, self)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.annotate)
        self.filmstrip = Filmstrip(self.images, self)
        self.status = StatusLine(self)
        self.run = RunChip(self.session, self.top)
        self._busy = QWidget(self)
        self._busy_text, self._busy_bar = Muted(), QProgressBar()
        self._cursor = Throttle(CURSOR_MS, self._show_cursor, self)
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.addWidget(self._busy_text)
        words.addWidget(self._busy_bar)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.session.cancel_job)
        busy = QHBoxLayout(self._busy)
        busy.setContentsMargins(12, 6, 12, 6)
        busy.setSpacing(12)
        busy.addLayout(words, 1)
        busy.addWidget(cancel)
        self._busy.hide()
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.banner, self._busy, self.annotate.options):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        column.addWidget(self.filmstrip)
        column.addWidget(self.status)
        self.setCentralWidget(middle)

    def _fill_menus(self) -> None:
        self._menus: dict[str, QMenu] = {}
        for title in MENUS:
            menu = self.top.menu_bar.addMenu(title)
            self._menus[title] = menu
            self._fill_menu(menu, title)

    def _fill_menu(self, menu: QMenu, title: str) -> None:
        group, target = "", menu
        for entry in self.actions_table.specs():
            if entry.menu != title:
                continue
            if entry.group != group:
                is_sub = entry.group in SUBMENUS
                if group and not is_sub:
                    menu.addSeparator()
                target = menu.addMenu(SUBMENUS[entry.group]) if is_sub else menu
                group = entry.group
            target.addAction(self.actions_table[entry.name])

    def _name_undo(self) -> None:
        """Say in the menu what undo and redo would do."""
        store, image_id = self.session.store, self.session.image_id
        for name, word in (("undo", "Undo"), ("redo", "Redo")):
            label = getattr(store, f"{name}_label")(image_id) if store is not None and not self.session.busy else None
            self.actions_table[name].setText(f"{word}: {label}" if label else word)

    def _connect(self) -> None:
        session, top = self.session, self.top
        session.project_opened.connect(self._show_project)
        session.project_closed.connect(self._show_project)
        session.image_opened.connect(self._image_opened)
        session.changed.connect(self._store_changed)
        session.message.connect(self.messages.show)
        session.defect.connect(self.messages.error)
        session.saved.connect(self.status.show_saved)
        session.job_started.connect(self._job_started)
        session.job_ended.connect(self._job_ended)
        session.document.opened.connect(self.refresh_actions)
        session.document.appearance_changed.connect(self.refresh_actions)
        self.filmstrip.image_chosen.connect(session.open_image)
        self.annotate.hint_changed.connect(self._room_hint)
        self.annotate.cursor_moved.connect(self._cursor.push)
        self.welcome.recent_chosen.connect(self.open_project)
        self._menus["Edit"].aboutToShow.connect(self._name_undo)
        top.room_chosen.connect(self.go)
        top.train.clicked.connect(self._train_pressed)
        top.detect.clicked.connect(self._detect_pressed)
        self._theme.changed.connect(self._theme_changed)

    def _restore(self) -> None:
        self.resize(SIZE)
        geometry = self._settings.bytes("geometry")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        self.annotate.restore_layout(self._settings.bytes("annotate_layout"))
        self.actions_table[f"theme_{self._theme.mode.value}"].setChecked(True)
        self.welcome.show_recent(self._settings.recent())

    # --- projects ---------------------------------------------------------------------------------------------

    def open_project(self, folder: Path) -> bool:
        """Open a project folder; a sentence when that fails."""
        return bool(self.session.open_project(folder))

    def close_project(self) -> None:
        """Back to the welcome page."""
        self._remember_image()
        self.session.close_project()

    def make_sample(self, folder: Path) -> None:
        """Draw the sample project in the background, then open it."""

        def work(report: Any) -> Path:
            from engine.sample.project import create_sample_project

            report(-1, "Making the sample project")
            create_sample_project(folder).close()
            return folder

        self.session.run_job("Making the sample project", work, self._sample_made)

    def _sample_made(self, folder: Any) -> None:
        self.open_project(folder)

    def _show_project(self) -> None:
        store = self.session.store
        self.top.show_project(store.name or store.folder.name if store is not None else "")
        self.setWindowTitle(f"{store.name or store.folder.name} – Maskwright" if store is not None else "Maskwright")
        if store is None:
            self.welcome.show_recent(self._settings.recent())
            self.filmstrip.show_image(None)
            self.status.show_image("")
            self.status.show_saved(None)
            self.go("welcome")
            return
        self._settings.add_recent(store.folder)
        self.banner.hide()
        self.status.show_saved(None)
        self.go("annotate")
        self._open_first_image()

    def _open_first_image(self) -> None:
        ids = self.session.image_ids
        if ids:
            assert self.session.store is not None
            last = self._settings.last_image(self.session.store.folder)
            self.session.open_image(last if last in ids else ids[0])
        else:
            self.status.hint.set_hint("This project has no images yet: drop a folder here, or use File › Add images")

    def _remember_image(self) -> None:
        if self.session.store is not None and self.session.image_id is not None:
            self._settings.set_last_image(self.session.store.folder, self.session.image_id)

    # --- rooms ------------------------------------------------------------------------------------------------

    def go(self, room: str) -> None:
        """Enter a room; Review and Train are made at their first visit."""
        if room != "welcome" and self.session.store is None:
            room = "welcome"
        self.room = room
        widget = self._room_widget(room)
        self.status.hint.set_hint("")
        self.stack.setCurrentWidget(widget)
        if room != "welcome":
            self.top.switch.set_current(room)
        self.annotate.options.setVisible(room == "annotate")
        self.filmstrip.setVisible(room in ("annotate", "review"))
        self.status.setVisible(room != "welcome")
        self._menus["Tools"].menuAction().setVisible(room == "annotate")
        self._menus["Review"].menuAction().setVisible(room == "review")
        self.status.show_image_facts(room in ("annotate", "review"))
        self.refresh_actions()
        if room == "annotate":
            self.status.hint.set_hint(self.annotate.canvas.hint)
            self.annotate.canvas.setFocus()
        else:
            widget.setFocus()

    def _room_widget(self, room: str) -> QWidget:
        if room == "review" and self.review is None:
            from gui.workspaces.review import ReviewRoom

            self.review = self._add_room(ReviewRoom(self.session))
            self.review.go_wanted.connect(self.go)
            self.review.canvas.cursor_moved.connect(self._cursor.push)
            self.review.truth_changed.connect(self.actions_table["review_truth"].setChecked)
        if room == "train" and self.train is None:
            from gui.workspaces.train import TrainRoom

            self.train = self._add_room(TrainRoom(self.session))
            self.train.go_wanted.connect(self.go)
        widget = {"welcome": self.welcome, "annotate": self.annotate, "review": self.review, "train": self.train}[room]
        assert isinstance(widget, QWidget)
        return widget

    def _add_room(self, widget: Any) -> QWidget:
        self.stack.addWidget(widget)
        widget.hint_changed.connect(self._room_hint)
        assert isinstance(widget, QWidget)
        return widget

    def _room_hint(self, text: str) -> None:
        """Rooms go on working while another one is on screen; only the visible one may speak."""
        if self.sender() is self.stack.currentWidget():
            self.status.hint.set_hint(text)

    def canvas(self) -> Any:
        """The canvas of the room on screen."""
        return (
            getattr(self.review, "canvas", None) or self.annotate.canvas
            if self.room == "review"
            else self.annotate.canvas
        )

    def review_do(self, name: str, *args: object) -> None:
        """Hand a key of the Review room to it."""
        if self.review is not None:
            getattr(self.review, name)(*args)

    def _train_pressed(self) -> None:
        self.go("train")
        self.train.start()

    def _detect_pressed(self) -> None:
        self.go("review")
        self.review.detect()

    # --- showing what is so -----------------------------------------------------------------------------------

    def refresh_actions(self, _what: object = None) -> None:
        """Enable what can be done now, and check what is so."""
        store, document = self.session.store, self.session.document
        met = [Need.PROJECT] if store is not None else []
        writable = store is not None and not store.read_only and not self.session.busy
        if writable:
            met.append(Need.WRITABLE)
        if document.is_open:
            met += [Need.IMAGE, *([Need.WRITABLE_IMAGE] if writable else [])]
        self.actions_table.refresh(ROOMS[self.room], met, boxes_only=document.boxes_only)
        self.annotate.strip.refresh()
        for button in (self.top.train, self.top.detect):
            button.setEnabled(writable)
        self._check_marks()

    def _check_marks(self) -> None:
        record = self.session.record()
        checks = {
            "toggle_negative": record is not None and record.negative,
            "mark_todo": record is not None and record.status is ImageStatus.TODO,
            "mark_done": record is not None and record.status is ImageStatus.DONE,
            "mark_review": record is not None and record.status is ImageStatus.NEEDS_REVIEW,
            **{f"split_{s.value}": record is not None and record.split is s for s in Split},
        }
        for name, on in checks.items():
            action = self.actions_table[name]
            group = action.actionGroup()
            if group is None or on:
                action.setChecked(on)
            elif action.isChecked():  # an exclusive group does not let its last one go
                group.setExclusive(False)
                action.setChecked(False)
                group.setExclusive(True)

    def _image_opened(self, image_id: int) -> None:
        record = self.session.record()
        if record is not None:
            self.status.show_image(record.name, record.width, record.height)
        self.filmstrip.show_image(image_id)
        self.refresh_actions()

    def _store_changed(self, _changed: object) -> None:
        if self.session.image_id is None:
            self.status.show_image("")
        self.refresh_actions()

    def _show_cursor(self, point: object) -> None:
        annotation = self.session.document.annotation
        over = annotation.at(int(point[0]), int(point[1])) if annotation and isinstance(point, tuple) else None
        name = self.session.name_of(over.id) if over is not None else ""
        self.status.show_cursor(point, name)

    def _job_started(self, job: Job, title: str) -> None:
        self._busy_text.setText(f"{title}…")
        self._busy_bar.setRange(0, 0)
        self._busy.show()
        job.progress.connect(self._job_progress)
        self.refresh_actions()

    def _job_progress(self, part: float, text: str) -> None:
        self._busy_text.setText(f"{text}…")
        self._busy_bar.setRange(0, 0 if part < 0 else 1000)
        self._busy_bar.setValue(round(part * 1000))

    def _job_ended(self) -> None:
        self._busy.hide()
        self.refresh_actions()

    # --- look -------------------------------------------------------------------------------------------------

    def set_theme(self, mode: Mode) -> None:
        """Light, dark or the system's, from now on."""
        self._settings.theme = mode
        self._theme.set_mode(mode)

    def reset_layout(self) -> None:
        """Docks and window as at the first start."""
        self.annotate.reset_layout()
        if not self.isMaximized() and not self.isFullScreen():
            self.resize(SIZE)

    def _theme_changed(self) -> None:
        self.welcome.restyle()
        for widget in self.findChildren(QWidget):
            widget.update()

    # --- dropping, closing ------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and self._dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = self._dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.take(path)

    def _dropped(self, event: QDropEvent) -> Path | None:
        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        good = (p for p in paths if p.is_dir() or p.suffix.lower() in (".json", ".csv"))
        return next(good, None)

    def take(self, path: Path) -> None:
        """Do the sensible thing with a folder or file: open a project, start one, add images or import."""
        if path.is_dir() and (path / "project.sqlite").is_file():
            self.open_project(path)
        elif path.is_dir() and self.session.store is None:
            self.commands.new_project(path)
        elif path.is_dir() and not any(path.rglob("*.json")):
            self.session.add_images(path)
        elif self.session.store is None:
            self._import_next = path
            self.commands.new_project(path.parent).accepted.connect(self._import_dropped)
        else:
            self.commands.import_annotations(path)

    def _import_dropped(self) -> None:
        """The project for a dropped file is there; its images may still be being read."""
        if self.session.busy:
            self.session.job_ended.connect(self._import_dropped, Qt.ConnectionType.SingleShotConnection)
        elif self._import_next is not None:
            path, self._import_next = self._import_next, None
            self.commands.import_annotations(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._settings.set_bytes("geometry", self.saveGeometry())
        self._settings.set_bytes("annotate_layout", self.annotate.layout_state())
        self._remember_image()
        self._settings.sync()
        self.session.shutdown()
        self.images.thumbnails.stop()
        with contextlib.suppress(RuntimeError):
            super().closeEvent(event)
