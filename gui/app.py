"""Start of the window: ``run(argv)`` gives the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.main_window import MainWindow

NO_DISPLAY = 2


def has_display() -> bool:
    """Whether Qt will find a screen; without one it would abort instead of raising."""
    if os.environ.get("QT_QPA_PLATFORM") or sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(argv: Sequence[str] = ()) -> int:
    """Show the window; `argv` may name a project folder.  Exit code 2 without a display."""
    if not has_display():
        print(
            "Maskwright needs a display to show its window, and there is none (DISPLAY and WAYLAND_DISPLAY are not "
            "set). The command line works without one; --help lists its commands.",
            file=sys.stderr,
        )
        return NO_DISPLAY
    return _run_window(list(argv))


def _run_window(argv: list[str]) -> int:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from engine.logs import set_up_logging
    from gui.garbage import GuiThreadCollector
    from gui.messages import ExceptHook

    app = QApplication.instance() or QApplication([sys.argv[0], *argv])
    assert isinstance(app, QApplication)
    set_up_logging()
    collector = GuiThreadCollector(app)
    window = make_window(app)
    hook = ExceptHook(window.messages.raised.emit)
    window.show()
    if argv:
        QTimer.singleShot(0, window, lambda: window.take(Path(argv[0])))
    _let_python_handle_ctrl_c(app)
    try:
        return app.exec()
    finally:
        hook.remove()
        collector.stop()


def make_window(app: QApplication) -> MainWindow:
    """The main window with its session, settings and theme, not yet shown."""
    from gui.main_window import MainWindow
    from gui.session import Session
    from gui.settings import Settings
    from gui.theme import Theme

    app.setApplicationName("maskwright")
    app.setApplicationDisplayName("Maskwright")
    settings = Settings()
    theme = Theme(app, settings.theme)
    return MainWindow(Session(), settings, theme)


def _let_python_handle_ctrl_c(app: QApplication) -> None:
    """Ctrl+C in the terminal closes the window; Python only looks between Qt's events, hence the timer."""
    import signal

    from PySide6.QtCore import QTimer

    signal.signal(signal.SIGINT, lambda *_: app.closeAllWindows())
    timer = QTimer(app)
    timer.timeout.connect(lambda: None)
    timer.start(300)
