"""Outlines of decoded masks, holes included, as painter paths."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QPainterPath

Contour = npt.NDArray[np.float64]


def edge_contours(crop: npt.NDArray[np.bool_]) -> list[Contour]:
    """Closed contours along pixel edges of `crop` (h x w), N x 2 each, holes included.

    Every source pixel is doubled; a border pixel of the doubled image then stands for the corner of the source grid
    next to it, so the contour runs exactly along the edges.
    """
    if not crop.size:
        return []
    height, width = crop.shape
    doubled = cv2.resize(crop.astype(np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    found, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [_without_repeats(((c[:, 0, :] + 1) // 2).astype(np.float64)) for c in found]


def centre_contours(crop: npt.NDArray[np.bool_], *, thinned: bool = True) -> list[Contour]:
    """Contours through the centres of border pixels, for pixels too small to show their edges.

    Vertices are thinned to within half a pixel of the true outline, unless they must meet a neighbouring crop's.
    """
    if not crop.size:
        return []
    found, _ = cv2.findContours(crop.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if thinned:
        found = [cv2.approxPolyDP(c, 0.5, closed=True) if len(c) > 8 else c for c in found]
    return [c[:, 0, :].astype(np.float64) + 0.5 for c in found]


def to_path(contours: Iterable[Contour]) -> QPainterPath:
    """One path of closed subpaths.

    Handed over in ``QPainterPath``'s stream format: a call per vertex would be a hundred times slower.
    """
    closed = [np.concatenate([c, c[:1]]) for c in contours if len(c)]
    path = QPainterPath()
    if not closed:
        return path
    points = np.concatenate(closed)
    elements = np.empty(len(points), dtype=[("type", ">i4"), ("x", ">f8"), ("y", ">f8")])
    elements["type"] = 1  # line to
    elements["type"][np.cumsum([0] + [len(c) for c in closed[:-1]])] = 0  # move to
    elements["x"], elements["y"] = points[:, 0], points[:, 1]
    header = np.array([len(elements)], dtype=">i4").tobytes()
    footer = np.array([0, 0], dtype=">i4").tobytes()  # last subpath's start (unused here), odd-even fill
    stream = QDataStream(QByteArray(header + elements.tobytes() + footer))
    _ = stream >> path
    return path


def _without_repeats(contour: Contour) -> Contour:
    kept = np.any(contour != np.roll(contour, 1, axis=0), axis=1)
    return contour[kept]
