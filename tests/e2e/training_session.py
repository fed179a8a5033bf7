"""A window in which the Train button is pressed, to be killed from outside: ``training_session.py PROJECT``."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.config import train_config
from gui.app import make_window

PLAN = "all:4@5e-3"
SETTINGS = ("image_size=64", "threads=1", "device=cpu", "amp=off", "warmup_steps=2", "batch_size=1")


def main(folder: Path) -> None:
    app = QApplication([])
    window = make_window(app)
    window.resize(1200, 800)
    window.show()
    assert window.open_project(folder)
    window.go("train")
    window.train.plan.show_config(train_config(stages=PLAN, settings=SETTINGS))
    QTest.mouseClick(window.top.train, Qt.MouseButton.LeftButton)
    print("pressed", flush=True)
    app.exec()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
