"""Random washers, nuts and gaskets.

About a third of the washers and gaskets are *twins*: plain dark or grey rings of the same sizes, told apart only by
how they take the light (and the ranges of that overlap).  They are why same-object groups really occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.sample.materials import Material
from engine.sample.noise import Rng, linear
from engine.sample.shapes import Shape, eared, hexagon, plate, ring

TWIN_SHARE = 0.38


class Kind(StrEnum):
    """The categories of the sample project, in the order of their ids."""

    WASHER = "washer"
    NUT = "nut"
    GASKET = "gasket"


@dataclass(frozen=True)
class Part:
    """One part before it is placed; `height` is its thickness in hi-res pixels."""

    kind: Kind
    shape: Shape
    material: Material
    height: float


def random_part(rng: Rng, kind: Kind | None = None, *, max_radius: float = 1e9) -> Part:
    """A part of `kind` (default: any), no wider than `max_radius` hi-res pixels."""
    kind = kind or list(Kind)[rng.choice(3, p=[0.36, 0.28, 0.36])]
    if kind is Kind.NUT:
        return _nut(rng, max_radius)
    if rng.random() < TWIN_SHARE:
        return _twin(rng, kind, max_radius)
    return _washer(rng, max_radius) if kind is Kind.WASHER else _gasket(rng, max_radius)


def _twin(rng: Rng, kind: Kind, max_radius: float) -> Part:
    radius = min(rng.uniform(60, 120), max_radius)
    shape = ring(radius, radius * rng.uniform(0.42, 0.64))
    # The same tones for both kinds; metal and gloss differ in the mean, not in the range.
    tone = rng.uniform(0.20, 0.30) if rng.random() < 0.5 else rng.uniform(0.42, 0.54)
    tint = linear(tone * rng.uniform(0.98, 1.04), tone, tone * rng.uniform(0.97, 1.04))
    washer = kind is Kind.WASHER
    metal = rng.beta(3.2, 2.2) * 0.62 if washer else rng.beta(2.2, 3.2) * 0.62
    material = Material(
        base=tint,
        metal=metal,
        turned=0.55 * metal * rng.uniform(0.4, 1.2),
        gloss=rng.uniform(0.02, 0.10) + 0.05 * metal,
        grain=rng.uniform(0.05, 0.11),
        speckle=rng.uniform(0.02, 0.16),
        chamfer=rng.uniform(4.5, 7.5) if washer else rng.uniform(5.5, 8.5),
    )
    return Part(kind, shape, material, rng.uniform(6, 11))


def _washer(rng: Rng, max_radius: float) -> Part:
    radius = min(rng.uniform(54, 136), max_radius)
    hole = radius * (rng.uniform(0.22, 0.34) if rng.random() < 0.25 else rng.uniform(0.44, 0.58))
    finish = rng.choice(4, p=[0.45, 0.25, 0.18, 0.12])
    base = [(0.77, 0.78, 0.79), (0.68, 0.69, 0.72), (0.85, 0.70, 0.40), (0.80, 0.52, 0.38)][finish]
    material = Material(
        base=linear(*base) * rng.uniform(0.8, 1.1),
        metal=rng.uniform(0.85, 1.0),
        turned=rng.uniform(0.25, 0.75),
        gloss=rng.uniform(0.15, 0.35),
        grain=rng.uniform(0.03, 0.08),
        speckle=rng.uniform(0.0, 0.12),
        chamfer=rng.uniform(3, 6),
    )
    return Part(Kind.WASHER, ring(radius, hole), material, rng.uniform(5, 10))


def _nut(rng: Rng, max_radius: float) -> Part:
    radius = min(rng.uniform(50, 104), max_radius)
    finish = rng.choice(4, p=[0.5, 0.2, 0.15, 0.15])
    base = [(0.76, 0.77, 0.79), (0.84, 0.70, 0.40), (0.27, 0.27, 0.28), (0.66, 0.67, 0.66)][finish]
    material = Material(
        base=linear(*base) * rng.uniform(0.85, 1.1),
        metal=rng.uniform(0.75, 1.0),
        turned=rng.uniform(0.05, 0.35),
        gloss=rng.uniform(0.12, 0.35),
        grain=rng.uniform(0.03, 0.09),
        speckle=rng.uniform(0.0, 0.15),
        chamfer=rng.uniform(3, 5),
    )
    shape = hexagon(radius, radius * rng.uniform(0.40, 0.50), rng.uniform(0, 3.2))
    return Part(Kind.NUT, shape, material, radius * rng.uniform(0.28, 0.42))


def _gasket(rng: Rng, max_radius: float) -> Part:
    radius, theta = min(rng.uniform(62, 150), max_radius), rng.uniform(0, 3.2)
    form = rng.choice(3, p=[0.5, 0.28, 0.22])
    if form == 0:
        shape, height = ring(radius, radius * rng.uniform(0.58, 0.76)), rng.uniform(5, 13)
    elif form == 1:
        body = radius * 0.66
        bolt = rng.uniform(0.12, 0.16) * radius
        shape, height = eared(body, body * rng.uniform(0.55, 0.7), radius * 0.92, bolt, theta), rng.uniform(4, 7)
    else:
        shape = plate(radius, radius * rng.uniform(0.32, 0.42), radius * rng.uniform(0.08, 0.11), theta)
        height = rng.uniform(4, 7)
    stuff = rng.choice(5, p=[0.36, 0.20, 0.16, 0.16, 0.12])
    # rubber, red fibre, cork, aramid green, silicone
    base = [(0.15, 0.15, 0.16), (0.56, 0.20, 0.15), (0.66, 0.50, 0.34), (0.30, 0.45, 0.36), (0.80, 0.42, 0.24)][stuff]
    material = Material(
        base=linear(*base) * rng.uniform(0.8, 1.25),
        metal=0.0,
        turned=0.0,
        gloss=rng.uniform(0.0, 0.07),
        grain=rng.uniform(0.05, 0.12),
        speckle=(rng.uniform(0.35, 0.6) if stuff == 2 else rng.uniform(0.0, 0.2)),
        chamfer=rng.uniform(5, 9),
    )
    return Part(Kind.GASKET, shape, material, height)
