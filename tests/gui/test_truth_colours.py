"""Found, wrong and missed are told apart with any colour vision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtGui import QColor

from gui.theme import DARK, LIGHT, Tokens

pytestmark = pytest.mark.gui
# Machado et al. 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.0;
# linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
APART = 15.0  # CIE76; about 2.3 is the smallest difference that is noticed


def linear(color: str) -> np.ndarray:
    rgb = np.array(QColor(color).getRgbF()[:3])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color: str, vision: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(vision @ linear(color), 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_colours_are_told_apart_with_any_colour_vision(theme: Tokens, vision: str) -> None:
    for trio in ((theme.found, theme.wrong, theme.missed), (theme.hole, theme.wrong, theme.missed)):
        for a, b in itertools.combinations(trio, 2):
            assert np.linalg.norm(lab(a, VISION[vision]) - lab(b, VISION[vision])) > APART, (a, b)
