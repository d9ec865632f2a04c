"""Groups of different sizes behind each other in flat arrays: what numpy needs to work on many images at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from chipgen.boxes import Ints

GROWTH = 16
"""Columns that are full grow by one part in so many."""
LEAST = 4096
"""Rows that they grow by at least."""


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


class Growing:
    """Columns that parts are added to: the memory for parts and whole is never held at the same time.

    Parameters
    ----------
    *columns
        Columns without rows, from which types and shapes are taken.
    """

    def __init__(self, *columns: NDArray[Any]) -> None:
        self._columns = [column.copy() for column in columns]
        self._rows = 0

    def add(self, *parts: NDArray[Any]) -> None:
        """Add rows, given as a part of each column."""
        stop = self._rows + len(parts[0])
        if stop > len(self._columns[0]):
            self._resize(stop + max(LEAST, stop // GROWTH))
        for column, part in zip(self._columns, parts, strict=True):
            column[self._rows : stop] = part
        self._rows = stop

    def columns(self) -> list[NDArray[Any]]:
        """Return the columns, which do not grow any more."""
        self._resize(self._rows)
        columns, self._columns = self._columns, []
        return columns

    def _resize(self, rows: int) -> None:
        """Make room, or give it back."""
        for column in self._columns:
            column.resize((rows, *column.shape[1:]), refcheck=False)  # nobody else has seen them
