"""The real window on small made-up images."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture(autouse=True)
def collect_in_the_gui_thread() -> Iterator[None]:
    """As in the application (gui/garbage.py): no thread of a test may destroy Qt objects that wait in a cycle."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three images of 120 x 160 pixels."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def make_window(qtbot) -> Iterator[Callable[[], object]]:  # type: ignore[no-untyped-def]
    """Gives windows as they are at a start of the application; closes them all."""
    from PySide6.QtWidgets import QApplication

    from gui.app import make_window as make

    windows = []

    def new():  # type: ignore[no-untyped-def]
        window = make(QApplication.instance())
        windows.append(window)
        window.resize(1200, 800)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield new
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window):  # type: ignore[no-untyped-def]
    """One window on the welcome page."""
    return make_window()


@pytest.fixture
def project(window, image_folder, qtbot):  # type: ignore[no-untyped-def]
    """The window with a project of three images and the class ring."""
    window.session.new_project(image_folder.parent / "project", name="rings", images=image_folder)
    qtbot.waitUntil(lambda: not window.session.busy)
    window.session.add_category("ring")
    return window


@pytest.fixture
def balloon() -> Path:
    """The real balloon data set."""
    folder = (DATA / "balloon").resolve()
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    return folder
