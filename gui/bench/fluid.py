"""Is the window fluid while a training runs on the same machine, and does painting hold the training up?

Strokes at rest, the trainer alone (as the command line runs it), both at once, and the trainer alone again, since a
machine's own pace drifts.  The trainings are the same work on the same data with the same seed, and the same steps of
them are compared.
"""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config import TrainConfig, train_config
from engine.errors import RunError
from engine.events import StepDone
from engine.project.runs import RunFolder, create_run, engine_environment, train_command
from engine.project.store import ProjectStore
from engine.sample.project import create_sample_project

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.main_window import MainWindow

WARM_UP_STEPS = 5
PATIENCE_S = 900.0
Tell = Callable[[str], None]


def measure(*, seconds: float, steps: int, tell: Tell) -> dict[str, Any]:
    """Run the bench on a fresh sample project; figures as JSON-ready values.

    Raises:
        RunError: when a trainer does not get to its steps.
    """
    from gui.app import has_display

    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="maskwright-bench-") as place:
        os.environ["MASKWRIGHT_CONFIG"] = str(Path(place) / "settings")
        folder = Path(place) / "sample"
        create_sample_project(folder).close()
        tell("training alone …")
        alone = [headless_seconds_per_step(folder, steps)]
        tell("painting at rest …")
        with Bench(folder) as bench:
            idle = bench.paint_for(seconds)
            tell("painting while training …")
            busy, painting = bench.paint_while_training(steps)
            strokes = bench.strokes_stored()
        tell("training alone again …")
        alone.append(headless_seconds_per_step(folder, steps))
    headless = sum(alone) / len(alone)
    return {
        "idle": idle,
        "training": busy,
        "strokes": strokes,
        "trainer": {
            "headless_s_per_step": headless,
            "headless_each": alone,
            "painting_s_per_step": painting,
            "ratio": painting / headless,
            "steps": steps - WARM_UP_STEPS,
        },
        "limits": {"training_p99_ms": 20.0, "ratio": 1.15},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "load_before": _load()},
        "date": time.strftime("%Y-%m-%d"),
    }


def bench_config(steps: int) -> TrainConfig:
    """All layers, enough epochs for `steps` of them."""
    return train_config("quick", stages=f"all:{max(1, steps)}@0.001")


def headless_seconds_per_step(folder: Path, steps: int) -> float:
    """The trainer alone, at normal priority, as a command line runs it."""
    with ProjectStore.open(folder) as store:
        run = create_run(store, bench_config(steps))
    with run.output_path.open("ab") as out:
        process = subprocess.Popen(train_command(run), env=engine_environment(), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while _tail_step(run) < steps:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RunError("The trainer did not get to its steps.", path=run.output_path)
            time.sleep(0.5)
    finally:
        _stop(run, process)
    return seconds_per_step(run, steps)


def seconds_per_step(run: RunFolder, steps: int) -> float:
    """Mean over the steps after the warm-up within epochs (validation and saving between epochs do not count)."""
    events = [e for e in run.events() if isinstance(e, StepDone) and e.step <= steps]
    pairs = [(a, b) for a, b in itertools.pairwise(events) if a.epoch == b.epoch and a.step >= WARM_UP_STEPS]
    if not pairs:
        raise RunError("There are too few steps to compare.", path=run.events_path)
    return sum(b.time - a.time for a, b in pairs) / len(pairs)


class Bench:
    """A real window on a project, painted in by a synthetic hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Bench:
        from PySide6.QtWidgets import QApplication

        from gui.app import make_window
        from gui.bench.strokes import Lateness, Painter
        from gui.garbage import GuiThreadCollector

        app = QApplication.instance() or QApplication(sys.argv[:1])
        assert isinstance(app, QApplication)
        self._app: QApplication = app
        self._collector = GuiThreadCollector(app)
        self._window: MainWindow = make_window(app)
        self._window.resize(1440, 900)
        self._window.show()
        self._window.open_project(self._folder)
        self._window.go("annotate")
        self._session = self._window.session
        self._lateness, self._painter = Lateness(), Painter(self._window.annotate.canvas)
        self._changes_before = self._changes()
        self._wait(1.0)
        return self

    def __exit__(self, *exc: object) -> None:
        self._window.close()
        self._session.shutdown()
        self._window.deleteLater()
        self._collector.stop()

    def paint_for(self, seconds: float) -> dict[str, float]:
        """Paint and measure for a while."""
        self._painter.start()
        self._lateness.start()
        self._wait(seconds)
        self._painter.stop()
        return self._lateness.stop()

    def paint_while_training(self, steps: int) -> tuple[dict[str, float], float]:
        """Start a training as the Train button does; paint and measure from its first step to its last."""
        run = self._session.start_training(bench_config(steps))
        if run is None:
            raise RunError("The training was refused.")
        try:
            self._wait_for_step(run, 1)
            self._painter.start()
            self._lateness.start()
            self._wait_for_step(run, steps)
            self._painter.stop()
            late = self._lateness.stop()
        finally:
            self._session.stop_training()
            self._wait_until(lambda: not run.is_live(), 120)
        return late, seconds_per_step(run, steps)

    def strokes_stored(self) -> int:
        """Changes that the painting made in the store: strokes that paint nothing would measure nothing."""
        return self._changes() - self._changes_before

    def _changes(self) -> int:
        store = self._session.store
        return len(store.history(limit=100_000)) if store is not None else 0

    def _wait_for_step(self, run: RunFolder, step: int) -> None:
        def there() -> bool:
            status = self._session.engine.status
            if status is not None and status.run.id == run.id and not status.is_live:
                raise RunError(f"The training ended early. {status.reason}", path=run.path)
            return self._steps_of(run) >= step

        self._wait_until(there, PATIENCE_S)

    def _steps_of(self, run: RunFolder) -> int:
        """Steps done, by the size of the file only: reading it all would be work of the bench in the gui thread."""
        size = run.events_path.stat().st_size if run.events_path.exists() else 0
        if size != getattr(self, "_size", -1):
            self._size = size
            self._step = _tail_step(run)
        return self._step

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._wait_until(lambda: time.monotonic() >= end, seconds + 60)

    def _wait_until(self, there: Callable[[], bool], seconds: float) -> None:
        """Run Qt's own loop until `there`, looked at four times a second."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop, deadline = QEventLoop(), time.monotonic() + seconds
        problem: list[Exception] = []

        def look() -> None:
            try:
                if there() or time.monotonic() > deadline:
                    loop.quit()
            except RunError as error:
                problem.append(error)
                loop.quit()

        timer = QTimer(loop, interval=250)
        timer.timeout.connect(look)
        timer.start()
        loop.exec()
        if problem:
            raise problem[0]
        if not there():
            raise RunError("The bench waited in vain.", path=self._folder)


def _tail_step(run: RunFolder) -> int:
    """Step of the newest step event, from the end of the file."""
    from engine.events import from_line

    try:
        with run.events_path.open("rb") as file:
            file.seek(max(0, run.events_path.stat().st_size - 4096))
            lines = file.read().splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        event = from_line(line)
        if isinstance(event, StepDone):
            return event.step
    return 0


def _stop(run: RunFolder, process: subprocess.Popen[bytes]) -> None:
    run.request_stop()
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
