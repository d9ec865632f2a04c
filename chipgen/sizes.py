"""Sizes of objects, counted: between powers of two for a glance, in quarters of an octave for a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Floats

Bins = tuple[tuple[float, float | None, int], ...]
"""``(lower end, upper end or None where open, count)``, smallest first."""

FINE_OCTAVES = 16
"""Fine bins reach from 1 to 65,536 px; what lies beyond is counted in one bin at either end."""

SAME = 1e-6
"""Share of a size by which it may miss the end of a fine bin: tables on disk hold boxes with seven digits."""


def histogram(sizes: Floats) -> Bins:
    """Count sizes between powers of two from 8 to 1024."""
    ends = [0.0, *(2.0**power for power in range(3, 11)), math.inf]
    counts, _ = np.histogram(sizes, ends)
    return _bins(ends, counts.tolist())


def fine_histogram(sizes: Floats) -> Bins:
    """Count sizes in quarters of an octave, from the first bin that holds any to the last; none without sizes.

    Parameters
    ----------
    sizes
        Shape ``(N,)``, px.
    """
    if not len(sizes):
        return ()
    ends = [0.0, *_quarters(), math.inf]
    at = np.searchsorted(np.array(ends[1:-1]), sizes * (1 + SAME), "right")
    counts = np.bincount(at, minlength=len(ends) - 1)
    first, last = np.flatnonzero(counts)[[0, -1]].tolist()
    return _bins(ends, counts.tolist())[first : last + 1]


def _quarters() -> list[float]:
    """Return four ends an octave: square roots alone, which all machines round alike."""
    half = math.sqrt(2.0)
    steps = (1.0, math.sqrt(half), half, half * math.sqrt(half))
    ends = [math.ldexp(step, octave) for octave in range(FINE_OCTAVES) for step in steps]
    return [*ends, math.ldexp(1.0, FINE_OCTAVES)]


def _bins(ends: list[float], counts: list[int]) -> Bins:
    """Join ends and counts."""
    rows = zip(ends[:-1], ends[1:], counts, strict=True)
    return tuple((lo, None if math.isinf(hi) else hi, count) for lo, hi, count in rows)
