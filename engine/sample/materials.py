"""How metal and rubber answer to light.  Shades the top face of a shape; linear RGB, S x S x 3 float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.sample.noise import F32, Rng, blur, fractal_noise, smooth_noise
from engine.sample.shapes import Shape


@dataclass(frozen=True)
class Light:
    """One picture's light: direction towards the lamp (x, y in the picture, z up), and its colours."""

    x: float
    y: float
    z: float
    warm: F32
    cool: F32


@dataclass(frozen=True)
class Material:
    """Surface of a part.

    Attributes:
        base: linear RGB reflectance.
        metal: 0 (rubber, fibre) to 1 (bare metal): how much is mirrored instead of scattered.
        turned: strength of the turning marks' bow-tie highlight.
        gloss: strength of the lamp's highlight on rounded edges.
        grain: strength of the fine texture.
        speckle: strength of coarse speckles (cork, dust).
        chamfer: width of the rounded edge in hi-res pixels.
    """

    base: F32
    metal: float
    turned: float
    gloss: float
    grain: float
    speckle: float
    chamfer: float


def shade(shape: Shape, material: Material, light: Light, rng: Rng) -> F32:
    """Colour of the top face, lit."""
    size = shape.sdf.shape[0]
    nx, ny, nz = _normals(shape, material, rng)
    diffuse = np.clip(nx * light.x + ny * light.y + nz * light.z, 0, 1)
    mirrored = _environment(2 * nz * nx, 2 * nz * ny, light)
    highlight = np.exp(-((2 * nx * nz - light.x) ** 2 + (2 * ny * nz - light.y) ** 2) / 0.09)
    scattered = (0.30 + 0.75 * diffuse)[..., None] * (0.5 * light.warm + 0.5 * light.cool)
    value = (1 - material.metal) * scattered + material.metal * mirrored
    value = value * (1 + material.turned * _bow_tie(shape, light))[..., None]
    texture = 1 + material.grain * smooth_noise(rng, size, size, 1.7) + 0.06 * fractal_noise(rng, size, size, 40, 3)
    spots = np.clip(smooth_noise(rng, size, size, 4) - 0.7, 0, 1.5) - np.clip(
        smooth_noise(rng, size, size, 6) - 0.8, 0, 1
    )
    texture = np.clip(texture + material.speckle * spots, 0.15, 3)
    colour = material.base * value * texture[..., None] + material.gloss * highlight[..., None] * light.warm
    if shape.hexagonal:
        colour = colour * _thread(shape, light)[..., None]
    return np.asarray(np.clip(colour, 0.001, 1.4), dtype=np.float32)


def shade_wall(shape: Shape, material: Material, light: Light) -> F32:
    """Colour of the side below each edge pixel, lit by the way it faces."""
    gx, gy = shape.outward()
    facing = np.clip(gx * light.x + gy * light.y, -0.4, 1)
    glow = 0.16 + 0.30 * np.clip(facing, 0, 1) + material.metal * 0.35 * np.clip(facing - 0.3, 0, 1) ** 2
    return np.asarray(material.base * (glow + 0.05 * facing)[..., None] * light.warm, dtype=np.float32)


def _normals(shape: Shape, material: Material, rng: Rng) -> tuple[F32, F32, F32]:
    gx, gy = shape.outward()
    depth = np.clip(-shape.sdf / material.chamfer, 0, 1)
    slope = (0.95 * (1 - depth) ** 1.5).astype(np.float32)
    lean = rng.normal(0, 0.035, 2)
    nx, ny = gx * slope + lean[0], gy * slope + lean[1]
    if shape.hexagonal:  # a nut's corners are turned off in a cone of about 30 degrees
        cone = np.clip((shape.r - shape.radius * 0.83) / 2, 0, 1) * 0.5
        entry = np.clip((shape.hole * 1.32 - shape.r) / 2, 0, 1) * 0.45
        nx = nx + shape.x / (shape.r + 1) * (cone - entry)
        ny = ny + shape.y / (shape.r + 1) * (cone - entry)
    dents = blur(smooth_noise(rng, shape.sdf.shape[0], shape.sdf.shape[1], 9), 1.5)
    dy, dx = np.gradient(dents)
    nx, ny = nx + 0.10 * dx, ny + 0.10 * dy
    length = np.sqrt(nx * nx + ny * ny + 1)
    return (nx / length).astype(np.float32), (ny / length).astype(np.float32), (1 / length).astype(np.float32)


def _environment(rx: F32, ry: F32, light: Light) -> F32:
    """What a mirror sees in direction (rx, ry): a lamp, a window opposite, a dim room."""
    lamp = np.exp(-((rx - light.x * 0.9) ** 2 + (ry - light.y * 0.9) ** 2) / 0.22)
    window = np.exp(-((rx + light.x * 0.7) ** 2 / 0.10 + (ry + light.y * 0.5) ** 2 / 0.30))
    room = 0.42 + 0.22 * (rx * light.x + ry * light.y)
    field = room[..., None] * np.ones(3, dtype=np.float32)
    return (field + 0.85 * lamp[..., None] * light.warm + 0.40 * window[..., None] * light.cool).astype(np.float32)


def _bow_tie(shape: Shape, light: Light) -> F32:
    """Highlight of concentric turning marks: bright where they run across the light (Kajiya-Kay's tangent term)."""
    across = np.cos(shape.phi - np.arctan2(light.y, light.x))
    marks = 0.12 * np.sin(shape.r * 2.1 + 1.7 * np.sin(shape.r * 0.31))
    return np.asarray(np.abs(across) ** 6 + marks - 0.25, dtype=np.float32)


def _thread(shape: Shape, light: Light) -> F32:
    """Darkening by the thread's turns around the hole."""
    inner = np.clip((shape.hole * 1.20 - shape.r) / 1.5, 0, 1)
    turns = 0.5 + 0.5 * np.sin(shape.r * 1.9 + shape.phi)
    side = 0.5 - 0.5 * np.cos(shape.phi - np.arctan2(light.y, light.x))
    return np.asarray(1 - inner * (0.75 - 0.45 * turns - 0.2 * side), dtype=np.float32)
