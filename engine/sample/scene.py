"""Parts placed on a background: one scene in hi-res pixels, with the map of who owns each pixel."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from engine.sample.materials import Light, shade, shade_wall
from engine.sample.noise import F32, Rng, blur
from engine.sample.parts import Kind, Part, random_part

I32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

MIN_VISIBLE = 0.5
MAX_STRAY = 0.01


@dataclass
class Scene:
    """What has been laid down so far.

    Attributes:
        colour: H x W x 3 linear RGB.
        owner: H x W, 0 background, k the k-th part.
        light: shared by all parts.
        lean: (x, y) pixels that a part's top moves per pixel of height, from the camera's tilt.
    """

    colour: F32
    owner: I32
    light: Light
    lean: tuple[float, float]
    parts: list[Part] = field(default_factory=list)
    centres: list[tuple[float, float]] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)

    @property
    def height(self) -> int:
        return int(self.owner.shape[0])

    @property
    def width(self) -> int:
        return int(self.owner.shape[1])


@dataclass(frozen=True)
class Layer:
    """A patch on the scene: window slices into scene and patch."""

    scene: tuple[slice, slice]
    patch: tuple[slice, slice]


def populate(scene: Scene, rng: Rng, count: int, margin: float) -> None:
    """Lay `count` parts down, some apart, some touching, overlapping, or inside another's hole."""
    for _ in range(count):
        for _ in range(40):
            proposal = _propose(scene, rng, margin)
            if proposal is not None and _lay(scene, rng, *proposal):
                break


def _propose(scene: Scene, rng: Rng, margin: float) -> tuple[Part, float, float] | None:
    how = rng.random()
    if scene.parts and how < 0.10:
        return _nested(scene, rng)
    part = random_part(rng)
    if scene.parts and how < 0.34:
        return _beside(scene, rng, part, rng.uniform(0.985, 1.01))
    if scene.parts and how < 0.56:
        return _beside(scene, rng, part, rng.uniform(0.62, 0.93))
    x = rng.uniform(margin, scene.width - margin)
    y = rng.uniform(margin, scene.height - margin)
    near = [np.hypot(x - cx, y - cy) < (part.shape.radius + p.shape.radius) * 1.06 for p, (cx, cy) in _placed(scene)]
    return None if any(near) else (part, x, y)


def _nested(scene: Scene, rng: Rng) -> tuple[Part, float, float] | None:
    index = int(rng.integers(len(scene.parts)))
    room = scene.parts[index].shape.hole * 0.88
    if room < 40:
        return None
    kind = (Kind.NUT, Kind.WASHER)[int(rng.integers(2))]
    cx, cy = scene.centres[index]
    return (
        random_part(rng, kind, max_radius=room * rng.uniform(0.75, 0.95)),
        cx + rng.normal(0, 3),
        cy + rng.normal(0, 3),
    )


def _beside(scene: Scene, rng: Rng, part: Part, closeness: float) -> tuple[Part, float, float]:
    index = int(rng.integers(len(scene.parts)))
    away = (part.shape.radius + scene.parts[index].shape.radius) * closeness
    angle = rng.uniform(0, 2 * np.pi)
    cx, cy = scene.centres[index]
    return part, cx + away * np.cos(angle), cy + away * np.sin(angle)


def _placed(scene: Scene) -> list[tuple[Part, tuple[float, float]]]:
    return list(zip(scene.parts, scene.centres, strict=True))


def _lay(scene: Scene, rng: Rng, part: Part, x: float, y: float) -> bool:
    """Draw `part` centred at (x, y) unless that hides or splits something; says whether it was drawn."""
    inside = 30 < x < scene.width - 30 and 30 < y < scene.height - 30
    if not inside:
        return False
    offsets = _offsets(scene, part, x, y)
    covered = np.zeros(scene.owner.shape, dtype=bool)
    for dx, dy in offsets:
        layer = _window(scene, part, x + dx, y + dy)
        covered[layer.scene] |= part.shape.alpha[layer.patch] > 0.5
    owner = np.where(covered, np.int32(len(scene.parts) + 1), scene.owner).astype(np.int32)
    if not _legible(scene, owner, covered):
        return False
    _cast_shadow(scene, part, x, y)
    _paint(scene, rng, part, x, y, offsets)
    scene.owner = owner
    scene.parts.append(part)
    scene.centres.append((x, y))
    scene.areas.append(int(covered.sum()))
    return True


