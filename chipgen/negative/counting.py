"""Which boxes the windows of a grid enclose, and how many, for many images at once.

A box is a rectangle of grid positions: one more is marked where it begins, one less where it ends, and sums along both
axes give the counts. Grids lie side by side, sorted by their number of columns: first column of all, second column of
those that have one, and so on. Down the columns one running sum serves all grids, because the marks of every column
add up to nothing; across, each column of all grids is added to the next one in a single step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import bounds, pieces, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Ints
    from chipgen.cover import Origins

PAIRS_AT_ONCE = 65_536
"""Pairs of chip and box compared together."""


@dataclass(frozen=True)
class Grids:
    """The grids of some images side by side, each with a column and a row to spare; Q of them.

    Parameters
    ----------
    columns, rows
        Of each grid, those to spare included, shape ``(Q,)``, int64.
    start
        First cell of each column of all grids and the end of the last, shape ``(C + 1,)``, int64.
    top
        Where the rows of each grid begin in such a column, shape ``(Q,)``, int64.
    owner
        The grid of each row of the first column, shape ``(R,)``, int64.
    """

    columns: Ints
    rows: Ints
    start: Ints
    top: Ints
    owner: Ints

    @classmethod
    def of(cls, columns: Ints, rows: Ints) -> Grids:
        """Lay out grids of so many columns and rows."""
        order = np.argsort(-columns, kind="stable")
        ends = bounds(rows[order])
        top = np.empty_like(rows)
        top[order] = ends[:-1]
        widest = int(columns.max(initial=0))
        have = np.searchsorted(-columns[order], -np.arange(widest), "left")  # grids with more columns than 0, 1, ...
        return cls(columns, rows, bounds(ends[have]), top, np.repeat(order, rows[order]))

    def cell(self, grid: Ints, column: Ints, row: Ints) -> Ints:
        """Return the numbers of cells."""
        return np.asarray(self.start[column] + self.top[grid] + row)

    def enclosed(self, grid: Ints, boxes: Ints) -> Ints:
        """Count the boxes that each cell encloses.

        Parameters
        ----------
        grid
            Of each box, shape ``(N,)``.
        boxes
            First column and the one after the last, first row and the one after the last, shape ``(4, N)``.

        Returns
        -------
        ndarray
            Shape ``(cells,)``, int64.
        """
        left, right = self.start[boxes[:2]]
        upper, lower = self.top[grid] + boxes[2:]
        cells = int(self.start[-1])
        counts = np.bincount(np.concatenate((left + upper, right + lower)), minlength=cells)
        counts -= np.bincount(np.concatenate((left + lower, right + upper)), minlength=cells)
        np.cumsum(counts, out=counts)
        starts = self.start.tolist()
        for before, first, end in zip(starts, starts[1:], starts[2:], strict=False):
            counts[first:end] += counts[before : before + end - first]
        return counts

    def at_least(self, counts: Ints, least: Ints) -> tuple[Ints, Ints, Ints]:
        """Return grid, column and row of the cells that count so many, by grid; `least` is that of each grid."""
        needed = least[self.owner]
        starts = self.start.tolist()
        found = [np.flatnonzero(counts[a:b] >= needed[: b - a]) for a, b in itertools.pairwise(starts)]
        column = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
        row = np.concatenate([np.empty(0, dtype=np.int64), *found])
        grid = self.owner[row]
        order = np.argsort(grid, kind="stable")
        return grid[order], column[order], (row - self.top[grid])[order]


def enclosed_by(chips: tuple[Ints, Ints], image: Ints, origins: Origins, images: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield every pair of a chip and a box that it encloses, in pieces of bounded size.

    Parameters
    ----------
    chips
        Row of the image and origin of each chip, shapes ``(K,)`` and ``(K, 2)``, int64, scaled px.
    image, origins
        Row of the image of each box, sorted, shape ``(N,)``, and where windows enclose it.
    images
        Number of images.

    Yields
    ------
    chip, box
        Rows, by chip and then by box, shape ``(pairs,)``, int64.
    """
    count = np.bincount(image, minlength=images)
    first, many = bounds(count)[chips[0]], count[chips[0]]
    for piece in pieces(many, PAIRS_AT_ONCE):
        chip, box = spread(first[piece], many[piece])
        chip += piece.start
        for axis in (0, 1):
            at = chips[1][:, axis][chip]
            inside = np.flatnonzero((origins.first[:, axis][box] <= at) & (at <= origins.last[:, axis][box]))
            chip, box = chip[inside], box[inside]
        yield chip, box
