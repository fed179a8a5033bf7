"""Values out of other people's JSON: every function answers None instead of raising."""

from __future__ import annotations

import math
from typing import Any

_LARGEST = 1e9  # no picture has a pixel beyond it; larger numbers are damage, and would overflow geometry


def as_number(value: Any) -> float | None:
    """A finite float of sane size from a number or a string that holds one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= _LARGEST else None


def as_numbers(values: Any) -> list[float] | None:
    """A list of numbers, or None when `values` is no list or one of them is no number."""
    if not isinstance(values, list | tuple):
        return None
    numbers = [as_number(value) for value in values]
    return None if any(number is None for number in numbers) else [n for n in numbers if n is not None]


def as_size(value: Any) -> int | None:
    """A whole number from 1 on."""
    number = as_number(value)
    return int(number) if number is not None and number >= 1 and number == int(number) else None


def as_dict(value: Any) -> dict[str, Any]:
    """The dict itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_items(value: Any) -> list[Any]:
    """The elements of a list, or the values of a dict that stands for one (VIA 1.x); otherwise nothing."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """One clean line: no blanks around it, no control characters, valid Unicode; "" when there is nothing to say."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        return ""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def as_key(value: Any) -> str:
    """An id as text, so that 5, 5.0 and "5" are the same id; "" for none."""
    return as_text(value)


def is_true(value: Any) -> bool:
    """Whether a flag is set: true, 1, "1", "true", "yes" and "on" are."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes", "on"}
    return isinstance(value, bool | int | float) and bool(value)
