"""From scene to photograph: tilt, uneven light, vignette, lens blur, sensor noise, 8 bits."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.sample.materials import Light
from engine.sample.noise import F32, Rng, blur, smooth_noise
from engine.sample.scene import I32, in_one_piece

HEIGHT, WIDTH, SCALE = 480, 640, 2
CANVAS = (1160, 1500)


def random_light(rng: Rng) -> Light:
    """A lamp from one side, warm or cool, with the room's light as its complement."""
    angle, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.15)
    warmth = rng.uniform(-0.06, 0.10)
    warm = np.array([1 + warmth, 1.0, 1 - 1.3 * warmth], dtype=np.float32)
    cool = np.array([0.95, 0.99, 1.06], dtype=np.float32)
    reach = np.cos(elevation)
    return Light(float(np.cos(angle) * reach), float(np.sin(angle) * reach), float(np.sin(elevation)), warm, cool)


def view(colour: F32, owner: I32, tilt: float, rng: Rng) -> tuple[F32, I32]:
    """What a camera tilted by `tilt` (0 to about 0.15) sees of the scene, in hi-res output pixels."""
    height, width = owner.shape
    out_w, out_h = WIDTH * SCALE, HEIGHT * SCALE
    inset_x, inset_y = (width - out_w) / 2, (height - out_h) / 2
    spread = tilt * inset_x * 3.5
    jitter = rng.uniform(-18, 18, (4, 2))
    corners = np.array(
        [[-spread, 0], [out_w + spread, 0], [out_w - spread / 2, out_h], [spread / 2, out_h]], dtype=np.float64
    )
    seen = corners + np.array([inset_x, inset_y]) + jitter
    target = np.array([[0, 0], [out_w, 0], [out_w, out_h], [0, out_h]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(seen.astype(np.float32), target)
    picture = cv2.warpPerspective(colour, matrix, (out_w, out_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    labels = cv2.warpPerspective(owner.astype(np.float32), matrix, (out_w, out_h), flags=cv2.INTER_NEAREST)
    return np.asarray(picture, dtype=np.float32), np.rint(labels).astype(np.int32)


def expose(picture: F32, light: Light, rng: Rng) -> npt.NDArray[np.uint8]:
    """Photograph of the lit hi-res `picture`: HEIGHT x WIDTH x 3 uint8 sRGB."""
    lit = picture * _falloff(picture.shape[0], picture.shape[1], light, rng)[..., None] * light.warm
    bloom = blur(np.clip(lit - 0.85, 0, 1), 7)
    small = cv2.resize(lit + 0.5 * bloom, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    small = blur(np.asarray(small, dtype=np.float32), rng.uniform(0.3, 0.75))
    level = np.percentile(small, 70)
    small = small * np.clip(rng.uniform(0.28, 0.40) / level, 0.5, 1.7)
    small = _noisy(small, rng)
    toned = small * (1 + small * 0.12) / (1 + small * 0.42)  # a film-like shoulder keeps highlights from clipping hard
    return np.asarray(np.clip(np.rint(255 * np.clip(toned * 1.12, 0, 1) ** (1 / 2.2)), 0, 255), dtype=np.uint8)


def visible(owner: I32, index: int, min_area: int = 150) -> npt.NDArray[np.bool_] | None:
    """Pixels of part `index` in the photograph; None when too little, or not one piece, is left of it."""
    share = cv2.resize((owner == index).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    # More than half of a pixel's samples: no two parts can own the same pixel.
    mask = np.asarray(share) > 0.5
    if mask.sum() < min_area or not in_one_piece(mask):
        return None
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _falloff(height: int, width: int, light: Light, rng: Rng) -> F32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = (x - width / 2) / width, (y - height / 2) / width
    uneven = 1 + rng.uniform(0.35, 1.0) * (u * light.x + v * light.y)
    vignette = 1 - rng.uniform(0.35, 0.9) * (u * u + v * v)
    cloud = 1 + 0.08 * smooth_noise(rng, height, width, 500)
    return np.asarray(np.clip(uneven * vignette * cloud, 0.15, 2), dtype=np.float32)


def _noisy(picture: F32, rng: Rng) -> F32:
    strength = rng.uniform(0.008, 0.018)
    shot = rng.standard_normal(picture.shape, dtype=np.float32)
    luma = shot.mean(axis=2, keepdims=True) * 1.4
    grain = (0.6 * luma + 0.4 * shot) * strength * np.sqrt(np.clip(picture, 0.01, None)) * 1.6
    return np.clip(picture + blur(grain.astype(np.float32), 0.45) * 1.3, 0, None).astype(np.float32)
