"""Weights into a network by name and shape, with an account of what went where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from engine.errors import UserError
from engine.model.class_rows import ClassMatch, carry_rows, rows_of
from engine.model.mask_rcnn import MaskRCNN

# How often batch norm saw a batch: kept by torch, read by nobody while the statistics are frozen.
COUNTER = "num_batches_tracked"
_LISTED = 8  # names in a sentence before it says "and N more"


@dataclass(frozen=True)
class LoadReport:
    """What became of some weights.

    Attributes:
        title: the weights, for a person.
        loaded: tensors of the network that were taken over (class-wise ones row by row).
        skipped: (tensor of the weights, why it was not used).
        fresh: tensors of the network that start at random.
        classes: which classes go on.
    """

    title: str
    loaded: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    fresh: tuple[str, ...]
    classes: ClassMatch

    def lines(self) -> list[str]:
        """The account in sentences."""
        told = [f"Weights “{self.title}”: {len(self.loaded)} tensors loaded, {len(self.fresh)} start fresh."]
        reasons: dict[str, list[str]] = {}
        for name, reason in self.skipped:
            reasons.setdefault(reason, []).append(name)
        told += [f"Not used, {reason}: {_listed(names)}." for reason, names in reasons.items()]
        if self.fresh:
            parts = dict.fromkeys(".".join(name.split(".")[:2]) for name in self.fresh)
            told.append(f"Fresh: {_listed(list(parts))}.")
        if any(rows_of(name) for name in self.loaded):
            told += _class_lines(self.classes)
        return told


def load_by_name(network: MaskRCNN, tensors: Mapping[str, Tensor], *, title: str, classes: ClassMatch) -> LoadReport:
    """Take over what fits; nothing that does not fit stops the rest.

    Args:
        tensors: by the network's own names.
        classes: where class rows come from.

    Raises:
        UserError: when not a single tensor fits.
    """
    own = {name: t for name, t in network.state_dict().items() if not name.endswith(COUNTER)}
    taken: dict[str, Tensor] = {}
    skipped: list[tuple[str, str]] = []
    for name, given in tensors.items():
        if name.endswith(COUNTER):
            continue
        if name not in own:
            skipped.append((name, "as this network has no such part"))
        elif (fitted := _fitted(name, given, own[name], classes)) is None:
            skipped.append((name, f"shaped {_shape(given)} where the network has {_shape(own[name])}"))
        else:
            taken[name] = fitted
    if not taken:
        raise UserError(f"Nothing in the weights “{title}” fits this network.", hint="Choose other weights.")
    network.load_state_dict(taken, strict=False)
    fresh = tuple(name for name in own if name not in taken)
    return LoadReport(title, tuple(taken), tuple(skipped), fresh, classes)


def _fitted(name: str, given: Tensor, own: Tensor, classes: ClassMatch) -> Tensor | None:
    """`given` as the network can take it, None when it cannot."""
    rows = rows_of(name)
    if rows is None:
        return given if given.shape == own.shape else None
    return carry_rows(given, own.cpu(), classes, rows) if given.shape[1:] == own.shape[1:] else None


def _class_lines(classes: ClassMatch) -> list[str]:
    kept = [f"“{new}”" if old == new else f"“{new}” (was “{old}”)" for old, new in classes.kept]
    told = [("Classes that go on: ", kept), ("New classes, fresh: ", [f"“{n}”" for n in classes.fresh])]
    told.append(("Classes left out: ", [f"“{n}”" for n in classes.dropped]))
    return [f"{text}{_listed(names)}." for text, names in told if names]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _shape(tensor: Tensor) -> str:
    return " × ".join(str(n) for n in tensor.shape) or "a number"
