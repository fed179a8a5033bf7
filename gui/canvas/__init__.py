"""The canvas: image tiles, mask sprites, tools.  Import :class:`gui.canvas.view.CanvasView` from here."""

from gui.canvas.view import CanvasView

__all__ = ["CanvasView"]
