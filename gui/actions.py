"""All actions in one table: text, key, and the room where the key holds.

Qt fires neither of two enabled actions that share a key, so the table is checked by a test: within a room (and
inside the same place of it) a key belongs to one action.  :class:`Actions` makes the ``QAction`` objects and keeps
exactly those enabled that belong to the room on screen and whose needs are met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Flag, StrEnum, auto

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from engine.domain.annotation import ImageStatus, Split
from gui.widgets.icons import icon


class Room(Flag):
    """Where a person stands."""

    WELCOME = auto()
    ANNOTATE = auto()
    REVIEW = auto()
    TRAIN = auto()
    IMAGES = ANNOTATE | REVIEW
    PROJECT = ANNOTATE | REVIEW | TRAIN
    ALL = WELCOME | PROJECT


class Need(StrEnum):
    """What has to be there before an action makes sense."""

    NOTHING = ""
    PROJECT = "project"
    IMAGE = "image"
    WRITABLE = "writable"
    WRITABLE_IMAGE = "writable image"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes:
        name: unique; also the method that does it, on the object given to :meth:`Actions.connect_to`.
        does, arg: another method to call, with this argument, where several actions share one.
        keys: portable key sequences ("Ctrl+Shift+Z"); the first is shown in menus.
        menu: title of the menu it is listed in, "" for none.
        group: a separator is put between groups of a menu; exclusive checkables share a group name.
        canvas_only: the key holds while the canvas (or what is in it) has the focus.
        held: the action starts when the key goes down and ends when it goes up; the canvas sees to it.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    rooms: Room = Room.ALL
    need: Need = Need.NOTHING
    menu: str = ""
    group: str = ""
    icon: str = ""
    checkable: bool = False
    canvas_only: bool = False
    held: bool = False
    masks_only: bool = False
    does: str = ""
    arg: object = None


def _tool(name: str, text: str, key: str, glyph: str, *, masks_only: bool = True) -> ActionSpec:
    return ActionSpec(
        f"tool_{name}", text, (key,) if key else (), Room.ANNOTATE, Need.IMAGE, "Tools", "tool", glyph, checkable=True,
        masks_only=masks_only, does="set_tool", arg=name,
    )  # fmt: skip


def _shape(name: str, text: str, *keys: str, does: str = "reshape") -> ActionSpec:
    """Something that is done to the masks of the selected objects."""
    return ActionSpec(
        name, text, keys, Room.ANNOTATE, Need.WRITABLE_IMAGE, "Tools", "shape", masks_only=True, does=does,
        arg=name if does == "reshape" else None,
    )  # fmt: skip


def _mark(name: str, text: str, group: str, value: object) -> ActionSpec:
    return ActionSpec(
        name, text, (), Room.IMAGES, Need.WRITABLE_IMAGE, "Image", group, checkable=True, does=f"set_{group}", arg=value
    )


A, R, I, P = Room.ANNOTATE, Room.REVIEW, Room.IMAGES, Room.PROJECT  # noqa: E741
TABLE: tuple[ActionSpec, ...] = (
    # --- File
    ActionSpec("new_project", "New project…", ("Ctrl+N",), menu="File", group="project", icon="folder-plus-outline"),
    ActionSpec("open_project", "Open project…", ("Ctrl+O",), menu="File", group="project", icon="folder-open-outline"),
    ActionSpec("open_sample", "Open the sample project", menu="File", group="project", icon="flask-outline"),
    ActionSpec("close_project", "Close project", ("Ctrl+W",), P, Need.PROJECT, "File", "project"),
    ActionSpec("add_images", "Add images…", (), P, Need.WRITABLE, "File", "import", "image-plus"),
    ActionSpec("import_annotations", "Import annotations…", ("Ctrl+I",), P, Need.WRITABLE, "File", "import", "import"),
    ActionSpec("export_coco", "Export as COCO…", ("Ctrl+E",), P, Need.PROJECT, "File", "import", "export"),
    ActionSpec("quit", "Quit", ("Ctrl+Q",), menu="File", group="quit"),
    # --- Edit
    ActionSpec("undo", "Undo", ("Ctrl+Z",), P, Need.WRITABLE, "Edit", "undo", "undo"),
    ActionSpec("redo", "Redo", ("Ctrl+Shift+Z",), P, Need.WRITABLE, "Edit", "undo", "redo"),
    ActionSpec("delete_selected", "Delete object", ("Del",), A, Need.WRITABLE_IMAGE, "Edit", "object"),
    ActionSpec("copy_selected", "Copy objects", ("Ctrl+C",), A, Need.IMAGE, "Edit", "clipboard"),
    ActionSpec("paste", "Paste objects", ("Ctrl+V",), A, Need.WRITABLE_IMAGE, "Edit", "clipboard"),
    ActionSpec("duplicate_selected", "Duplicate objects", ("Ctrl+D",), A, Need.WRITABLE_IMAGE, "Edit", "clipboard"),
    ActionSpec("copy_to_next", "Copy objects to the next image", ("Ctrl+Shift+D",), A, Need.WRITABLE_IMAGE, "Edit",
               "clipboard"),
    ActionSpec("select_all", "Select all objects", ("Ctrl+A",), A, Need.IMAGE, "Edit", "object"),
    ActionSpec("new_instance", "New object", ("N",), A, Need.WRITABLE_IMAGE, "Edit", "object"),
    ActionSpec("next_instance", "Next object", (".",), A, Need.IMAGE, "Edit", "object"),
    ActionSpec("previous_instance", "Previous object", (",",), A, Need.IMAGE, "Edit", "object"),
    # --- Image
    ActionSpec("next_image", "Next image", ("PgDown",), I, Need.PROJECT, "Image", "go", "chevron-right"),
    ActionSpec("previous_image", "Previous image", ("PgUp",), I, Need.PROJECT, "Image", "go", "chevron-left"),
    ActionSpec("canvas_next_image", "Next image", ("D",), A, Need.PROJECT, canvas_only=True),
    ActionSpec("canvas_previous_image", "Previous image", ("A",), A, Need.PROJECT, canvas_only=True),
    ActionSpec("toggle_negative", "Nothing here", (), I, Need.WRITABLE_IMAGE, "Image", "mark", checkable=True),
    _mark("mark_todo", "To do", "status", ImageStatus.TODO),
    _mark("mark_done", "Done", "status", ImageStatus.DONE),
    _mark("mark_review", "Needs another look", "status", ImageStatus.NEEDS_REVIEW),
    _mark("split_train", "Training", "split", Split.TRAIN),
    _mark("split_val", "Validation", "split", Split.VAL),
    _mark("split_test", "Test", "split", Split.TEST),
    _mark("split_none", "No split", "split", Split.NONE),
    ActionSpec("make_split", "Make split…", (), P, Need.WRITABLE, "Image", "make", "call-split"),
    # --- Tools
    _tool("select", "Select", "V", "cursor-default-outline", masks_only=False),
    _tool("brush", "Brush", "B", "brush"),
    _tool("eraser", "Eraser", "E", "eraser"),
    _tool("polygon", "Polygon", "P", "vector-polygon"),
    _tool("lasso", "Lasso", "L", "lasso"),
    _tool("rectangle", "Rectangle", "U", "rectangle-outline", masks_only=False),
    _tool("ellipse", "Ellipse", "C", "ellipse-outline"),
    _tool("wand", "Wand", "W", "magic-staff"),
    _tool("threshold", "Threshold", "T", "brush-variant"),
    _tool("cut_hole", "Cut hole", "H", "circle-double"),
    _tool("fill_hole", "Fill hole", "", "circle-slice-8"),
    _tool("split", "Split", "K", "knife"),
    ActionSpec("fill_hole_at_cursor", "Fill the hole under the cursor", ("Shift+H",), A, Need.WRITABLE_IMAGE,
               "Tools", "now", masks_only=True),
    _shape("merge", "Merge into one", "M", does="merge_selected"),
    _shape("intersect", "Keep only what they share", "Shift+M", does="intersect_selected"),
    _shape("take", "Take their pixels from all others", "Shift+T", does="take_from_others"),
    _shape("largest", "Keep the largest part", "Shift+K"),
    _shape("specks", "Remove specks…", "Shift+R", does="remove_specks"),
    _shape("holes", "Fill all holes", "Ctrl+Shift+H"),
    _shape("grow", "Grow by 1 px", "Ctrl+]", "Ctrl+Shift+Up"),
    _shape("shrink", "Shrink by 1 px", "Ctrl+[", "Ctrl+Shift+Down"),
    _shape("smooth", "Smooth", "Shift+S"),
    *(
        ActionSpec(f"class_{n}", f"Class {n}", (str(n),), A, Need.IMAGE, does="choose_class", arg=n)
        for n in range(1, 10)
    ),
    # --- View
    ActionSpec("go_annotate", "Annotate", ("Ctrl+1",), P, Need.PROJECT, "View", "room", does="go", arg="annotate"),
    ActionSpec("go_review", "Review", ("Ctrl+2",), P, Need.PROJECT, "View", "room", does="go", arg="review"),
    ActionSpec("go_train", "Train", ("Ctrl+3",), P, Need.PROJECT, "View", "room", does="go", arg="train"),
    ActionSpec("zoom_fit", "Fit", ("Ctrl+0",), I, Need.IMAGE, "View", "zoom", "fit-to-page-outline"),
    ActionSpec("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+="), I, Need.IMAGE, "View", "zoom"),
    ActionSpec("zoom_out", "Zoom out", ("Ctrl+-",), I, Need.IMAGE, "View", "zoom"),
    ActionSpec("zoom_actual", "Actual pixels", ("Ctrl+Alt+0",), I, Need.IMAGE, "View", "zoom"),
    ActionSpec("toggle_outlines", "Outlines only", ("O",), I, Need.IMAGE, "View", "masks", checkable=True),
    ActionSpec("hide_masks", "Hide masks while held", ("Q",), I, Need.IMAGE, held=True),
    ActionSpec("theme_system", "System", menu="View", group="theme", checkable=True, does="set_theme", arg="system"),
    ActionSpec("theme_light", "Light", menu="View", group="theme", checkable=True, does="set_theme", arg="light"),
    ActionSpec("theme_dark", "Dark", menu="View", group="theme", checkable=True, does="set_theme", arg="dark"),
    ActionSpec("reset_layout", "Reset layout", menu="View", group="layout"),
    # --- Review
    ActionSpec("review_accept", "Accept", ("Y",), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_reject", "Reject", ("R",), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_edit", "Edit", ("E",), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_unsure", "Unsure", ("U",), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_both", "Both are right", ("B",), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_done_next", "Done, next", ("Ctrl+Return", "Ctrl+Enter"), R, Need.WRITABLE, "Review", "verdict"),
    ActionSpec("review_accept_above", "Accept all above a score…", ("Shift+Y",), R, Need.WRITABLE, "Review", "bulk"),
    ActionSpec("review_find", "Find in the queue", ("Ctrl+F",), R, Need.PROJECT, "Review", "find"),
    ActionSpec("review_truth", "Labels against predictions", ("T",), R, Need.PROJECT, "Review", "find", checkable=True),
    *(
        ActionSpec(f"review_keep_{n}", f"Keep candidate {n}", (str(n),), R, Need.WRITABLE, does="review_keep", arg=n)
        for n in range(1, 10)
    ),
    # --- Help
    ActionSpec("show_keys", "Keys and mouse", ("F1",), menu="Help", group="help", icon="keyboard-outline"),
    ActionSpec("show_log", "Show the log file", menu="Help", group="help"),
    ActionSpec("about", "About Maskwright", menu="Help", group="help"),
)  # fmt: skip
MENUS = ("File", "Edit", "Image", "Tools", "Review", "View", "Help")
EXCLUSIVE = frozenset({"tool", "status", "split", "theme"})
SUBMENUS: Mapping[str, str] = {"shape": "Selected objects", "status": "Status", "split": "Split", "theme": "Theme"}


def spec(name: str) -> ActionSpec:
    """The entry `name` of the table."""
    return next(s for s in TABLE if s.name == name)


def key_conflicts(table: Iterable[ActionSpec] = TABLE) -> list[tuple[str, str, str]]:
    """Pairs of actions that hold the same key in the same room: ``(key, first, second)``."""
    seen: dict[tuple[str, Room], str] = {}
    found = []
    for entry in table:
        for key in entry.keys:
            normal = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)
            for room in Room.ALL:
                if room in entry.rooms:
                    other = seen.setdefault((normal, room), entry.name)
                    if other != entry.name:
                        found.append((normal, other, entry.name))
    return found


def _caller(method: Callable[..., object], entry: ActionSpec) -> Callable[[bool], None]:
    """What `triggered(checked)` is connected to; actions live on the main thread, so a closure is safe."""

    def call(checked: bool = False) -> None:
        if entry.arg is not None:
            method(entry.arg)
        elif entry.checkable:
            method(checked)
        else:
            method()

    return call


class Actions(QObject):
    """The ``QAction`` of every table entry; only those of the room on screen are enabled."""

    def __init__(self, window: QWidget, table: Iterable[ActionSpec] = TABLE) -> None:
        super().__init__(window)
        self._specs = {s.name: s for s in table}
        self._groups: dict[str, QActionGroup] = {}
        self._actions = {s.name: self._make(s, window) for s in self._specs.values()}
        self._refreshed_for: tuple[Room, frozenset[Need], bool] | None = None

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def connect_to(self, target: object) -> None:
        """Connect every action to the method of its name on `target`; a missing one is a defect and says so."""
        for name, action in self._actions.items():
            entry = self._specs[name]
            if not entry.held:
                action.triggered.connect(_caller(getattr(target, entry.does or name), entry))

    def place_on_canvas(self, canvas: QWidget) -> None:
        """Let the keys that hold only on the canvas live there."""
        for name, entry in self._specs.items():
            if entry.canvas_only:
                self._actions[name].setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                canvas.addAction(self._actions[name])

    def refresh(self, room: Room, met: Iterable[Need], *, boxes_only: bool) -> None:
        """Enable what belongs to `room` and whose need is among `met`."""
        given = frozenset({Need.NOTHING, *met})
        if (room, given, boxes_only) == self._refreshed_for:
            return  # as after nearly every stroke
        self._refreshed_for = (room, given, boxes_only)
        for name, entry in self._specs.items():
            fits = not (entry.masks_only and boxes_only)
            self._actions[name].setEnabled(bool(entry.rooms & room) and entry.need in given and fits)
            self._actions[name].setVisible(bool(entry.rooms & room) and fits)

    def specs(self) -> tuple[ActionSpec, ...]:
        """The table."""
        return tuple(self._specs.values())

    def _make(self, entry: ActionSpec, window: QWidget) -> QAction:
        action = QAction(entry.text, self)
        if not entry.held:
            action.setShortcuts([QKeySequence(k) for k in entry.keys])
        if entry.icon:
            action.setIcon(icon(entry.icon))
            action.setIconVisibleInMenu(False)
        action.setCheckable(entry.checkable)
        if entry.checkable and entry.group in EXCLUSIVE:
            group = self._groups.setdefault(entry.group, QActionGroup(self))
            group.addAction(action)
        if not entry.canvas_only:
            window.addAction(action)
        return action
