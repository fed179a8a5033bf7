"""Brush and eraser: strokes of a round tip."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from engine.domain.annotation import BoxXYXY, Instance
from engine.domain.geometry import stroke_mask
from engine.domain.mask import Mask
from gui.canvas.items import color_of
from gui.canvas.preview import StrokePreview
from gui.canvas.tip import draw_tip
from gui.canvas.tools import outcome
from gui.canvas.tools.base import Pointer, Tool


class Brush(Tool):
    """Left paints into the selected object (or makes one), right erases; Shift goes straight from the last point."""

    name: ClassVar[str] = "brush"
    title: ClassVar[str] = "Brush"
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.BlankCursor
    needs_class: ClassVar[bool] = True
    erases: ClassVar[bool] = False

    _preview: StrokePreview | None = None
    _instance: Instance | None = None
    _last: tuple[float, float] | None = None
    _image_id: int | None = None
    _hover: tuple[float, float] | None = None
    _subtract = False

    @property
    def busy(self) -> bool:
        return self._preview is not None

    @property
    def radius(self) -> float:
        """Of the tip, image pixels."""
        return self.host.settings.brush_size / 2

    def hint(self) -> str:
        size = f"[ ] size {self.host.settings.brush_size:g} px"
        return f"drag paint {self.current_name()} · right-drag erase · {size} · Shift+click line"

    def press(self, at: Pointer) -> None:
        subtract = at.right != self.erases
        instance = self.target(at) if subtract else self.document.current
        if subtract and (instance is None or instance.mask is None):
            self.host.notice("No object here to erase from: select one or start on one")
            return
        if not subtract and instance is None and self.document.active_category_id is None:
            self.host.notice("Add a class first")
            return
        self._start(instance, subtract)
        straight = at.shift and self._last is not None and self._image_id == self.document.image_id
        points = [self._last, at.xy] if straight and self._last is not None else [at.xy]
        self._image_id = self.document.image_id
        self._extend(points)

    def _start(self, instance: Instance | None, subtract: bool) -> None:
        annotation = self.annotation
        mask = instance.mask if instance is not None else None
        category_id = instance.category_id if instance is not None else self.document.active_category_id
        empty = Mask.empty(annotation.height, annotation.width)
        color = color_of(self.document, category_id)
        self._instance, self._subtract = instance, subtract
        self._preview = StrokePreview(empty if mask is None else mask, color, subtract=subtract)
        if instance is not None:
            self.host.lift([instance.id])

    def move(self, at: Pointer) -> None:
        if self._preview is not None and self._last is not None and at.xy != self._last:
            self._extend([self._last, at.xy])

    def _extend(self, points: list[tuple[float, float]]) -> None:
        assert self._preview is not None
        self.host.redraw(self._preview.extend(self.part(points)), margin=8)
        self._last = points[-1]
        self.hover(Pointer(*points[-1]))

    def part(self, points: list[tuple[float, float]]) -> Mask:
        """What the tip covers along `points` of what it may change."""
        stroke = stroke_mask(points, self.radius, self.annotation.height, self.annotation.width)
        if self._subtract:
            return stroke
        return outcome.allowed(self.document, stroke, self._instance, self.host.settings.overlap)

    def release(self, at: Pointer) -> None:
        if self._preview is None:
            return
        stroke, instance, subtract = self._preview.stroke, self._instance, self._subtract
        self.cancel()
        if subtract and instance is not None:
            outcome.erase_object(self.document, instance, stroke)
        elif stroke.is_empty:
            self.host.notice(outcome.ALL_TAKEN)
        elif instance is not None:
            outcome.paint_object(self.document, instance, stroke, overlap=self.host.settings.overlap)
        else:
            outcome.add_object(self.document, stroke, verb="Paint", overlap=self.host.settings.overlap)

    def cancel(self) -> None:
        if self._preview is not None:
            stroke = self._preview.stroke
            self._preview, self._instance = None, None
            self.host.lift(())
            x0, y0, x1, y1 = stroke.box
            self.host.redraw((float(x0), float(y0), float(x1), float(y1)), margin=8)

    # --- the tip ------------------------------------------------------------------------------------------------

    def hover(self, at: Pointer | None) -> None:
        old, self._hover = self._hover, at.xy if at is not None else None
        for xy in (old, self._hover):
            if xy is not None:
                self.host.redraw(self._tip_box(xy), margin=6)

    def _tip_box(self, xy: tuple[float, float]) -> BoxXYXY:
        r = self.radius
        return xy[0] - r, xy[1] - r, xy[0] + r, xy[1] + r

    def paint(self, painter: QPainter) -> None:
        if self._preview is not None and not self.host.look.hidden:
            self._preview.paint(painter, self.host.view, self.host.look)
        if self._hover is not None:
            self._paint_tip(painter, self._hover)

    def _paint_tip(self, painter: QPainter, xy: tuple[float, float]) -> None:
        view, ratio = self.host.view, self.host.look.pixel_ratio
        radius = max(self.radius * view.scale, 1.5 * ratio)
        draw_tip(painter, view.to_device(*xy), radius, ratio, dashed=self._subtract if self.busy else self.erases)


class Eraser(Brush):
    """The brush the other way round: left erases, right paints."""

    name: ClassVar[str] = "eraser"
    title: ClassVar[str] = "Eraser"
    needs_class: ClassVar[bool] = False
    erases: ClassVar[bool] = True

    def hint(self) -> str:
        current = self.document.current
        what = self.document.category_name(current.category_id) if current else "the object under the pointer"
        size = f"[ ] size {self.host.settings.brush_size:g} px"
        return f"drag erase {what} · right-drag paint · {size} · Shift+click line"
