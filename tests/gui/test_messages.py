"""Where errors surface: sentences in the banner, defects in one dialog, all of it in the log."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
from PySide6.QtWidgets import QMessageBox

from engine.errors import DataError
from engine.logs import log_file, set_up_logging
from gui.messages import ExceptHook

pytestmark = pytest.mark.gui


@pytest.fixture
def log_to_file():
    """The log file of this test's home."""
    logger = logging.getLogger()
    kept, logger.handlers = logger.handlers, []
    yield set_up_logging()
    for handler in logger.handlers:
        handler.close()
    logger.handlers = kept


def test_a_user_error_is_shown_as_it_is_worded(window):
    window.messages.error(DataError("No image has an object.", hint="Draw one first."))
    assert window.banner.isVisible()
    assert window.banner.text == "No image has an object. Draw one first."
    assert window.findChild(QMessageBox) is None


def test_a_defect_is_logged_and_shown_once_with_its_details(window, log_to_file):
    def broken() -> None:
        raise ZeroDivisionError("seven by zero")

    for _ in range(2):
        try:
            broken()
        except ZeroDivisionError as error:
            window.messages.error(error)
    (dialog,) = window.findChildren(QMessageBox)
    assert "broken" in dialog.detailedText()
    assert str(log_file()) in dialog.informativeText()
    assert log_to_file.read_text().count("MainThread ERROR maskwright: defect") == 2
    assert not dialog.isModal()


def test_an_exception_in_a_thread_reaches_the_window(window, qtbot):
    hook = ExceptHook(window.messages.raised.emit)
    try:
        thread = threading.Thread(target=lambda: int("x"))
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None)
        assert "invalid literal" in window.findChild(QMessageBox).informativeText()
    finally:
        hook.remove()
    assert sys.excepthook is not hook._hook


def test_a_log_folder_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch):
    logger = logging.getLogger()
    kept, logger.handlers = logger.handlers, []
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MASKWRIGHT_LOGS", str(tmp_path / "file" / "logs"))
    assert set_up_logging() is None
    logger.handlers = kept


def test_notices_leave_by_themselves_and_errors_stay(window):
    window.messages.show("info", "Read 3 images.")
    assert window.banner._timer.isActive()
    window.messages.show("error", "That went wrong.")
    assert not window.banner._timer.isActive()
    window.banner._close.click()
    assert not window.banner.isVisible()
