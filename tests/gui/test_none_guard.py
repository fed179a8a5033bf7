"""The interpreter must survive what PySide6 6.12 does to None's reference count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui

MANY_CALLS = """
import gui
from PySide6.QtCore import QObject
thing = QObject()
for _ in range(300_000):
    thing.setObjectName("name")
print("alive")
"""


def test_hundreds_of_thousands_of_calls_that_return_nothing_do_not_end_the_interpreter() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", MANY_CALLS], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.stdout == "alive\n", done.stderr
