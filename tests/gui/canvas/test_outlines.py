"""Outlines: exact along pixel edges, holes included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PySide6.QtGui import QColor, QImage, QPainter

from gui.canvas.outlines import centre_contours, edge_contours, to_path
from gui.canvas.sprites import pixels_of

pytestmark = pytest.mark.gui
crops = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14), elements=st.booleans())
RING = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]], bool)


def filled(crop: np.ndarray) -> np.ndarray:
    """Pixels that Qt fills inside the outline of `crop`."""
    image = QImage(crop.shape[1], crop.shape[0], QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.fillPath(to_path(edge_contours(crop)), QColor("white"))
    painter.end()
    return pixels_of(image) != 0


@settings(max_examples=200)
@given(crops)
def test_filling_the_edge_outline_gives_the_mask_back(crop: np.ndarray) -> None:
    assert (filled(crop) == crop).all()


def test_a_hole_has_an_outline_of_its_own() -> None:
    assert len(edge_contours(RING)) == 2
    assert len(centre_contours(RING)) == 2


def test_edge_outlines_run_along_the_borders_between_pixels() -> None:
    outer, inner = sorted(edge_contours(RING), key=lambda c: -np.ptp(c))
    assert {tuple(p) for p in outer} == {(0, 0), (4, 0), (4, 4), (0, 4)}
    assert {tuple(p) for p in inner} == {(1, 1), (3, 1), (3, 3), (1, 3)}


def test_centre_outlines_stay_within_the_mask() -> None:
    assert to_path(centre_contours(RING)).boundingRect().getRect() == (0.5, 0.5, 3.0, 3.0)


def test_nothing_has_no_outline() -> None:
    assert to_path(edge_contours(np.zeros((5, 5), bool))).isEmpty()
    assert to_path(edge_contours(np.zeros((0, 0), bool))).isEmpty()
