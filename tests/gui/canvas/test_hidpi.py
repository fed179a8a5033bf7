"""On a screen with several device pixels per logical pixel the canvas is as sharp as the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui

PROGRAM = """
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from gui.canvas import CanvasView
from gui.models.document import Document

app = QApplication([])
image = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
document = Document(lambda *edit: True)
document.categories = [Category(1, "washer", "#e69f00")]
document.open(1, image, Annotation(1, 600, 800))
view = CanvasView(document)
view.resize(300, 200)
view.show()
QTest.qWaitForWindowExposed(view)
view.zoom_to(1.0)
shot = view.grab().toImage()
ratio = view.devicePixelRatioF()
assert (shot.width(), shot.height()) == (300 * ratio, 200 * ratio), (shot.size(), ratio)
# 100 %: one device pixel is one image pixel.
for px, py in ((10, 10), (int(150 * ratio), int(77 * ratio))):
    x, y = view.view.to_image(px + 0.5, py + 0.5)
    assert shot.pixelColor(px, py).getRgb()[:3] == tuple(image[int(y), int(x)])
# The mouse paints where it is.
view.set_tool("rectangle")
start, end = view.widget_position(350, 280).toPoint(), view.widget_position(420, 330).toPoint()
QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
QTest.mouseMove(view, end)
QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
box = document.annotation.instances[0].mask.box
assert all(abs(a - b) <= ratio for a, b in zip(box, (350, 280, 420, 330))), box
print("sharp")
"""


@pytest.mark.parametrize("factor", ["1.5", "2"])
def test_at_every_scaling_pixels_are_sharp_and_the_mouse_hits(factor: str) -> None:
    env = {**os.environ, "QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "sharp\n", done.stderr
