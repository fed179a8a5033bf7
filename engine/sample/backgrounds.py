"""What the parts lie on: wood, bench paper, brushed steel, a cutting mat.  Linear RGB, H x W x 3 float32 in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.sample.noise import F32, Rng, blur, fractal_noise, linear, smooth_noise

WOODS = ((0.72, 0.55, 0.37), (0.80, 0.67, 0.48), (0.47, 0.33, 0.23), (0.62, 0.47, 0.34))
PAPERS = ((0.90, 0.89, 0.86), (0.76, 0.65, 0.50), (0.83, 0.86, 0.88))
MATS = ((0.13, 0.37, 0.32), (0.20, 0.29, 0.42), (0.27, 0.28, 0.29))


def wood(rng: Rng, height: int, width: int) -> F32:
    """Planks with warped rings and fibres along x."""
    plank = rng.uniform(0.28, 0.5) * height
    y = np.arange(height, dtype=np.float32)[:, None] + rng.uniform(0, plank)
    board = np.floor(y / plank).astype(int)
    tones = rng.uniform(-0.12, 0.12, 16).astype(np.float32)[board % 16]
    shift = rng.uniform(0, 60, 16).astype(np.float32)[board % 16]
    warp = 26 * smooth_noise(rng, height, width, 150, 520) + 6 * smooth_noise(rng, height, width, 34, 210)
    rings = 0.5 + 0.5 * np.sin((y + shift * 9 + warp) * rng.uniform(0.10, 0.2))
    fibre = smooth_noise(rng, height, width, 1.6, 70) + 0.6 * smooth_noise(rng, height, width, 4, 200)
    pores = np.clip(smooth_noise(rng, height, width, 1.5, 22) - 1.15, 0, 1)
    value = 1.0 + tones + 0.16 * (rings**2 - 0.4) + 0.055 * fibre - 0.5 * pores
    gap = np.exp(-(((y % plank) - 3.0) ** 2) / 5.0)
    value = value * (1 - 0.75 * gap)
    tint = np.stack([value, value ** (1.06), value**1.18], axis=-1)
    return _clean(linear(*WOODS[rng.integers(len(WOODS))]) * tint.clip(0.05, 2))


def paper(rng: Rng, height: int, width: int) -> F32:
    """Bench paper: mottled, fibrous, creased, with an oil stain now and then."""
    mottle = fractal_noise(rng, height, width, 60, 5)
    fibres = np.zeros((height, width), dtype=np.float32)
    for _ in range(520):
        start = rng.uniform((0, 0), (width, height))
        angle, length = rng.uniform(0, np.pi), rng.uniform(5, 26)
        bend = start + 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
        end = bend + 0.5 * length * np.array([np.cos(angle + 0.5), np.sin(angle + 0.5)])
        points = np.rint(np.stack([start, bend, end])).astype(np.int32)
        cv2.polylines(fibres, [points], False, float(rng.uniform(-1, 1)), 1, cv2.LINE_AA)
    value = 1 + 0.03 * mottle + 0.10 * blur(fibres, 0.8) + 0.03 * smooth_noise(rng, height, width, 1.6)
    value -= 0.10 * _crease(rng, height, width)
    base = linear(*PAPERS[rng.integers(len(PAPERS))]) * value[..., None]
    if rng.random() < 0.5:
        stain = _blob(rng, height, width)
        base = base * (1 - stain[..., None] * (1 - linear(0.82, 0.74, 0.58)) * rng.uniform(0.3, 0.8))
    return _clean(base)


def steel(rng: Rng, height: int, width: int) -> F32:
    """Brushed sheet: streaks along x, broad reflections, a few scratches."""
    streaks = smooth_noise(rng, height, width, 1.3, 260) + 0.7 * smooth_noise(rng, height, width, 3.5, 500)
    broad = smooth_noise(rng, height, width, 420, 900)
    value = rng.uniform(0.22, 0.42) * (1 + 0.11 * streaks + 0.16 * broad)
    value = value + 0.10 * _scratches(rng, height, width, 14)
    return _clean(value[..., None] * np.array([0.97, 1.0, 1.04], dtype=np.float32))


def mat(rng: Rng, height: int, width: int) -> F32:
    """Cutting mat with printed grid, grain and cuts."""
    base = linear(*MATS[rng.integers(len(MATS))])
    value = 1 + 0.07 * smooth_noise(rng, height, width, 2) + 0.10 * fractal_noise(rng, height, width, 200, 3)
    value -= 0.5 * _scratches(rng, height, width, 10)
    grid = np.zeros((height, width), dtype=np.float32)
    step, x0, y0 = rng.uniform(70, 120), rng.uniform(0, 70), rng.uniform(0, 70)
    for k in range(40):
        strength = 1.0 if k % 5 == 0 else 0.45
        x, y = round(x0 + k * step), round(y0 + k * step)
        cv2.line(grid, (x, 0), (x, height), strength, 2, cv2.LINE_AA)
        cv2.line(grid, (0, y), (width, y), strength, 2, cv2.LINE_AA)
    ink = 0.5 * blur(grid, 0.7) * np.clip(0.9 + 0.3 * smooth_noise(rng, height, width, 5), 0, 1)
    field = base * value[..., None]
    return _clean(field + (linear(0.75, 0.78, 0.68) - field) * ink[..., None])


BACKGROUNDS: tuple[Callable[[Rng, int, int], F32], ...] = (wood, paper, steel, mat)


def _crease(rng: Rng, height: int, width: int) -> F32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = (x - rng.uniform(0, width)) * np.cos(angle) + (y - rng.uniform(0, height)) * np.sin(angle)
    across += 6 * smooth_noise(rng, height, width, 160)
    return np.asarray(np.exp(-((across / 5) ** 2)) - 0.8 * np.exp(-(((across - 7) / 6) ** 2)), dtype=np.float32)


def _blob(rng: Rng, height: int, width: int) -> F32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = rng.uniform(60, 190)
    away = np.hypot(x - rng.uniform(0, width), y - rng.uniform(0, height)) / radius
    edge = np.clip(9 * (away + 0.28 * fractal_noise(rng, height, width, 110, 3) - 1), -40, 40)
    return np.asarray(1 / (1 + np.exp(edge)), dtype=np.float32)


def _scratches(rng: Rng, height: int, width: int, count: int) -> F32:
    field = np.zeros((height, width), dtype=np.float32)
    for _ in range(count):
        start = rng.uniform((0, 0), (width, height))
        angle, length = rng.uniform(0, np.pi), rng.uniform(60, 420)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        a, b = (tuple(int(v) for v in np.rint(p)) for p in (start, end))
        cv2.line(field, a, b, float(rng.uniform(0.2, 1)), 1, cv2.LINE_AA)
    return field


def _clean(field: npt.NDArray[np.floating[Any]]) -> F32:
    return np.asarray(np.clip(field, 0.002, 1.0), dtype=np.float32)
