"""Groups of different sizes behind each other in flat arrays: what numpy needs to work on many images at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Ints


def bounds(counts: Ints | list[int]) -> Ints:
    """Return the first place of each group and the end of the last, shape ``(N + 1,)``."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def spread(first: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Write out ranges of numbers, one after the other.

    Parameters
    ----------
    first, counts
        First number of each range and how many there are, shape ``(N,)``, int64.

    Returns
    -------
    owner, number
        Of each number its range and itself; ``(0, 0), (0, 1), (1, 7)`` for ranges 0..1 and 7..7.
    """
    before = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + np.repeat(first - before, counts)


def pieces(counts: Ints, most: int) -> Iterator[slice]:
    """Cut groups into pieces of no more than `most` altogether, or of one group that has more."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + most, "right")))
        yield slice(start, stop)
        start = stop
