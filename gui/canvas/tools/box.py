"""Box: objects of projects without masks are drawn, moved and resized as boxes."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from engine.domain.annotation import BoxXYXY, Instance
from gui.canvas.item_layer import Pass, draw_box
from gui.canvas.items import Emphasis, Item, color_of
from gui.canvas.tools import outcome
from gui.canvas.tools.base import Pointer, Tool
from gui.canvas.tools.shift import clamped_shift, replacing, shifted, with_box

REACH = 7  # logical pixels around a handle that count as it
MIN_SIDE = 1.0  # image pixels


class Box(Tool):
    """Drag on empty ground draws, inside the selected box moves, on its handles resizes; a click selects."""

    name: ClassVar[str] = "box"
    title: ClassVar[str] = "Box"
    for_masks: ClassVar[bool] = False
    for_boxes: ClassVar[bool] = True

    _start: Pointer | None = None
    _instance: Instance | None = None  # being moved or resized
    _handle: tuple[int, int] | None = None  # -1, 0 or 1 along x and y
    _box: BoxXYXY | None = None  # as it would be now

    @property
    def busy(self) -> bool:
        return self._start is not None

    def hint(self) -> str:
        if self.busy:
            return "release done · Esc cancel"
        if self.document.active_category_id is None:
            return "Add a class first"
        if self.document.current is not None:
            return f"drag a handle resize · drag inside move · drag outside a new {self.category_name()} · Del delete"
        return f"drag a new {self.category_name()} · click select"

    def press(self, at: Pointer) -> None:
        if at.right:
            return
        current = self.document.current
        self._handle = self._handle_at(current, at) if current is not None else None
        inside = current is not None and _contains(current.box_xyxy, at)
        self._instance = current if self._handle is not None or inside else None
        if self._instance is None and self.document.active_category_id is None:
            self.host.notice("Add a class first")
            return
        self._start = at
        self._box = self._instance.box_xyxy if self._instance else None
        if self._instance is not None:
            self.host.lift([self._instance.id])
        self.host.hint_changed_now()

    def move(self, at: Pointer) -> None:
        if self._start is None:
            return
        self._box = self._dragged(self._start, at)
        self.host.redraw()

    def _dragged(self, start: Pointer, at: Pointer) -> BoxXYXY:
        width, height = self.annotation.width, self.annotation.height
        x, y = min(max(at.x, 0.0), float(width)), min(max(at.y, 0.0), float(height))
        if self._instance is None:
            sx, sy = min(max(start.x, 0.0), float(width)), min(max(start.y, 0.0), float(height))
            return min(sx, x), min(sy, y), max(sx, x), max(sy, y)
        if self._handle is None:
            dx, dy = clamped_shift([self._instance], at.x - start.x, at.y - start.y, width, height)
            return shifted(self._instance, dx, dy).box_xyxy
        return _resized(self._instance.box_xyxy, self._handle, x, y)

    def release(self, at: Pointer) -> None:
        if self._start is None:
            return
        instance, box, resized = self._instance, self._box, self._handle is not None
        start = self._start
        self.cancel()
        if box is None or min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE:
            found = self.annotation.at(*start.pixel)
            self.document.select([found.id] if found else ())
        elif instance is None:
            outcome.add_box(self.document, box)
        elif box != instance.box_xyxy:
            name = self.document.category_name(instance.category_id)
            after = replacing(self.annotation, [with_box(instance, box)])
            self.document.edit(after, f"{'Resize' if resized else 'Move'} {name}")

    def cancel(self) -> None:
        if self._start is not None:
            self._start = self._instance = self._handle = self._box = None
            self.host.lift(())
            self.host.redraw()
            self.host.hint_changed_now()

    # --- handles ------------------------------------------------------------------------------------------------

    def _handle_at(self, instance: Instance, at: Pointer) -> tuple[int, int] | None:
        reach = REACH * self.host.look.pixel_ratio / self.host.view.scale
        for handle, (x, y) in _handles(instance.box_xyxy).items():
            if abs(at.x - x) <= reach and abs(at.y - y) <= reach:
                return handle
        return None

    def paint(self, painter: QPainter) -> None:
        if self.host.look.hidden:
            return
        current = self._instance or self.document.current
        box = self._box if self._start is not None else (current.box_xyxy if current else None)
        if box is None or (current is not None and current.mask is not None):
            return
        if self._start is not None:
            category_id = current.category_id if self._instance and current else self.document.active_category_id
            item = Item("box", None, box, color_of(self.document, category_id), Emphasis.STRONG)
            for part in Pass:
                draw_box(painter, item, self.host.view, self.host.look, part)
        if self._instance is not None or self._start is None:
            self._paint_handles(painter, box)

    def _paint_handles(self, painter: QPainter, box: BoxXYXY) -> None:
        ratio = self.host.look.pixel_ratio
        painter.setPen(QPen(self.host.look.accent, 1.5 * ratio))
        painter.setBrush(QColor("white"))
        for x, y in _handles(box).values():
            centre = QPointF(*self.host.view.to_device(x, y))
            size = QPointF(3.5 * ratio, 3.5 * ratio)
            painter.drawRect(QRectF(centre - size, centre + size))


def _handles(box: BoxXYXY) -> dict[tuple[int, int], tuple[float, float]]:
    xs = {-1: box[0], 0: (box[0] + box[2]) / 2, 1: box[2]}
    ys = {-1: box[1], 0: (box[1] + box[3]) / 2, 1: box[3]}
    return {(h, v): (xs[h], ys[v]) for h in (-1, 1, 0) for v in (-1, 1, 0) if (h, v) != (0, 0)}


def _resized(box: BoxXYXY, handle: tuple[int, int], x: float, y: float) -> BoxXYXY:
    x0, y0, x1, y1 = box
    horizontal = {-1: (x, x1), 0: (x0, x1), 1: (x0, x)}[handle[0]]
    vertical = {-1: (y, y1), 0: (y0, y1), 1: (y0, y)}[handle[1]]
    return min(horizontal), min(vertical), max(horizontal), max(vertical)


def _contains(box: BoxXYXY, at: Pointer) -> bool:
    return box[0] <= at.x < box[2] and box[1] <= at.y < box[3]
