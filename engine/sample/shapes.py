"""Outlines of parts as signed distances (negative inside, hi-res pixels), sampled on a square patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.sample.noise import F32


@dataclass(frozen=True)
class Shape:
    """One outline on a patch of S x S pixels, centred.

    Attributes:
        sdf: signed distance to the edge, holes included.
        x, y: pixel positions from the patch's centre.
        radius: radius of the circle around the part.
        hole: radius of the central hole.
        hexagonal: a nut; `flat` is then its inner radius.
    """

    sdf: F32
    x: F32
    y: F32
    radius: float
    hole: float
    hexagonal: bool = False

    @property
    def alpha(self) -> F32:
        """Coverage in [0, 1]."""
        return np.asarray(np.clip(0.5 - self.sdf, 0, 1), dtype=np.float32)

    @property
    def r(self) -> F32:
        """Distance from the centre."""
        return np.hypot(self.x, self.y).astype(np.float32)

    @property
    def phi(self) -> F32:
        """Angle around the centre."""
        return np.arctan2(self.y, self.x).astype(np.float32)

    def outward(self) -> tuple[F32, F32]:
        """Unit vector that points out of the part (x, y)."""
        gy, gx = np.gradient(self.sdf)
        length = np.hypot(gx, gy) + 1e-6
        return (gx / length).astype(np.float32), (gy / length).astype(np.float32)


def _grid(radius: float, theta: float) -> tuple[F32, F32, F32, F32]:
    half = int(np.ceil(radius)) + 6
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    cos, sin = np.float32(np.cos(theta)), np.float32(np.sin(theta))
    return x, y, x * cos + y * sin, y * cos - x * sin


def ring(radius: float, hole: float, theta: float = 0.0) -> Shape:
    """A round part with a round hole."""
    x, y, _, _ = _grid(radius, theta)
    r = np.hypot(x, y)
    return Shape(np.maximum(r - radius, hole - r).astype(np.float32), x, y, radius, hole)


def hexagon(radius: float, hole: float, theta: float) -> Shape:
    """A nut: hexagon of corner radius `radius` with slightly rounded corners and a round hole."""
    x, y, u, v = _grid(radius, theta)
    flat = radius * 0.866
    angles = np.arange(3) * np.pi / 3
    sides = np.max([np.abs(u * np.cos(a) + v * np.sin(a)) for a in angles], axis=0) - flat
    r = np.hypot(x, y)
    outer = np.maximum(sides, r - radius * 0.975)
    return Shape(np.maximum(outer, hole - r).astype(np.float32), x, y, radius, hole, hexagonal=True)


def eared(radius: float, hole: float, ear: float, bolt: float, theta: float) -> Shape:
    """A flange gasket: ring with two ears that have bolt holes; `ear` is the ears' distance from the centre."""
    x, y, u, v = _grid(ear + bolt * 2.2, theta)
    r = np.hypot(x, y)
    lobe = np.hypot(np.abs(u) - ear, v) - bolt * 1.9
    outer = _smooth_union(r - radius, lobe, bolt * 1.6)
    holes = np.minimum(r - hole, np.hypot(np.abs(u) - ear, v) - bolt)
    return Shape(np.maximum(outer, -holes).astype(np.float32), x, y, ear + bolt * 1.9, hole)


def plate(radius: float, hole: float, bolt: float, theta: float) -> Shape:
    """A square gasket with rounded corners, a central hole and four bolt holes."""
    x, y, u, v = _grid(radius, theta)
    half = radius * 0.74
    corner = half * 0.38
    qx, qy = np.abs(u) - half + corner, np.abs(v) - half + corner
    outer = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - corner
    place = half - corner
    holes = np.minimum(np.hypot(x, y) - hole, np.hypot(np.abs(u) - place, np.abs(v) - place) - bolt)
    return Shape(np.maximum(outer, -holes).astype(np.float32), x, y, radius, hole)


def _smooth_union(a: npt.NDArray[np.floating[Any]], b: npt.NDArray[np.floating[Any]], k: float) -> F32:
    # Polynomial smooth minimum (I. Quilez, https://iquilezles.org/articles/smin/).
    h = np.maximum(k - np.abs(a - b), 0) / k
    return np.asarray(np.minimum(a, b) - h * h * k * 0.25, dtype=np.float32)
