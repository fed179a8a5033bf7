"""Which anchors and ROIs a step looks at: torchvision's balanced sampler, with each image's own random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class KeyedSampler:
    """Draws `size` elements of each image, at most `positive_fraction` of them positive.

    torchvision's ``BalancedPositiveNegativeSampler`` draws all images from one generator, so what an image gets depends
    on its neighbours in the batch.  Here each image has a generator seeded by its key: the same image gets the same
    draw in whatever batch, on whatever rank, and after a resume.

    Attributes:
        keys: one 63-bit seed per image of the next batch; None draws from torch's global generator.
    """

    def __init__(self, size: int, positive_fraction: float, *, salt: int) -> None:
        self.batch_size_per_image = size
        self.positive_fraction = positive_fraction
        self.keys: Sequence[int] | None = None
        self._salt = salt

    def __call__(self, labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """uint8 masks of the positives and of the negatives drawn, one pair per image.

        Args:
            labels: per image, -1 ignored, 0 negative, from 1 positive.
        """
        drawn = [self._draw(own, self._generator(index)) for index, own in enumerate(labels)]
        return [positive for positive, _ in drawn], [negative for _, negative in drawn]

    def _generator(self, index: int) -> torch.Generator | None:
        if self.keys is None:
            return None
        return torch.Generator().manual_seed(self.keys[index] ^ self._salt)

    def _draw(self, labels: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        positive, negative = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
        positives = min(len(positive), int(self.batch_size_per_image * self.positive_fraction))
        negatives = min(len(negative), self.batch_size_per_image - positives)
        return (
            _marked(labels, _some(positive, positives, generator)),
            _marked(labels, _some(negative, negatives, generator)),
        )


def _some(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    order = torch.randperm(len(indices), generator=generator)[:count]  # on the CPU: the same on every device
    return indices[order.to(indices.device)]


def _marked(labels: Tensor, indices: Tensor) -> Tensor:
    mask = torch.zeros_like(labels, dtype=torch.uint8)
    mask[indices] = 1
    return mask
