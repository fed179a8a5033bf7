"""The one place where errors and notices surface: a banner for sentences, a dialog with details for defects, the log.

A :class:`engine.errors.UserError` is worded for people and shown as it stands.  Anything else is a defect: its
traceback goes to the log and a dialog says where that is.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMessageBox, QToolButton, QWidget

from engine.errors import UserError
from engine.logs import log_file
from gui.widgets.basics import restyle
from gui.widgets.icons import icon

log = logging.getLogger("maskwright")

INFO_SECONDS = 6


class Banner(QFrame):
    """One sentence across the top of the content, with a close button; notices leave by themselves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._icon = QLabel(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = QToolButton(self)
        self._close.setProperty("role", "flat")
        self._close.setIcon(icon("close", "muted"))
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._text.text()

    def show_message(self, level: str, text: str) -> None:
        """`level` is "info", "warning" or "error"; errors and warnings stay until they are closed."""
        name, role = {
            "error": ("alert-circle-outline", "bad"),
            "warning": ("alert-outline", "warn"),
        }.get(level, ("information-outline", "accent"))
        self.setProperty("kind", level)
        restyle(self)
        self._icon.setPixmap(icon(name, role).pixmap(18, 18))
        self._text.setText(text)
        self.setAccessibleName(text)
        self.show()
        self._timer.stop()
        if level == "info":
            self._timer.start(INFO_SECONDS * 1000)


class Messages(QObject):
    """Shows sentences in the window's banner and defects in a dialog.

    Signals:
        raised(object): an exception from anywhere, any thread; handled on the main thread.
    """

    raised = Signal(object)

    def __init__(self, window: QWidget, banner: Banner) -> None:
        super().__init__(window)
        self._window, self._banner = window, banner
        self._dialog: QMessageBox | None = None
        self.raised.connect(self.error)

    def show(self, level: str, text: str) -> None:
        """Tell `text` in the banner and the log."""
        log.log({"error": logging.ERROR, "warning": logging.WARNING}.get(level, logging.INFO), text)
        self._banner.show_message(level, text)

    def error(self, error: object) -> None:
        """A sentence for a UserError, the details for a defect."""
        if isinstance(error, UserError):
            self.show("error", str(error))
        elif isinstance(error, BaseException):
            self._defect(error)

    def _defect(self, error: BaseException) -> None:
        details = "".join(traceback.format_exception(error))
        log.error("defect\n%s", details)
        if self._dialog is not None:  # one dialog, however often a timer fails
            return
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowModality(Qt.WindowModality.NonModal)
        box.setIcon(QMessageBox.Icon.Critical)
        box.setWindowTitle("Something went wrong")
        box.setText("Something went wrong inside Maskwright. What was drawn before this is saved.")
        box.setInformativeText(f"{type(error).__name__}: {error}\n\nThe details are in {log_file()}")
        box.setDetailedText(details)
        box.finished.connect(self._dialog_closed)
        self._dialog = box
        box.show()  # open() would make it modal

    def _dialog_closed(self, _result: int) -> None:
        self._dialog = None


class ExceptHook:
    """Routes uncaught exceptions of all threads to :class:`Messages`; `remove` puts the former hooks back."""

    def __init__(self, report: Callable[[object], Any]) -> None:
        self._report = report
        self._old = sys.excepthook
        self._old_thread = threading.excepthook
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook

    def remove(self) -> None:
        """Put the hooks back that were there before."""
        sys.excepthook, threading.excepthook = self._old, self._old_thread

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._old(kind, error, trace)
            return
        self._report(error.with_traceback(trace))

    def _thread_hook(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            self._report(args.exc_value.with_traceback(args.exc_traceback))
