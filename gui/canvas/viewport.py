"""Which part of an image is on screen, and how large: plain numbers, no Qt.

Three grids meet here: image pixels, *device* pixels (what the screen has) and levels of a power-of-two pyramid, where
one pixel of level ``k`` stands for ``2**k x 2**k`` image pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

BoxInt = tuple[int, int, int, int]
Point = tuple[float, float]

MAX_SCALE = 64.0
MAX_LEVEL = 10
FIT_MARGIN = 0.96


@dataclass(frozen=True, slots=True)
class Viewport:
    """Device pixel = image pixel * scale + offset.

    Attributes:
        width, height: of the screen area, device pixels.
        image_width, image_height: pixels; 0 without an image.
        scale: device pixels per image pixel; 1 shows the image at 100 %.
        x, y: device position of the image's top-left corner.
    """

    width: int = 1
    height: int = 1
    image_width: int = 0
    image_height: int = 0
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def to_image(self, px: float, py: float) -> Point:
        """Continuous image position under the device position."""
        return (px - self.x) / self.scale, (py - self.y) / self.scale

    def to_device(self, ix: float, iy: float) -> Point:
        """Inverse of :meth:`to_image`."""
        return ix * self.scale + self.x, iy * self.scale + self.y

    @property
    def level(self) -> int:
        """Pyramid level to draw from: the coarsest whose pixels are not larger than device pixels."""
        if self.scale >= 1:
            return 0
        return min(MAX_LEVEL, math.floor(math.log2(1 / self.scale) + 1e-9))

    @property
    def fit_scale(self) -> float:
        """Scale at which the whole image is seen, with a little air around it."""
        if not self.image_width or not self.image_height:
            return 1.0
        return FIT_MARGIN * min(self.width / self.image_width, self.height / self.image_height)

    @property
    def min_scale(self) -> float:
        return min(1.0, self.fit_scale) / 4

    def image_box(self, device: BoxInt) -> BoxInt:
        """Image pixels touched by a half-open device box, cut to the image (empty boxes have x1 <= x0)."""
        x0, y0 = self.to_image(device[0], device[1])
        x1, y1 = self.to_image(device[2], device[3])
        return (
            max(0, math.floor(x0)),
            max(0, math.floor(y0)),
            min(self.image_width, math.ceil(x1)),
            min(self.image_height, math.ceil(y1)),
        )

    @property
    def visible(self) -> BoxInt:
        """Image pixels on screen."""
        return self.image_box((0, 0, self.width, self.height))

    @property
    def visible_at_level(self) -> BoxInt:
        """What is on screen, in pixels of :attr:`level`."""
        size = 2**self.level
        x0, y0, x1, y1 = self.visible
        return x0 // size, y0 // size, -(-x1 // size), -(-y1 // size)

    def device_box(self, box: tuple[float, float, float, float], margin: int = 0) -> BoxInt:
        """Device pixels touched by an image box, `margin` more on each side, cut to the screen."""
        x0, y0 = self.to_device(box[0], box[1])
        x1, y1 = self.to_device(box[2], box[3])
        return (
            max(0, math.floor(x0) - margin),
            max(0, math.floor(y0) - margin),
            min(self.width, math.ceil(x1) + margin),
            min(self.height, math.ceil(y1) + margin),
        )

    # --- moving -----------------------------------------------------------------------------------------------

    def fitted(self) -> Viewport:
        """The whole image, centred; small images are not blown up beyond eight times."""
        return replace(self, scale=min(self.fit_scale, 8.0))._centred()

    def zoomed(self, scale: float, px: float, py: float) -> Viewport:
        """Another scale (clamped); the image position under device position ``(px, py)`` stays there."""
        scale = min(max(scale, self.min_scale), MAX_SCALE)
        ix, iy = self.to_image(px, py)
        return replace(self, scale=scale, x=px - ix * scale, y=py - iy * scale)._kept_in_sight()

    def panned(self, dx: float, dy: float) -> Viewport:
        """Moved by device pixels; part of the image always stays on screen."""
        return replace(self, x=self.x + dx, y=self.y + dy)._kept_in_sight()

    def resized(self, width: int, height: int) -> Viewport:
        """Another screen area; what was in its middle stays in the middle."""
        dx, dy = (width - self.width) / 2, (height - self.height) / 2
        return replace(self, width=width, height=height, x=self.x + dx, y=self.y + dy)._kept_in_sight()

    def showing(self, box: tuple[float, float, float, float]) -> Viewport:
        """The image `box` centred, filling about half of the screen, never enlarged beyond eight times."""
        bw, bh = max(box[2] - box[0], 1.0), max(box[3] - box[1], 1.0)
        scale = min(0.5 * min(self.width / bw, self.height / bh), 8.0)
        scale = min(max(scale, self.min_scale), MAX_SCALE)
        x = self.width / 2 - (box[0] + box[2]) / 2 * scale
        y = self.height / 2 - (box[1] + box[3]) / 2 * scale
        return replace(self, scale=scale, x=x, y=y)

    def _centred(self) -> Viewport:
        x = (self.width - self.image_width * self.scale) / 2
        y = (self.height - self.image_height * self.scale) / 2
        return replace(self, x=round(x), y=round(y))

    def _kept_in_sight(self) -> Viewport:
        keep_x = min(self.width, self.image_width * self.scale) / 4
        keep_y = min(self.height, self.image_height * self.scale) / 4
        x = min(max(self.x, keep_x - self.image_width * self.scale), self.width - keep_x)
        y = min(max(self.y, keep_y - self.image_height * self.scale), self.height - keep_y)
        return replace(self, x=x, y=y)
