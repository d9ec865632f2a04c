"""What charts show: values, without any place on a paper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chipgen.sizes import Bins

QUARTER = 2.0**0.25
"""What an open bin is wide on a logarithmic axis."""


@dataclass(frozen=True)
class Range:
    """A range of values, drawn as a band above a histogram.

    Parameters
    ----------
    label
        What it is.
    style
        Name of its colour.
    lo, hi
        Its ends; 0 and infinite when open.
    widest
        Ends of the pale band around it: as far as it reaches anywhere.
    """

    label: str
    style: str
    lo: float
    hi: float
    widest: tuple[float, float] = (math.inf, 0.0)


@dataclass(frozen=True)
class Mark:
    """A single value on an axis, and what it is."""

    label: str
    value: float


@dataclass(frozen=True)
class Histogram:
    """One of several histograms on a common axis.

    Parameters
    ----------
    label, told
        What it is, and what there is to say about it.
    style
        Name of its colour.
    bins
        The counts.
    """

    label: str
    told: str
    style: str
    bins: Bins


@dataclass(frozen=True)
class Part:
    """A part of a bar.

    Parameters
    ----------
    name
        What is counted.
    style
        Name of its colour.
    count
        How many, or how much.
    """

    name: str
    style: str
    count: int


@dataclass(frozen=True)
class Bar:
    """A bar of one or more parts.

    Parameters
    ----------
    label, told
        What stands before it and after it.
    parts
        From left to right.
    """

    label: str
    told: str
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """Return the length of the whole bar."""
        return sum(part.count for part in self.parts)


def slot(lo: float, hi: float | None) -> tuple[float, float]:
    """Return where a bin is drawn: one that is open is drawn a quarter of an octave wide."""
    upper = lo * QUARTER if hi is None else hi
    return lo or upper / QUARTER, upper


def told_bin(lo: float, hi: float | None) -> str:
    """Write the ends of a bin for people: two digits after the point below 10, one below 100."""
    if hi is None:
        return f"{_end(lo)} px and more"
    return f"{_end(lo)} to {_end(hi)} px" if lo else f"below {_end(hi)} px"


def _end(value: float) -> str:
    """Write one end."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
