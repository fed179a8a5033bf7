"""Decoded images near the one on screen, so that turning the page costs nothing; bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from queue import Empty, LifoQueue

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
LIMIT_BYTES = 400 * 2**20


class ImageCache:
    """Least recently used images go first; what does not fit at all is read and not kept."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._images: OrderedDict[Path, Pixels] = OrderedDict()
        self._lock = threading.Lock()
        self._wanted: LifoQueue[Path] = LifoQueue()
        self._worker: threading.Thread | None = None

    def get(self, path: Path) -> Pixels:
        """H x W x 3 uint8 RGB of the image.

        Raises:
            ImageReadError: when it cannot be read.
        """
        with self._lock:
            if path in self._images:
                self._images.move_to_end(path)
                return self._images[path]
        return self._keep(path, _read(path))

    def prefetch(self, paths: Iterable[Path]) -> None:
        """Read these in the background, the first one first; what was asked before and not begun is dropped."""
        self._drop_wanted()
        for path in reversed(list(paths)):
            self._wanted.put(path)
        with self._lock:
            if self._worker is None and not self._wanted.empty():
                self._worker = threading.Thread(target=self._work, name="prefetch", daemon=True)
                self._worker.start()

    def clear(self) -> None:
        """Forget everything."""
        self._drop_wanted()
        with self._lock:
            self._images.clear()

    def _drop_wanted(self) -> None:
        try:
            while True:
                self._wanted.get_nowait()
        except Empty:
            return

    def _work(self) -> None:
        while True:
            with self._lock:  # leaving and being missed must not overlap
                try:
                    path = self._wanted.get_nowait()
                except Empty:
                    self._worker = None
                    return
                known = path in self._images
            if not known:
                self._read_quietly(path)

    def _read_quietly(self, path: Path) -> None:
        try:
            self._keep(path, _read(path))
        except Exception:  # told when a person opens that image
            return

    def _keep(self, path: Path, image: Pixels) -> Pixels:
        if image.nbytes > self._limit // 2:
            return image
        with self._lock:
            self._images[path] = image
            self._images.move_to_end(path)
            while sum(i.nbytes for i in self._images.values()) > self._limit:
                self._images.popitem(last=False)
        return image


def _read(path: Path) -> Pixels:
    from engine.project.images import read_image  # Pillow and cv2 are not needed before the first image

    return read_image(path)
