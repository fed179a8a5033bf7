"""Make ``docs/screenshots/*.png``: every room, light and dark, of the sample project in the real window.

    python docs/make_screenshots.py [--project P] [--out D]

`--project` names a project that has a finished run (the sample project after ``python main.py demo``, say), so that
the Train and Review rooms have something to show; it is copied first and never changed.  Works without a screen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
if TYPE_CHECKING:
    from gui.main_window import MainWindow

WAIT_S = 60.0


def main() -> int:
    """Parse the arguments, set the stage, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--project", type=Path, help="a project with a finished run; the sample project by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _isolate(Path(scratch))
        project = _stage(options.project, Path(scratch))
        _take_all(project, options.out)
    return 0


def _isolate(home: Path) -> None:
    """No screen needed, nobody's settings used."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name in ("CONFIG", "LOGS", "DATA"):
        os.environ[f"MASKWRIGHT_{name}"] = str(home / name.lower())


def _stage(project: Path | None, home: Path) -> Path:
    target = home / "Washers, nuts and gaskets"
    if project is not None:
        shutil.copytree(project, target, ignore=shutil.ignore_patterns("project.lock"))
        return target
    from engine.sample.project import create_sample_project

    create_sample_project(target).close()
    return target


def _take_all(project: Path, out: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from gui.app import make_window
    from gui.theme import Mode

    app = QApplication(sys.argv[:1])
    window = make_window(app)
    window.resize(1440, 900)
    window.show()
    shots: dict[str, Callable[[MainWindow], None]] = {
        "welcome": lambda w: None,
        "annotate": lambda w: _annotate(w, project),
        "review": _review,
        "train": _train,
    }
    for name, arrange in shots.items():
        arrange(window)
        for mode in (Mode.DARK, Mode.LIGHT):
            window.set_theme(mode)
            _settle(app, 0.5)
            file = out / f"{name}-{mode.value}.png"
            window.grab().save(str(file))
            print(file)
    window.close()


def _annotate(window: MainWindow, project: Path) -> None:
    window.open_project(project)
    session = window.session
    session.open_image(_richest_image(session))
    window.banner.hide()
    holed = [i for i in session.document.annotation or () if i.mask is not None and i.mask.holes]
    if holed:
        session.document.select([max(holed, key=lambda i: i.area).id])
    window.annotate.canvas.set_tool("cut_hole")
    _wait(lambda: all(window.images.index(n).data(_thumbnail_role()) is not None for n in range(12)))


def _richest_image(session: Any) -> int:
    counts = session.store.instance_counts()
    ids: list[int] = session.image_ids[:12]
    return max(ids, key=lambda i: counts.get(i, 0))


def _thumbnail_role() -> int:
    from gui.models.image_list import ImageRole

    return ImageRole.THUMBNAIL


def _review(window: MainWindow) -> None:
    window.go("review")
    _settle_now(1.5)


def _train(window: MainWindow) -> None:
    window.go("train")
    _settle_now(1.5)


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition() and time.monotonic() < end:
        _settle_now(0.05)


def _settle_now(seconds: float) -> None:
    from PySide6.QtWidgets import QApplication

    _settle(QApplication.instance(), seconds)


def _settle(app: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    raise SystemExit(main())
