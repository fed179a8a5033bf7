"""Random changes to a training sample: one affine for pixels, boxes and masks, and light for the pixels alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.model.inputs import Affine, resize_affine


@dataclass(frozen=True)
class Augmentation:
    """How far a sample may be changed; ranges are drawn evenly.

    Attributes:
        scale: factors on the size of the picture.
        rotation: degrees to either side.
        flip: chance of a left-right flip.
        light: up to this share more or less brightness, contrast and saturation.
    """

    scale: tuple[float, float] = (0.65, 1.4)
    rotation: float = 12.0
    flip: float = 0.5
    light: float = 0.3


def usual_augmentation(*, boxes_only: bool) -> Augmentation:
    """What a stage with augmentation uses.

    A turned box is larger than its object; masks give the true box back, boxes alone do not.
    """
    return Augmentation(rotation=0.0) if boxes_only else Augmentation()


def random_affine(
    height: int, width: int, size: tuple[int, int], augmentation: Augmentation, rng: np.random.Generator
) -> Affine:
    """Affine from an image of ``height x width`` into an input of `size`: resized, then scaled, turned, moved."""
    low, high = augmentation.scale
    scale = math.exp(rng.uniform(math.log(low), math.log(high)))
    angle = math.radians(rng.uniform(-augmentation.rotation, augmentation.rotation))
    flip = -1.0 if rng.random() < augmentation.flip else 1.0
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos * flip, -sin], [sin * flip, cos]])
    centre = np.array([size[1] / 2, size[0] / 2])
    # Slack is what the picture leaves free (zoomed out) or what sticks out (zoomed in): shift within it.
    slack = np.abs(np.array([size[1], size[0]]) * (1 - scale)) / 2
    shift = centre + rng.uniform(-1, 1, size=2) * slack - turn @ centre
    base = resize_affine(height, width, size)
    return np.concatenate([turn @ base[:, :2], (turn @ base[:, 2] + shift)[:, None]], axis=1)


def jitter_light(image: npt.NDArray[np.uint8], amount: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Change brightness, contrast and saturation of an H x W x 3 uint8 RGB image by up to `amount` each."""
    if amount <= 0:
        return image
    contrast, saturation = (1 + rng.uniform(-amount, amount, size=2)).tolist()
    brightness = 255 * rng.uniform(-amount, amount) / 2
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = float(gray.mean())
    coloured = cv2.addWeighted(image, saturation, cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), 1 - saturation, 0)
    shifted: npt.NDArray[np.uint8] = cv2.convertScaleAbs(
        np.maximum(coloured.astype(np.float32) * contrast + (1 - contrast) * mean + brightness, 0)
    )
    return shifted
