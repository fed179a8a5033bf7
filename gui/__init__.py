"""The window: everything that needs Qt, and nothing that needs torch."""

import ctypes
import sys


def _keep_none() -> None:
    """Give ``None`` more references than a session can use up, before CPython 3.12 made it immortal (PEP 683).

    PySide6 6.12.0 hands ``None`` out without counting a reference: every call that returns nothing takes one away, and
    after some ten thousand paint calls the interpreter aborts with "none_dealloc: deallocating None".
    """
    count = ctypes.c_ssize_t.from_address(id(None))  # ob_refcnt comes first in a release build
    if abs(count.value - sys.getrefcount(None)) < 100:
        count.value += sys.maxsize // 4


if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    _keep_none()
