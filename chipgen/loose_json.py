"""JSON that other people wrote: read what is there, write it again so that every reader takes it."""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any

import msgspec

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer that fits into a column, as a type for the fast reader."""

ESCAPED = b"\\u00"
"""How an ASCII letter of a key may be written to look like another key."""

REFUSALS = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
"""What the fast reader raises when it cannot read something; the slow one then knows better, or says why not."""

MOST_DIGITS = 4000
"""Python itself refuses to read much longer integers."""


MOST_NESTED = 512
"""Levels of lists and objects inside an entry; Python's own readers and writers stop at a depth that depends on who
calls them, and what one worker can do another could not."""

TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
"""A string or a bracket."""


def is_nested_too_deeply(raw: bytes) -> bool:
    """Tell whether a JSON value has more levels than `MOST_NESTED`."""
    if raw.count(b"[") + raw.count(b"{") <= MOST_NESTED:
        return False
    depth = 0
    for token in TOKEN.finditer(raw):
        depth += (token.group() in {b"[", b"{"}) - (token.group() in {b"]", b"}"})
        if depth > MOST_NESTED:
            return True
    return False


def parse(raw: bytes) -> Any:
    """Parse JSON, by the slow and forgiving reader where the fast one refuses; see `plain`.

    Raises
    ------
    RecursionError
        It is nested too deeply.
    ValueError
        It is no JSON.
    """
    try:
        return msgspec.json.decode(raw)
    except REFUSALS:
        return json.loads(plain(raw))


def plain(raw: bytes) -> bytes:
    """Write JSON again so that every reader takes it.

    NaN, Infinity and numbers beyond all measure become null, half a character (a lone surrogate) becomes ``?``.
    """
    value = json.loads(raw, parse_constant=lambda _: None, parse_float=_finite, parse_int=_readable)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _finite(text: str) -> float | None:
    """Read a number; None when it is too large to be one."""
    number = float(text)
    return number if math.isfinite(number) else None


def _readable(digits: str) -> int | None:
    """Read an integer; None when it is too long to be one."""
    return int(digits) if len(digits) <= MOST_DIGITS else None


def kind(value: Any) -> str:
    """Name a JSON value for people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value!r:.40}"
    if isinstance(value, str):
        return f"the text {value!r:.60}"
    return "a list" if isinstance(value, list) else "an object"
