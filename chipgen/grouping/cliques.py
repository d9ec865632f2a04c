"""Groups of boxes that one window can enclose together, none of which can be enlarged.

A box is enclosed by every window whose origin lies in one rectangle (`cover.Origins`). So windows that enclose as much
as possible stand where as many of these rectangles as possible meet, and where no other joins them: at the maximal
cliques of the rectangles. Nothing else needs to be looked at to find the fewest windows.

Along each axis a maximal clique of intervals lies between a beginning and the next end. Pairs of these, one of either
axis, are cells of a small table; a cell is left out when its boxes all lie in a neighbour, too: of nested groups one
neighbour always holds the other, because rectangles are convex. All images are laid out behind each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import pieces, spread
from chipgen.grouping.incidence import Incidence

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints
    from chipgen.cover import Origins

MOST_OF_IMAGE, MOST_OF_TILE = 256, 12
"""Cliques along one axis of a whole image and of a tile; of more only so many, spread evenly, are looked at."""
POSITION_BITS = 40
PAIRS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Spans:
    """The cliques along one axis of all pieces, numbered within their piece.

    `count` holds their number in each piece, `start` and `stop` the half-open span of those that hold each box.
    """

    count: Ints
    start: Ints
    stop: Ints

    def of(self, rows: Ints) -> Spans:
        """Return the spans of some boxes."""
        return Spans(self.count, self.start[rows], self.stop[rows])


@dataclass(frozen=True)
class Layout:
    """The cliques of all pieces of all images, and which of them hold each box.

    Parameters
    ----------
    piece, box
        Of each box in each piece it reaches, by piece; a piece is an image, or a tile of one.
    x, y
        The cliques along both axes.
    boxes
        Number of boxes.
    most
        Cliques along one axis of a piece that are looked at.
    """

    piece: Ints
    box: Ints
    x: Spans
    y: Spans
    boxes: int
    most: int

    @classmethod
    def of(cls, origins: Origins, image: Ints, tile: int = 0) -> Layout:
        """Find the cliques of many images.

        Parameters
        ----------
        origins
            Where windows enclose each box; N boxes, each held by some window.
        image
            Row of the image of each box, sorted and without a gap, shape ``(N,)``, int64.
        tile
            Side of the tiles in which images are looked at, scaled px; 0 to look at each as a whole.
        """
        piece, box, first, last = _pieces(origins, image, tile)
        x, y = (_spans(piece, first[:, axis], last[:, axis]) for axis in (0, 1))
        return cls(piece, box, x, y, len(image), MOST_OF_TILE if tile else MOST_OF_IMAGE)

    def whole(self) -> Bools:
        """Tell in which pieces all cliques are looked at, shape ``(P,)``."""
        return np.asarray((self.x.count <= self.most) & (self.y.count <= self.most))

    def groups(self) -> Incidence:
        """Return the boxes of each group, groups by piece; of very many cliques only some are looked at."""
        x, y = (_thinned(spans, self.piece, self.most) for spans in (self.x, self.y))
        table = _Table(self.piece, x, y)
        return Incidence.of(*table.members(*table.largest(), self.box), self.boxes)


def _pieces(origins: Origins, image: Ints, tile: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return piece, box and rectangle of origins of every box in every piece it reaches, by piece.

    A piece is an image, or a tile of the places that windows may take in it.
    """
    if not tile:
        return image, np.arange(len(image)), origins.first, origins.last
    low, high = origins.first // tile, origins.last // tile
    wide, tall = (high - low + 1).T
    box, number = spread(np.zeros_like(image), wide * tall)
    at = low[box] + np.stack((number // tall[box], number % tall[box]), axis=1)
    stride = at.max(axis=0, initial=0) + 1
    key = (image[box] * stride[0] + at[:, 0]) * stride[1] + at[:, 1]
    order = np.argsort(key, kind="stable")
    piece = np.unique(key[order], return_inverse=True)[1]
    box, at = box[order], at[order]
    first, last = np.maximum(origins.first[box], at * tile), np.minimum(origins.last[box], (at + 1) * tile - 1)
    return piece, box, first, last


def _spans(piece: Ints, first: Ints, last: Ints) -> Spans:
    """Find the maximal cliques of intervals ``first..last``, both included: an end right after a beginning."""
    own = piece << POSITION_BITS + 1
    keys = np.concatenate((own | first << 1, own | last << 1 | 1))
    order = np.argsort(keys, kind="stable")
    ends = order >= len(piece)
    clique = ends & ~np.concatenate(([True], ends[:-1]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(clique)
    owner = piece[order[clique] - len(piece)]
    count = np.bincount(owner, minlength=int(piece.max(initial=-1)) + 1)
    before = (np.cumsum(count) - count)[piece]
    start, stop = place[: len(piece)] - before, place[len(piece) :] - before
    return Spans(count, start, stop)


def _thinned(spans: Spans, piece: Ints, most: int) -> Spans:
    """Keep `most` cliques of each piece, and one for every box that would have none left."""
    if spans.count.max(initial=0) <= most:
        return spans
    ends = np.cumsum(spans.count)
    before = ends - spans.count
    owner, number = spread(np.zeros_like(before), spans.count)
    many = np.maximum(spans.count, most)[owner]
    keep = (number + 1) * most // many > number * most // many
    own = before[piece]
    for _ in range(2):
        kept = np.concatenate(([0], np.cumsum(keep)))
        start, stop = kept[own + spans.start], kept[own + spans.stop]
        keep[(own + (spans.start + spans.stop - 1) // 2)[start == stop]] = True
    return Spans(kept[ends] - kept[before], start - kept[own], stop - kept[own])


@dataclass(frozen=True)
class _Table:
    """Every pair of a clique along x and one along y, for all pieces."""

    piece: Ints
    x: Spans
    y: Spans

    def largest(self) -> tuple[Ints, Ints, Ints]:
        """Return piece, column and row of the cells whose boxes do not all lie in a neighbour, too.

        They do when none of them ends here. When none begins here, the neighbour before holds them all; of several
        neighbours with the same boxes only the last is kept. Whatever stands before the first cell of a line may be
        of another line: boxes that do not begin in a first cell are not there.
        """
        end, begin, base = self._edges(self.x, self.y)
        line = self.y.count + 1
        before = np.maximum(np.arange(len(end)) - np.repeat(line, self.x.count * line), 0)
        cell = np.flatnonzero((end > 0) & ((begin > 0) | (end[before] == 0)))
        piece = np.searchsorted(base, cell, "right") - 1
        place = cell - base[piece]
        column, row = place // line[piece], place % line[piece]
        end, begin, base = self._edges(self.y, self.x)
        line = self.x.count[piece] + 1
        cell = base[piece] + row * line + column
        keep = (end[cell] > 0) & ((begin[cell] > 0) | (end[np.maximum(cell - line, 0)] == 0))
        return piece[keep], column[keep], row[keep]

    def _edges(self, across: Spans, along: Spans) -> tuple[Ints, Ints, Ints]:
        """Count, for each cell, its boxes that end and that begin there on one axis.

        The flat table has the other axis innermost, and there one cell too many, where all boxes have ended: so one
        running sum serves all lines of all pieces. Returned last is where each piece begins.
        """
        sizes = across.count * (along.count + 1)
        base = np.cumsum(sizes) - sizes
        marks = np.zeros(int(sizes.sum()), dtype=np.int64)
        length = along.count[self.piece] + 1
        for line, weight in ((across.stop - 1, 1), (across.start, 1 << 32)):
            at = base[self.piece] + line * length
            np.add.at(marks, at + along.start, weight)
            np.subtract.at(marks, at + along.stop, weight)
        counts = np.cumsum(marks)
        return counts & 0xFFFFFFFF, counts >> 32, base

    def members(self, piece: Ints, column: Ints, row: Ints, box: Ints) -> tuple[Ints, Ints]:
        """Return every pair of a cell and a box in it: number of the cell and name of the box.

        Cells come by piece and column, so those in the columns of a box are neighbours; only rows are compared.
        """
        before = np.cumsum(self.x.count) - self.x.count
        ends = np.searchsorted(before[piece] + column, np.arange(int(self.x.count.sum()) + 1))
        own = before[self.piece]
        first = ends[own + self.x.start]
        count = ends[own + self.x.stop] - first
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
        for part in pieces(count, PAIRS_AT_ONCE):
            entry, cell = spread(first[part], count[part])
            at = row.take(cell, mode="clip")
            inside = np.flatnonzero((self.y.start[part][entry] <= at) & (at < self.y.stop[part][entry]))
            found.append((cell[inside], box[part][entry[inside]]))
        cell, members = (np.concatenate(part) for part in zip(*found, strict=True))
        return cell, members
