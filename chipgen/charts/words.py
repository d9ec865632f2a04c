"""Words on a chart: how much room they take, and how they are cut to it."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "\u2026"
LETTER, BROAD, WIDE = 0.62, 1.0, 1.1
"""Widths of letters as shares of the size of the type, rather too much than too little: of common ones, of those in
`BROAD_ONES`, and of Chinese and the like."""

BROAD_ONES = frozenset("mwMWGOQ@%\u2026")


def width(text: str, type_size: float = 12.0) -> float:
    """Return about how wide a text is, px on the paper."""
    return type_size * sum(map(_share, text))


def _share(letter: str) -> float:
    """Return the width of a letter, as a share of the size of the type."""
    if unicodedata.east_asian_width(letter) in "WF":
        return WIDE
    return BROAD if letter in BROAD_ONES else LETTER


def shortened(text: str, room: float, type_size: float = 12.0) -> str:
    """Return a text, cut where it is too wide."""
    text = " ".join(text[:400].split())  # nobody reads more on a chart
    if width(text, type_size) <= room:
        return text
    while text and width(text + ELLIPSIS, type_size) > room:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS
