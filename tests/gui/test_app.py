"""Start of the application: without a display, in time, and without what costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.gui
HEAVY = ("torch", "torchvision", "timm", "safetensors", "pyqtgraph", "qtawesome", "pydantic")
START = f"""
import json, sys, time
began = time.process_time()
from PySide6.QtWidgets import QApplication
from gui.app import make_window
app = QApplication(sys.argv)
window = make_window(app)
window.show()
app.processEvents()
took = time.process_time() - began
print(json.dumps({{"seconds": took, "heavy": [m for m in {HEAVY!r} if m in sys.modules], "shown": window.isVisible()}}))
window.close()
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these systems always have a display")
def test_without_a_display_there_is_a_sentence_and_exit_code_2():
    done = python("import sys; from gui.app import run; sys.exit(run([]))")
    assert done.returncode == 2
    assert "needs a display" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_window_shows_in_time_and_imports_nothing_heavy():
    """The time is the processor's, so that other work on this machine does not count; nothing here waits."""
    python(START, QT_QPA_PLATFORM="offscreen")  # the first start reads the disk
    done = python(START, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["shown"]
    assert facts["heavy"] == []
    assert facts["seconds"] < 1.5


def test_closing_the_window_ends_the_process_without_a_word():
    code = START + "import PySide6; app.quit()"
    done = python(code, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0
    assert "QThread: Destroyed" not in done.stderr


def test_a_long_session_survives_its_signals():
    """Some PySide6 releases lose a reference of True per signal, which ends Python 3.11 after a few thousand."""
    code = """
import gui
from PySide6.QtCore import QObject, Signal
class Source(QObject):
    moved = Signal(int)
source = Source()
for n in range(30_000):
    source.moved.emit(n)
"""
    done = python(code, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
