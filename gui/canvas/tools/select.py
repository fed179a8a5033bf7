"""Select: choose objects, and move them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from engine.domain.annotation import Instance
from gui.canvas.item_layer import draw_items
from gui.canvas.items import Emphasis, Item, color_of
from gui.canvas.sprites import SpriteCache
from gui.canvas.tools.base import Pointer, Tool
from gui.canvas.tools.shift import clamped_shift, replacing, shifted

DRAG_START = 4  # logical pixels of movement that make a press a drag


class Select(Tool):
    """Click selects the topmost object, Shift adds or takes away, on empty ground nothing; dragging moves."""

    name: ClassVar[str] = "select"
    title: ClassVar[str] = "Select"
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.ArrowCursor
    edits: ClassVar[bool] = False
    for_boxes: ClassVar[bool] = True

    _start: Pointer | None = None
    _moving: tuple[Instance, ...] = ()
    _shift = (0, 0)

    @property
    def busy(self) -> bool:
        return bool(self._moving)

    def hint(self) -> str:
        if self.busy:
            return "release put it down · Esc cancel"
        if len(self.document.selection) > 1:
            return "drag move · M merge into one · Shift+click select more or fewer · Del delete"
        if self.document.selection:
            return "drag move · Shift+click select more · Del delete · N new object"
        return "click select an object · Shift+click select more"

    def press(self, at: Pointer) -> None:
        if at.right:
            return
        found = self.annotation.at(*at.pixel)
        chosen = self.document.selection
        if found is None:
            if not (at.shift or at.ctrl):
                self.document.select(())
            return
        if at.shift or at.ctrl:
            self.document.select(chosen ^ {found.id})
        elif found.id not in chosen:
            self.document.select([found.id])
        self._start = at if not self.document.read_only else None

    def move(self, at: Pointer) -> None:
        if self._start is None:
            return
        dx, dy = at.x - self._start.x, at.y - self._start.y
        far = math.hypot(dx, dy) * self.host.view.scale >= DRAG_START * self.host.look.pixel_ratio
        if not self._moving and far:
            self._lift(self.document.selected)
        if self._moving:
            size = (self.annotation.width, self.annotation.height)
            self._shift = clamped_shift(self._moving, dx, dy, *size)
            self.host.redraw()

    def _lift(self, instances: Sequence[Instance]) -> None:
        self._moving = tuple(instances)
        self._sprites = SpriteCache()
        self.host.lift(i.id for i in instances)
        self.host.hint_changed_now()

    def release(self, at: Pointer) -> None:
        moving, (dx, dy) = self._moving, self._shift
        self._start = None
        self.cancel()
        if moving and (dx or dy):
            names = {self.document.category_name(i.category_id) for i in moving}
            what = next(iter(names)) if len(moving) == 1 else f"{len(moving)} objects"
            after = replacing(self.annotation, [shifted(i, dx, dy) for i in moving])
            self.document.edit(after, f"Move {what}")

    def cancel(self) -> None:
        self._start = None
        if self._moving:
            self._moving, self._shift = (), (0, 0)
            self.host.lift(())
            self.host.redraw()
            self.host.hint_changed_now()

    def paint(self, painter: QPainter) -> None:
        """Draws the objects where they stood, through a view that is shifted."""
        if not self._moving or self.host.look.hidden:
            return
        view, (dx, dy) = self.host.view, self._shift
        moved = replace(view, x=view.x + dx * view.scale, y=view.y + dy * view.scale)
        items = [
            Item(i.id, i.mask, i.box_xyxy, color_of(self.document, i.category_id), Emphasis.STRONG)
            for i in self._moving
        ]
        draw_items(painter, items, moved, (0, 0, view.width, view.height), self._sprites, self.host.look)
