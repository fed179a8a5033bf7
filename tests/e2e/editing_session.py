"""A scripted editing session that tells how far it is, to be killed from outside: ``editing_session.py PROJECT``."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.app import make_window


def main(folder: Path) -> None:
    app = QApplication([])
    window = make_window(app)
    window.resize(900, 700)
    window.show()
    assert window.open_project(folder)
    canvas = window.annotate.canvas
    canvas.set_tool("brush")
    print("ready", flush=True)
    for stroke in range(10_000):
        x = 20 + stroke * 7 % 120
        places: list[QPoint] = [canvas.widget_position(x + d, 20 + stroke * 5 % 80).toPoint() for d in (0, 4, 9)]
        window.session.document.begin_new_instance()
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
        for place in places[1:]:
            QTest.mouseMove(canvas, place)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[-1])
        print(len(window.session.document.annotation), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
