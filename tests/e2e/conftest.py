"""Journeys use the real window and the drawn pictures of the other tests."""

from __future__ import annotations

from tests.engine.conftest import make_run, tiny_dataset
from tests.gui.conftest import balloon, image_folder, make_window, project, window

__all__ = ["balloon", "image_folder", "make_run", "make_window", "project", "tiny_dataset", "window"]
