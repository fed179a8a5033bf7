"""Class-wise layers from one list of classes to another: rows go with their class, by name.

Which class is the same: within one project by the store's id first, because ids are never given twice and a rename
keeps them; what is left, and everything from elsewhere, by name (first as written, then without regard to case and
outer spaces).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.domain.annotation import Category

# Rows that one class has in each class-wise layer; row block 0 is the background.
ROWS_PER_CLASS = {
    "roi_heads.box_predictor.cls_score": 1,
    "roi_heads.box_predictor.bbox_pred": 4,
    "roi_heads.mask_predictor.mask_fcn_logits": 1,
}


@dataclass(frozen=True, slots=True)
class KnownClass:
    """A class as weights know it.

    Attributes:
        name: None when the weights do not say.
        category_id: the store's id, None when the weights are not from the same project.
    """

    name: str | None
    category_id: int | None = None


@dataclass(frozen=True)
class ClassMatch:
    """Where the rows of each class of a new network come from.

    Attributes:
        sources: for each new label, from 1, the old label its rows are taken from; None starts fresh.
        kept: (old name, new name) of classes that go on.
        fresh: names of classes that are new.
        dropped: names of classes that are gone; nameless ones are not listed.
    """

    sources: tuple[int | None, ...]
    kept: tuple[tuple[str, str], ...]
    fresh: tuple[str, ...]
    dropped: tuple[str, ...]


def match_classes(old: Sequence[KnownClass], new: Sequence[Category]) -> ClassMatch:
    """Find each of `new` (by label, label 1 first) among `old` (likewise); every old class is used at most once."""
    found: dict[int, int] = {}
    passes: list[tuple[Callable[[KnownClass], object], Callable[[Category], object]]] = [
        (lambda o: o.category_id, lambda n: n.id),
        (lambda o: o.name, lambda n: n.name),
        (lambda o: _folded(o.name), lambda n: _folded(n.name)),
    ]
    for key_of_old, key_of_new in passes:
        free = {key_of_old(o): i for i, o in reversed(list(enumerate(old))) if i not in found.values()}
        free.pop(None, None)
        for position, category in enumerate(new):
            if position not in found and key_of_new(category) in free:
                found[position] = free.pop(key_of_new(category))
    return ClassMatch(
        sources=tuple(found[i] + 1 if i in found else None for i in range(len(new))),
        kept=tuple((old[found[i]].name or c.name, c.name) for i, c in enumerate(new) if i in found),
        fresh=tuple(c.name for i, c in enumerate(new) if i not in found),
        dropped=tuple(o.name for i, o in enumerate(old) if o.name is not None and i not in found.values()),
    )


def rows_of(tensor_name: str) -> int | None:
    """Rows a class has in this tensor (weight or bias); None when the tensor is not class-wise."""
    return ROWS_PER_CLASS.get(tensor_name.rpartition(".")[0])


def carry_rows(old: Tensor, fresh: Tensor, match: ClassMatch, rows: int) -> Tensor:
    """`fresh` with the rows of the background and of every class that goes on taken from `old`.

    Args:
        old: [(1 + old classes) * rows, ...].
        fresh: [(1 + new classes) * rows, ...], the same behind the first dimension.
        rows: rows of one class.
    """
    carried = fresh.clone()
    for label, source in enumerate((0, *match.sources)):
        if source is not None:
            carried[label * rows : (label + 1) * rows] = old[source * rows : (source + 1) * rows]
    return carried


def _folded(name: str | None) -> str | None:
    return None if name is None else name.strip().casefold()
