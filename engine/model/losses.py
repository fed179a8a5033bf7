"""Losses as sums and what they are divided by, so that parts of a batch add up to the batch.

A batch may be cut (over ranks, or into micro-batches where memory is short).  Mask R-CNN's losses divide by counts over
the whole batch, and the mean of the parts' losses is another number; sums and counts add up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask")
# Shares told live: what is counted, out of how many.
FACTS = ("rpn_recall50", "rpn_recall70", "roi_positives", "class_accuracy", "foreground_accuracy", "mask_accuracy")


@dataclass
class LossParts:
    """What some images of a batch contribute.

    Attributes:
        sums: scalar float32 per loss, with gradient.
        counts: what each sum is divided by, over the whole batch; scalar float32 on the network's device.
        facts: (hits, out of) per share of :data:`FACTS`.
    """

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def add(self, name: str, total: Tensor, count: int | Tensor) -> None:
        """One loss: its sum over `count` sampled elements."""
        self.sums[name] = total.float()
        self.counts[name] = torch.as_tensor(count, dtype=torch.float32, device=total.device)

    def tell(self, name: str, hits: Tensor) -> None:
        """One share: the mean of the booleans `hits`."""
        self.facts[name] = (hits.sum().float(), torch.tensor(float(hits.numel()), device=hits.device))

    def means(self, counts: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Losses, each divided by its count (over this part, or as given); 0 where nothing was sampled."""
        over = self.counts if counts is None else counts
        return {name: total / over[name].clamp(min=1) for name, total in self.sums.items()}


def packed(parts: Sequence[LossParts], device: torch.device) -> Tensor:
    """Counts of `parts` added up, float32 [len(LOSSES)]; losses that a network lacks count 0."""
    total = torch.zeros(len(LOSSES), dtype=torch.float32, device=device)
    for part in parts:
        for index, name in enumerate(LOSSES):
            if name in part.counts:
                total[index] += part.counts[name]
    return total


def unpacked(counts: Tensor) -> dict[str, Tensor]:
    """Inverse of :func:`packed`: count by loss."""
    return dict(zip(LOSSES, counts.unbind(), strict=True))
