"""The window: everything that needs Qt, and nothing that needs torch."""

import ctypes
import sys


def _keep_singletons() -> None:
    """Give ``None``, ``True`` and ``False`` more references than a session can use up.

    PySide6 6.12.0 hands them out without counting a reference: every call that returns nothing takes one from None,
    every emitted signal one from True.  CPython 3.12 made them immortal (PEP 683); before, the interpreter aborts with
    "none_dealloc" after some ten thousand paint calls, or "bool_dealloc" after a few thousand signals.  PySide6
    6.11.3 does not do it.
    """
    for value in (None, True, False):
        count = ctypes.c_ssize_t.from_address(id(value))  # ob_refcnt comes first in a release build
        if abs(count.value - sys.getrefcount(value)) < 100:
            count.value += sys.maxsize // 4


if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    _keep_singletons()
