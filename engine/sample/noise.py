"""Random fields that make renderings look like matter: smooth, fractal, stretched."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator


def smooth_noise(rng: Rng, height: int, width: int, cell_y: float, cell_x: float | None = None) -> F32:
    """Field of `height` x `width`, mean about 0 and deviation about 0.7, varying over `cell` pixels.

    Unequal cells give streaks (wood grain, brushed metal).
    """
    cell_x = cell_y if cell_x is None else cell_x
    rows, columns = int(np.ceil(height / cell_y)) + 3, int(np.ceil(width / cell_x)) + 3
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (max(width, round(columns * cell_x)), max(height, round(rows * cell_y)))
    field = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    top = int(rng.integers(0, field.shape[0] - height + 1))
    left = int(rng.integers(0, field.shape[1] - width + 1))
    return np.ascontiguousarray(field[top : top + height, left : left + width])


def fractal_noise(rng: Rng, height: int, width: int, cell: float, octaves: int = 4) -> F32:
    """Sum of octaves, each half as wide and 0.55 as strong as the one before; deviation about 0.7."""
    total = np.zeros((height, width), dtype=np.float32)
    weight, power = 1.0, 0.0
    for octave in range(octaves):
        total += weight * smooth_noise(rng, height, width, max(1.0, cell / 2**octave))
        power += weight * weight
        weight *= 0.55
    return (total / np.float32(np.sqrt(power))).astype(np.float32)


def linear(*srgb: float) -> F32:
    """Linear light of an sRGB colour in [0, 1] (gamma 2.2 is near enough for a rendering)."""
    return (np.asarray(srgb, dtype=np.float32) ** 2.2).astype(np.float32)


def blur(field: F32, sigma: float) -> F32:
    """Gaussian blur with `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma, 0.01)), dtype=np.float32)
