"""Masks inside masks: which of them are holes."""

from __future__ import annotations

from engine.domain.mask import Mask


def nested_holes(masks: list[Mask]) -> tuple[list[Mask | None], int]:
    """Take every mask that lies wholly inside another out of it, as a hole; an island in a hole stays an object.

    Returns:
        the masks in their order, None for those that were holes, and the number of holes.
    """
    parents = nesting(masks)
    depths: dict[int, int] = {}
    for i in sorted(range(len(masks)), key=lambda i: -masks[i].area):
        parent = parents[i]
        depths[i] = 0 if parent is None else depths[parent] + 1
    result: list[Mask | None] = [None if depths[i] % 2 else mask for i, mask in enumerate(masks)]
    for i, parent in enumerate(parents):
        outer = result[parent] if parent is not None else None
        if depths[i] % 2 and parent is not None and outer is not None:
            result[parent] = outer - masks[i]
    return result, sum(depth % 2 for depth in depths.values())


def nesting(masks: list[Mask]) -> list[int | None]:
    """For each mask the index of the smallest larger mask that holds all its pixels."""
    order = sorted(range(len(masks)), key=lambda i: masks[i].area)
    parents: list[int | None] = [None] * len(masks)
    for place, i in enumerate(order):
        inner = masks[i]
        for j in order[place + 1 :]:
            outer = masks[j]
            if outer.area > inner.area and _box_inside(inner, outer) and inner.intersection_area(outer) == inner.area:
                parents[i] = j
                break
    return parents


def _box_inside(inner: Mask, outer: Mask) -> bool:
    a, b = inner.box, outer.box
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]
