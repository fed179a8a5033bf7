"""The canvas widget: hands mouse and keys to the tool in use, or moves the view with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui.canvas.surface import CanvasSurface
from gui.canvas.tool_settings import ToolSettings
from gui.canvas.tools import TOOLS, Pointer, Tool
from gui.models.document import Document

WHEEL_ZOOM = 1.2  # per notch of 15 degrees
KEY_PAN = 64  # logical pixels per arrow key
Button, Modifier, Key = Qt.MouseButton, Qt.KeyboardModifier, Qt.Key
PAN_KEYS = {Key.Key_Left: (1, 0), Key.Key_Right: (-1, 0), Key.Key_Up: (0, 1), Key.Key_Down: (0, -1)}
TOOL_KEYS = (Key.Key_Return, Key.Key_Enter, Key.Key_Escape, Key.Key_Backspace)


class CanvasView(CanvasSurface):
    """Shows one :class:`Document` and lets tools work on it (a :class:`gui.canvas.tools.ToolHost`).

    Signals:
        tool_changed(str): name of the tool in use.
        hint_changed(str): one line on what mouse and keys do now, ``key text · key text``.
        cursor_moved(object): ``(x, y)`` image pixel under the mouse, None outside of the image.

    Attributes:
        settings: what a person set for the tools.
    """

    tool_changed = Signal(str)
    hint_changed = Signal(str)
    cursor_moved = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self.settings = ToolSettings(self)
        self.settings.changed.connect(self._on_settings_changed)
        self._pan_from: QPointF | None = None
        self._space_held = self._q_held = False
        self._gesture = Button.NoButton  # the button that holds it
        self._mouse: QPointF | None = None
        self._hint = ""
        self._tools: dict[str, Tool] = {kind.name: kind(self) for kind in TOOLS}
        self._tool = self._tools["select"]
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)  # the right button belongs to the tools
        document.selection_changed.connect(self.hint_changed_now)
        document.active_category_changed.connect(self.hint_changed_now)
        document.appearance_changed.connect(self._on_allowed_changed)
        if document.is_open:
            self._on_opened()
        self._on_allowed_changed()

    # --- tools --------------------------------------------------------------------------------------------------

    @property
    def tool(self) -> str:
        """Name of the tool in use."""
        return self._tool.name

    def set_tool(self, name: str) -> None:
        """Use another tool; an unfinished gesture is dropped.

        Raises:
            KeyError: when there is no tool of that name.
        """
        tool = self._tools[name]
        if tool is self._tool:
            return
        self.cancel()
        self._tool.hover(None)
        self._tool = tool
        self.redraw()
        self._update_cursor()
        self.tool_changed.emit(name)
        self.hint_changed_now()

    @property
    def tool_titles(self) -> dict[str, str]:
        """What a person calls each tool, by name."""
        return {name: tool.title for name, tool in self._tools.items()}

    def cancel(self) -> None:
        """Drop an unfinished gesture without a trace."""
        self._gesture = Button.NoButton
        self._tool.cancel()

    def fill_hole_at_cursor(self) -> None:
        """Fill the hole under the mouse, whatever tool is in use."""
        tool = self._tools["fill_hole"]
        if tool.blocked():
            self.notice(tool.blocked())
        elif self._mouse is None:
            self.notice("Point at a hole first")
        elif not self._tool.busy:
            tool.press(Pointer(*self.image_position(self._mouse)))

    @property
    def brush_size(self) -> float:
        """Diameter of the brush in image pixels, 1 to 2000."""
        return self.settings.brush_size

    @brush_size.setter
    def brush_size(self, size: float) -> None:
        self.settings.brush_size = size

    def _on_settings_changed(self) -> None:
        self.redraw()
        self.hint_changed_now()

    @property
    def hint(self) -> str:
        """The hint shown now."""
        return self._hint

    # --- what tools may ask (ToolHost; redraw is the surface's) ----------------------------------------------------

    def lift(self, instance_ids: Iterable[str]) -> None:
        before, now = self._renderer.lifted, frozenset(instance_ids)
        self._renderer.lifted = now
        self._draw_again(self._boxes[key] for key in before ^ now if key in self._boxes)

    def notice(self, text: str) -> None:
        self._hint = text
        self.hint_changed.emit(text)

    def hint_changed_now(self) -> None:
        text = self._tool.blocked() or self._tool.hint()
        if text != self._hint:
            self.notice(text)

    def paint_tool(self, painter: QPainter) -> None:
        if not self._tool.blocked():
            self._tool.paint(painter)

    # --- the document changed -----------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        self.cancel()
        super()._on_opened()
        self._on_allowed_changed()

    def _on_changed(self, instance_ids: frozenset[str]) -> None:
        if instance_ids & self._renderer.lifted:
            self.cancel()  # what the tool works on was changed under it, for instance by undo
        super()._on_changed(instance_ids)
        self.hint_changed_now()

    def _on_allowed_changed(self) -> None:
        if self._tool.busy and self._tool.blocked():
            self.cancel()
        self._update_cursor()
        self.hint_changed_now()

    # --- mouse --------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._remember_mouse(event.position())
        if event.button() == Button.MiddleButton or (self._space_held and event.button() == Button.LeftButton):
            self._pan_from = event.position()
            self._update_cursor()
        elif event.button() in (Button.LeftButton, Button.RightButton) and self._gesture == Button.NoButton:
            self._press(event, self._tool.press)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Button.LeftButton and self._pan_from is None and self._gesture == Button.NoButton:
            self._press(event, self._tool.double_click)
        else:
            self.mousePressEvent(event)

    def _press(self, event: QMouseEvent, act: Callable[[Pointer], None]) -> None:
        blocked = self._tool.blocked()
        if blocked:
            self.notice(blocked)
            return
        self.hint_changed_now()  # a notice of the last gesture is over
        self._gesture = event.button()
        act(self._pointer(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._remember_mouse(event.position())
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self.pan(moved.x(), moved.y())
        elif not self._tool.blocked():
            act = self._tool.hover if self._gesture == Button.NoButton else self._tool.move
            act(self._pointer(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None and event.button() in (Button.MiddleButton, Button.LeftButton):
            self._pan_from = None
            self._update_cursor()
        elif event.button() == self._gesture:
            at = self._pointer(event)
            self._gesture = Button.NoButton
            if not self._tool.blocked():
                self._tool.release(at)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turns of any fineness zoom in proportion; with Ctrl they change the brush."""
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Modifier.ControlModifier:
            self.settings.step_brush(notches)
        elif notches:
            self.zoom_by(WHEEL_ZOOM**notches, event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self._tool.hover(None)
        self.cursor_moved.emit(None)
        super().leaveEvent(event)

    def _remember_mouse(self, position: QPointF) -> None:
        self._mouse = position
        x, y = self.image_position(position)
        inside = 0 <= x < self.view.image_width and 0 <= y < self.view.image_height
        self.cursor_moved.emit((int(x), int(y)) if inside else None)

    def _pointer(self, event: QMouseEvent) -> Pointer:
        held = event.modifiers()
        button = self._gesture if self._gesture != Button.NoButton else event.button()
        x, y = self.image_position(event.position())
        return Pointer(
            x,
            y,
            right=(button == Button.RightButton) != bool(held & Modifier.AltModifier),
            shift=bool(held & Modifier.ShiftModifier),
            ctrl=bool(held & Modifier.ControlModifier),
        )

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self._tool.blocked():
            self.setCursor(Qt.CursorShape.ArrowCursor)
        else:
            self.setCursor(self._tool.cursor)

    # --- keys ---------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._use_key(event):
            super().keyPressEvent(event)

    def _use_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key in TOOL_KEYS:
            return not self._tool.blocked() and self._tool.key(Key(key))
        if event.modifiers() & ~(Modifier.ShiftModifier | Modifier.KeypadModifier):
            return False
        if key in PAN_KEYS:
            dx, dy = PAN_KEYS[Key(key)]
            self.pan(dx * KEY_PAN, dy * KEY_PAN)
        elif key in (Key.Key_Plus, Key.Key_Equal, Key.Key_Minus):
            self.zoom_by(1 / WHEEL_ZOOM if key == Key.Key_Minus else WHEEL_ZOOM)
        elif key in (Key.Key_BracketLeft, Key.Key_BracketRight):
            self.settings.step_brush(-1 if key == Key.Key_BracketLeft else 1)
        elif key in (Key.Key_Space, Key.Key_Q):
            self._hold(event, held=True)
        else:
            return False
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Key.Key_Space, Key.Key_Q):
            self._hold(event, held=False)
        else:
            super().keyReleaseEvent(event)

    def _hold(self, event: QKeyEvent, *, held: bool) -> None:
        if event.isAutoRepeat():
            return
        if event.key() == Key.Key_Q:
            self._q_held = held
            self.masks_hidden = held
        else:
            self._space_held = held
            self._update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys let go elsewhere are not seen here: nothing stays held."""
        self._space_held = False
        if self._q_held:
            self._q_held = self.masks_hidden = False
        self._update_cursor()
        super().focusOutEvent(event)
