"""The canvas without its tools: shows a document, remembers how, and moves the view."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.domain.annotation import BoxXYXY
from gui.canvas.items import Appearance, Item
from gui.canvas.pyramid import LevelPart
from gui.canvas.renderer import Renderer
from gui.canvas.tags import BoxTag, draw_box_tags, draw_tags
from gui.canvas.viewport import Viewport
from gui.models.document import Document
from gui.theme import TEXT_PX, Tokens, tokens

BESIDE_OBJECTS = 16.0  # logical pixels around an object in which its outline and its handles are drawn


class CanvasSurface(QWidget):
    """Paints one :class:`Document`; everything is composed in device pixels, so it is sharp at every scaling.

    Signals:
        view_changed: another part of the image, or another scale.
        look_changed: opacity, outline only or hidden.
    """

    view_changed = Signal()
    look_changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._renderer = Renderer(document)
        self._boxes: dict[str, BoxXYXY] = {}
        self._tags_instead: tuple[BoxTag, ...] = ()
        self._fitted = True  # keep the whole image in sight when the canvas changes its size
        self._focus_by_key = False
        self._screen = QImage(1, 1, QImage.Format.Format_RGB32)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Image canvas")
        self._follow_palette()
        document.opened.connect(self._on_opened)
        document.changed.connect(self._on_changed)
        document.selection_changed.connect(self._repaint_all)  # what is not selected is muted
        document.predictions_changed.connect(self._repaint_all)
        document.appearance_changed.connect(self._repaint_all)

    # --- the look -----------------------------------------------------------------------------------------------

    @property
    def look(self) -> Appearance:
        return self._renderer.look

    @property
    def opacity(self) -> float:
        """Of the fill, 0 to 1."""
        return self.look.opacity

    @opacity.setter
    def opacity(self, value: float) -> None:
        self._set_look("opacity", min(max(value, 0.0), 1.0))

    @property
    def outline_only(self) -> bool:
        """Objects are drawn without a fill."""
        return self.look.outline_only

    @outline_only.setter
    def outline_only(self, value: bool) -> None:
        self._set_look("outline_only", value)

    @property
    def masks_hidden(self) -> bool:
        """Only the image is drawn."""
        return self.look.hidden

    @masks_hidden.setter
    def masks_hidden(self, value: bool) -> None:
        self._set_look("hidden", value)

    def show_instead(self, items: tuple[Item, ...] | None, tags: tuple[BoxTag, ...] = ()) -> None:
        """Draw these in place of the document's objects and predictions; None: the document's again."""
        self._renderer.instead, self._tags_instead = items, tags
        self._repaint_all()

    def _set_look(self, name: str, value: object) -> None:
        if getattr(self.look, name) != value:
            setattr(self.look, name, value)
            self._repaint_all()
            self.look_changed.emit()

    # --- the view -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> Viewport:
        return self._renderer.view

    @property
    def scale(self) -> float:
        """Device pixels per image pixel; 1 is 100 %."""
        return self.view.scale

    def seen_pixels(self) -> LevelPart:
        """The image's pixels on screen, of the pyramid level they are drawn from."""
        return self._renderer.seen_pixels()

    def zoom_fit(self) -> None:
        """Show the whole image, also when the canvas changes its size."""
        self._set_view(self.view.fitted(), fitted=True)

    def zoom_to(self, factor: float, at: QPointF | None = None) -> None:
        """Show the image at `factor` (1 = one image pixel per device pixel); `at`, by default the middle, stays."""
        px, py = self._device(at) if at is not None else (self.view.width / 2, self.view.height / 2)
        self._set_view(self.view.zoomed(factor, px, py))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        self.zoom_to(self.scale * factor, at)

    def pan(self, dx: float, dy: float) -> None:
        """Move the image by logical pixels."""
        ratio = self.devicePixelRatioF()
        self._set_view(self.view.panned(dx * ratio, dy * ratio))

    def show_box(self, box: BoxXYXY) -> None:
        """Centre an image box, zoomed so that it fills about half of the canvas."""
        self._set_view(self.view.showing(box))

    def image_position(self, position: QPointF) -> tuple[float, float]:
        """Continuous image position under a widget position."""
        return self.view.to_image(*self._device(position))

    def widget_position(self, x: float, y: float) -> QPointF:
        """Widget position of a continuous image position."""
        px, py = self.view.to_device(x, y)
        return QPointF(px, py) / self.devicePixelRatioF()

    def _set_view(self, view: Viewport, *, fitted: bool = False) -> None:
        self._fitted = fitted
        if view != self.view:
            self._renderer.set_view(view)
            self.update()
            self.view_changed.emit()

    def _device(self, position: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return position.x() * ratio, position.y() * ratio

    # --- the document changed -----------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        self._renderer.show_image()
        self._boxes = {i.id: i.box_xyxy for i in self.document.annotation or ()}
        height, width = self.document.image.shape[:2]
        screen = self._screen.size()
        self._renderer.set_view(Viewport(screen.width(), screen.height(), width, height).fitted())
        self._fitted = True
        self._repaint_all()
        self._describe()
        self.view_changed.emit()

    def _on_changed(self, instance_ids: frozenset[str]) -> None:
        now = {i.id: i.box_xyxy for i in self.document.annotation or ()}
        touched = (boxes[key] for key in instance_ids for boxes in (self._boxes, now) if key in boxes)
        self._draw_again(touched)
        self._renderer.sprites.forget(instance_ids - now.keys())
        self._boxes = now
        self._describe()

    def _draw_again(self, boxes: Iterable[BoxXYXY]) -> None:
        boxes = list(boxes)
        self._renderer.invalidate(boxes)
        for box in boxes:
            self.redraw(box, margin=BESIDE_OBJECTS)

    def _repaint_all(self) -> None:
        self._renderer.invalidate()
        self.update()

    def _describe(self) -> None:
        annotation = self.document.annotation
        if annotation is None:
            self.setAccessibleDescription("No image is open")
            return
        size = f"{annotation.width} by {annotation.height} pixels"
        objects = "1 object" if len(annotation) == 1 else f"{len(annotation)} objects"
        self.setAccessibleDescription(f"Image of {size} with {objects}")

    # --- painting -----------------------------------------------------------------------------------------------

    def redraw(self, box: BoxXYXY | None = None, *, margin: float = 0.0) -> None:
        """Paint the overlay again, in this image box (`margin` logical pixels more) or everywhere."""
        if box is None:
            self.update()
            return
        ratio = self.devicePixelRatioF()
        x0, y0, x1, y1 = self.view.device_box(box, math.ceil(margin * ratio))
        left, top = math.floor(x0 / ratio), math.floor(y0 / ratio)
        self.update(left, top, math.ceil(x1 / ratio) - left, math.ceil(y1 / ratio) - top)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._fit_screen()
        picture = self._renderer.picture()
        dirty = self._device_rect(event.rect())
        composer = QPainter(self._screen)
        composer.setClipRect(dirty)
        composer.drawImage(dirty, picture, dirty)
        self._paint_overlay(composer)
        composer.end()
        self._screen.setDevicePixelRatio(self.devicePixelRatioF())
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        painter.drawImage(QPointF(0, 0), self._screen)
        painter.end()
        self._screen.setDevicePixelRatio(1.0)

    def _paint_overlay(self, painter: QPainter) -> None:
        theme, ratio = tokens(self.palette()), self.look.pixel_ratio
        font = QFont(self.font())
        font.setPixelSize(round(TEXT_PX * ratio))
        painter.setFont(font)
        if not self.document.is_open:
            painter.setPen(theme.color("muted"))
            painter.drawText(self._screen.rect(), Qt.AlignmentFlag.AlignCenter, "No image is open")
        else:
            if not self.look.hidden:
                self._paint_tags(painter, theme)
            self.paint_tool(painter)
        if self._focus_by_key and self.hasFocus():
            self._paint_focus(painter)

    def _paint_tags(self, painter: QPainter, theme: Tokens) -> None:
        ratio = self.look.pixel_ratio
        if self._renderer.instead is None:
            draw_tags(painter, self.document, self.view, ratio, theme)
        else:
            draw_box_tags(painter, self._tags_instead, self.view, ratio, theme)

    def paint_tool(self, painter: QPainter) -> None:
        """Draw what a tool shows, in device coordinates."""

    def _paint_focus(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.look.accent, 2 * self.look.pixel_ratio))
        painter.drawRect(self._screen.rect())

    def _fit_screen(self) -> None:
        """Follow the widget's size and the screen's scaling."""
        ratio = self.devicePixelRatioF()
        size = QSize(max(1, math.ceil(self.width() * ratio)), max(1, math.ceil(self.height() * ratio)))
        if self._screen.size() == size and self.look.pixel_ratio == ratio:
            return
        self._screen = QImage(size, QImage.Format.Format_RGB32)
        self.look.pixel_ratio = ratio
        view = self.view.resized(size.width(), size.height())
        self._renderer.set_view(view.fitted() if self._fitted else view)
        self._renderer.invalidate()

    def _device_rect(self, rect: QRect) -> QRect:
        ratio = self.devicePixelRatioF()
        left, top = math.floor(rect.left() * ratio), math.floor(rect.top() * ratio)
        right, bottom = math.ceil((rect.right() + 1) * ratio), math.ceil((rect.bottom() + 1) * ratio)
        return QRect(left, top, right - left, bottom - top) & self._screen.rect()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_screen()
        super().resizeEvent(event)
        self.view_changed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Only who comes by keyboard needs to be shown where the focus is."""
        self._focus_by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._follow_palette()
        super().changeEvent(event)

    def _follow_palette(self) -> None:
        theme = tokens(self.palette())
        self._renderer.background = theme.color("canvas")
        self.look.accent = theme.color("accent")
        self._repaint_all()

    def sizeHint(self) -> QSize:
        return QSize(800, 600)
