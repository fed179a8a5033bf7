"""The tools of the canvas, one class each."""

from gui.canvas.tools.base import Pointer, Tool, ToolHost
from gui.canvas.tools.box import Box
from gui.canvas.tools.brush import Brush, Eraser
from gui.canvas.tools.cut_hole import CutHole
from gui.canvas.tools.ellipse import Ellipse
from gui.canvas.tools.fill_hole import FillHole
from gui.canvas.tools.lasso import Lasso
from gui.canvas.tools.polygon import Polygon
from gui.canvas.tools.rectangle import Rectangle
from gui.canvas.tools.select import Select
from gui.canvas.tools.split import Split
from gui.canvas.tools.threshold import Threshold
from gui.canvas.tools.wand import Wand

TOOLS: tuple[type[Tool], ...] = (
    Select, Brush, Eraser, Threshold, Polygon, Lasso, Rectangle, Ellipse, Wand, Box, CutHole, FillHole, Split,
)  # fmt: skip

__all__ = ["TOOLS", "Pointer", "Tool", "ToolHost"]