def _legible(scene: Scene, owner: I32, covered: Bool) -> bool:
    """Whether every part that `covered` touches still shows half of itself, in one piece."""
    for label in np.unique(scene.owner[covered]):
        if label == 0:
            continue
        left = owner == label
        if left.sum() < MIN_VISIBLE * scene.areas[label - 1] or not in_one_piece(left):
            return False
    return True


def in_one_piece(mask: Bool) -> bool:
    """Whether all but `MAX_STRAY` of a mask hangs together (8-connected)."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    return len(sizes) > 0 and bool(sizes.max() >= (1 - MAX_STRAY) * sizes.sum())


def _offsets(scene: Scene, part: Part, x: float, y: float) -> list[tuple[float, float]]:
    # The lens adds to the camera's tilt: tops lean away from the picture's middle.
    lean_x = part.height * (scene.lean[0] + (x - scene.width / 2) / 3200)
    lean_y = part.height * (scene.lean[1] + (y - scene.height / 2) / 3200)
    steps = max(1, int(np.ceil(np.hypot(lean_x, lean_y))))
    return [(lean_x * k / steps, lean_y * k / steps) for k in range(steps + 1)]


def _window(scene: Scene, part: Part, x: float, y: float) -> Layer:
    return _window_of(scene, part.shape.sdf.shape[0], x, y)


def _window_of(scene: Scene, size: int, x: float, y: float) -> Layer:
    left, top = round(x) - size // 2, round(y) - size // 2
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(scene.width, left + size), min(scene.height, top + size)
    return Layer((slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)))


def _cast_shadow(scene: Scene, part: Part, x: float, y: float) -> None:
    reach = part.height * 1.7
    half = part.shape.sdf.shape[0] // 2 + int(reach) + 40
    local = np.zeros((2 * half + 1, 2 * half + 1), dtype=np.float32)
    alpha = part.shape.alpha
    for step in range(int(reach) + 1):
        top = half - alpha.shape[0] // 2 - round(scene.light.y * step)
        left = half - alpha.shape[1] // 2 - round(scene.light.x * step)
        window = local[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        np.maximum(window, alpha * (1 - 0.45 * step / (reach + 1)), out=window)
    soft = blur(local, 1.5 + part.height * 0.22)
    contact = blur((local > 0.6).astype(np.float32), 9)
    dim = (1 - 0.66 * soft) * (1 - 0.24 * contact)
    layer = _window_of(scene, local.shape[0], x, y)
    # Shadows are filled by the cool light.
    scene.colour[layer.scene] *= dim[layer.patch][..., None] ** np.array([1.05, 1.0, 0.94], dtype=np.float32)


def _paint(scene: Scene, rng: Rng, part: Part, x: float, y: float, offsets: list[tuple[float, float]]) -> None:
    alpha = part.shape.alpha
    wall = shade_wall(part.shape, part.material, scene.light)
    top = shade(part.shape, part.material, scene.light, rng)
    for index, (dx, dy) in enumerate(offsets):
        last = index == len(offsets) - 1
        turn = 1.0 if not part.shape.hexagonal else 0.8 + 0.35 * np.sin(index * 1.7)
        layer = _window(scene, part, x + dx, y + dy)
        colour = top[layer.patch] if last else wall[layer.patch] * turn * (0.55 + 0.5 * index / len(offsets))
        cover = alpha[layer.patch][..., None]
        scene.colour[layer.scene] += (colour - scene.colour[layer.scene]) * cover
