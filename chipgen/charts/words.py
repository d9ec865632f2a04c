"""Words on a chart: how much room they take, and how they are cut to it."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "\u2026"
LETTER = 0.58
"""Mean width of a letter, as a share of the size of the type; wide ones, such as Chinese, take 1.1."""


def width(text: str, type_size: float = 12.0) -> float:
    """Return about how wide a text is, px on the paper."""
    return type_size * sum(1.1 if unicodedata.east_asian_width(one) in "WF" else LETTER for one in text)


def shortened(text: str, room: float, type_size: float = 12.0) -> str:
    """Return a text, cut where it is too wide."""
    text = " ".join(text[:400].split())  # nobody reads more on a chart
    if width(text, type_size) <= room:
        return text
    while text and width(text + ELLIPSIS, type_size) > room:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS
