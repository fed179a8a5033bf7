"""A canvas on screen with a small document, and a hand that holds the mouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from gui.canvas import CanvasView
from gui.models.document import Document

CATEGORIES = (Category(1, "washer", "#e69f00"), Category(2, "gasket", "#56b4e9"))
NO_KEY = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


class Bench:
    """A shown canvas; every position is given in image pixels.

    Attributes:
        commits: ``(before, after, label)`` of each edit that reached the store.
        hints: every hint in order.
    """

    def __init__(self, width: int, height: int, size: tuple[int, int]) -> None:
        self.commits: list[tuple[Annotation, Annotation, str]] = []
        self.hints: list[str] = []
        self.document = Document(self._commit)
        self.document.categories = CATEGORIES
        self.view = CanvasView(self.document)
        self.view.hint_changed.connect(self.hints.append)
        self.view.resize(*size)
        self.view.show()
        QTest.qWaitForWindowExposed(self.view)
        self.open(np.full((height, width, 3), 100, np.uint8))

    def _commit(self, before: Annotation, after: Annotation, label: str) -> bool:
        self.commits.append((before, after, label))
        return True

    def open(self, image: np.ndarray, instances: Sequence[Instance] = ()) -> None:
        height, width = image.shape[:2]
        self.document.open(1, image, Annotation(1, height, width, tuple(instances)))
        self.paint()

    def put(self, *instances: Instance) -> None:
        """Show these objects, as undo or another view would."""
        annotation = self.document.annotation
        self.document.refresh(Annotation(1, annotation.height, annotation.width, instances))

    # --- facts --------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> list[str]:
        return [label for _, _, label in self.commits]

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.document.annotation.instances

    @property
    def only_mask(self) -> Mask:
        (instance,) = self.instances
        assert instance.mask is not None
        return instance.mask

    def color(self, x: float, y: float) -> tuple[int, int, int]:
        """Colour on screen at an image position."""
        place = self.view.widget_position(x, y) * self.view.devicePixelRatioF()
        color: QColor = self.view.grab().toImage().pixelColor(int(place.x()), int(place.y()))
        return color.red(), color.green(), color.blue()

    def paint(self) -> None:
        QApplication.processEvents()

    # --- the hand -----------------------------------------------------------------------------------------------

    def at(self, x: float, y: float) -> QPoint:
        place = self.view.widget_position(x, y)
        return QPoint(int(place.x()), int(place.y()))

    def exact(self, x: float, y: float) -> tuple[float, float]:
        """The image position that an event at ``at(x, y)`` reports."""
        return self.view.image_position(QPointF(self.at(x, y)))

    def press(self, x: float, y: float, button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NO_KEY) -> None:
        QTest.mousePress(self.view, button, held, self.at(x, y))
        self.paint()

    def move(self, x: float, y: float) -> None:
        QTest.mouseMove(self.view, self.at(x, y))
        self.paint()

    def release(self, x: float, y: float, button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NO_KEY) -> None:
        QTest.mouseRelease(self.view, button, held, self.at(x, y))
        self.paint()

    def click(self, x: float, y: float, button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NO_KEY) -> None:
        self.press(x, y, button, held)
        self.release(x, y, button, held)

    def drag(
        self,
        points: Sequence[tuple[float, float]],
        button: Qt.MouseButton = LEFT,
        held: Qt.KeyboardModifier = NO_KEY,
    ) -> list[tuple[float, float]]:
        """Press, move through and release; gives the image positions the canvas was told."""
        self.press(*points[0], button, held)
        for point in points[1:]:
            self.move(*point)
        self.release(*points[-1], button, held)
        return [self.exact(*p) for p in points]

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.view, key)
        self.paint()

    def wheel(self, x: float, y: float, notches: float, held: Qt.KeyboardModifier = NO_KEY) -> None:
        place = QPointF(self.at(x, y))
        turn = QPoint(0, round(notches * 120))
        event = QWheelEvent(
            place, self.view.mapToGlobal(place), QPoint(), turn, Qt.MouseButton.NoButton, held,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.view, event)
        self.paint()


@pytest.fixture
def make_bench(qtbot: object) -> Callable[..., Bench]:
    """Builds benches: image width and height, and the canvas's size."""

    def make(width: int = 200, height: int = 160, size: tuple[int, int] = (500, 400)) -> Bench:
        bench = Bench(width, height, size)
        qtbot.addWidget(bench.view)  # type: ignore[attr-defined]
        return bench

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
