"""Numbers as users write them: inside their limits, or refused by the name of their option."""

from __future__ import annotations

import math
import re

from chipgen.errors import UsageError


def at_least(option: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuse a number outside ``[low, high]``.

    Raises
    ------
    UsageError
        It is outside, or not a number.
    """
    if not low <= value <= high:
        bounds = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise UsageError.one(option, f"{value:g}", "is not possible", f"use a number {bounds}")


def whole(option: str, value: object, todo: str) -> int:
    """Return a whole number, also one that is written as text.

    Raises
    ------
    UsageError
        It is none.
    """
    if not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
        raise UsageError.one(option, repr(value), "is no whole number", todo)
    return int(str(value))
