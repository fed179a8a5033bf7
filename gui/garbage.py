"""Python's cycle collector, kept to the gui thread.

The collector runs in whichever thread happens to allocate.  In the engine thread, or a job's, it would destroy
widgets and other Qt objects that wait in a reference cycle there, and Qt crashes later for it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

CHECK_MS = 2000


class GuiThreadCollector(QObject):
    """Turns automatic collection off and collects from a timer of the gui thread, as far as each generation is due."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        gc.disable()
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()

    def check(self) -> int:
        """Collect the oldest generation that is due; gives its number, -1 when none was."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > self._thresholds[generation]:
                gc.collect(generation)
                return generation
        return -1

    def stop(self) -> None:
        """Leave collection to Python again."""
        self._timer.stop()
        gc.enable()
