"""The greedy cover: the fewest windows, more or less, that completely enclose every box.

A window is ``chip_size`` wide and high (less where the scaled image is smaller) and stands at whole scaled pixels.
Along each axis it may stand

- on the stride grid: 0, stride, 2 * stride, ...;
- at the right or bottom edge, so that the last column and row can always be reached;
- for a box that none of these enclose: in the middle of the places that do.

The cover takes the window that encloses most boxes not enclosed so far, again and again. Among equals, each position
along x and along y has a random priority; the lowest x decides, then the lowest y. Because priorities belong to
positions and not to windows, neighbouring positions that enclose the same boxes can be merged into the best of them
without changing the result: that keeps the table of candidates small even in huge images.

This is the cover of one image; `chipgen.cover_many` chooses the same windows for many images at once, and
`chipgen.negative` covers proposals in the same way.

Source: SNIPER, section 3.2 (positive chip selection). Deliberate differences: windows are half-open everywhere, so
a chip holds exactly ``chip_size`` pixels; a box too long for the grid brings its own positions instead of being
dropped; ties come from a seeded stream instead of a shuffle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints
from chipgen.chips import content_of
from chipgen.streams import first_word, hashes
from chipgen.words import BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from chipgen.streams import Words


@dataclass(frozen=True)
class Origins:
    """The window origins that enclose each box: every whole pixel from `first` to `last`, both included.

    Parameters
    ----------
    first, last
        Shape ``(N, 2)``, int64, scaled px; ``first > last`` where no window can hold the box.
    """

    first: Ints
    last: Ints

    @property
    def exist(self) -> Bools:
        """Tell which boxes a window can hold, shape ``(N,)``."""
        return np.asarray(np.all(self.first <= self.last, axis=-1), dtype=np.bool_)

    def take(self, rows: Ints) -> Origins:
        """Return those of some boxes."""
        return Origins(np.take(self.first.T, rows, axis=1).T, np.take(self.last.T, rows, axis=1).T)


def enclosing_origins(xyxy_scaled: Floats, size_scaled: Ints, chip_size: int) -> Origins:
    """Return where a window may stand to enclose each box.

    Parameters
    ----------
    xyxy_scaled
        Boxes inside the scaled image, shape ``(N, 4)``.
    size_scaled
        Scaled width and height, shape ``(2,)``, or one for each box ``(N, 2)``.
    chip_size
        Side of a chip, scaled px.
    """
    content = content_of(size_scaled, chip_size)
    room = size_scaled - content
    first, last = np.empty((2, 2, len(xyxy_scaled)), dtype=np.int64)
    for axis in (0, 1):
        low = np.ceil(xyxy_scaled[:, axis + 2] - content[..., axis] - TOLERANCE)
        high = np.floor(xyxy_scaled[:, axis] + TOLERANCE)
        first[axis], last[axis] = np.maximum(low, 0), np.minimum(high, room[..., axis])
    return Origins(first.T, last.T)


@dataclass(frozen=True)
class _Axis:
    """Candidate positions along one axis, merged into runs that enclose the same boxes.

    `position` and `priority` belong to the candidates, `cuts` holds the first of each run; `start` and `stop` tell for
    each box which runs enclose it, half-open.
    """

    position: Ints
    priority: Ints
    cuts: Ints
    start: Ints
    stop: Ints


def candidate_positions(first: Ints, last: Ints, room: int, stride: int) -> Ints:
    """Return all positions a window may take along one axis, sorted.

    Parameters
    ----------
    first, last
        For each box the first and last position that encloses it, shape ``(N,)``.
    room
        The last position inside the image.
    stride
        Distance of the grid, scaled px.
    """
    grid = np.append(np.arange(0, room, stride, dtype=np.int64), room)
    missed = np.searchsorted(grid, first, "left") == np.searchsorted(grid, last, "right")
    middles = (first[missed] + last[missed]) // 2
    return np.union1d(grid, middles)


HASH_BITS, INDEX_BITS = 24, 24
"""Bits of a priority: random ones, and below them the number of the position, which settles the rest."""


def priorities(words: Words, axis: int, number: Ints) -> Ints:
    """Return the priority of positions along an axis, lowest first.

    Parameters
    ----------
    words
        Random word of the image of each position, shape ``(P,)`` or ``(1,)``, uint64.
    axis
        0 along x, 1 along y.
    number
        Number of each position among those of its image, shape ``(P,)``, int64.
    """
    random = hashes(words, number.astype(np.uint64) + np.uint64(axis << 32))
    return np.asarray((random >> np.uint64(BITS - HASH_BITS) << np.uint64(INDEX_BITS)).astype(np.int64) + number)


def _axis(origins: Origins, axis: int, room: int, stride: int, words: Words) -> _Axis:
    """Lay out one axis and merge neighbouring positions that enclose the same boxes."""
    first, last = origins.first[:, axis], origins.last[:, axis]
    position = candidate_positions(first, last, room, stride)
    start = np.searchsorted(position, first, "left")
    stop = np.searchsorted(position, last, "right")
    cuts = np.unique(np.concatenate(([0], start, stop)))
    cuts = cuts[cuts < len(position)]
    priority = np.empty_like(position)
    priority[np.argsort(priorities(words, axis, np.arange(len(position))))] = np.arange(len(position))
    return _Axis(position, priority, cuts, np.searchsorted(cuts, start), np.searchsorted(cuts, stop))


def greedy_cover(xyxy_scaled: Floats, size_scaled: Ints, chip_size: int, stride: int, rng: Generator) -> Ints:
    """Choose windows until every box lies completely inside one.

    Parameters
    ----------
    xyxy_scaled
        Boxes that a window can hold (see `enclosing_origins`), shape ``(N, 4)``, float64.
    size_scaled
        Scaled width and height, shape ``(2,)``.
    chip_size, stride
        Side of a chip and distance of the grid, scaled px.
    rng
        Decides between windows that enclose equally many boxes.

    Returns
    -------
    ndarray
        Origins in the order chosen, shape ``(K, 2)``, int64, scaled px.
    """
    return cover_one(xyxy_scaled, size_scaled, chip_size, stride, first_word(rng))


def cover_one(xyxy_scaled: Floats, size_scaled: Ints, chip_size: int, stride: int, words: Words) -> Ints:
    """Do what `greedy_cover` does with the random word of the image, shape ``(1,)``, uint64, instead of a stream."""
    if not len(xyxy_scaled):
        return np.empty((0, 2), dtype=np.int64)
    origins = enclosing_origins(xyxy_scaled, size_scaled, chip_size)
    room = size_scaled - content_of(size_scaled, chip_size)
    x, y = (_axis(origins, axis, int(room[axis]), stride, words) for axis in (0, 1))
    return np.array(list(_choose(x, y)), dtype=np.int64).reshape(-1, 2)


def _choose(x: _Axis, y: _Axis) -> Iterator[tuple[int, int]]:
    """Yield the origins of the chosen windows, best first.

    A candidate's score is the number of boxes it still encloses times the number of windows, plus what makes it win
    among equals: one integer, so that one argmax decides.
    """
    windows = len(x.position) * len(y.position)
    lead = _lead(x, y)
    score = _enclosed(x, y) * windows + lead
    by_priority = [axis.position[np.argsort(axis.priority)] for axis in (x, y)]
    open_ = np.ones(len(x.start), dtype=np.bool_)
    while open_.any():
        column, row = divmod(int(score.argmax()), len(y.cuts))
        # The lead tells which of the merged positions it was.
        at = divmod(windows - 1 - int(lead[column, row]), len(y.position))
        yield int(by_priority[0][at[0]]), int(by_priority[1][at[1]])
        enclosed = open_ & (x.start <= column) & (column < x.stop) & (y.start <= row) & (row < y.stop)
        open_ &= ~enclosed
        for box in np.flatnonzero(enclosed).tolist():
            score[x.start[box] : x.stop[box], y.start[box] : y.stop[box]] -= windows


def _lead(x: _Axis, y: _Axis) -> Ints:
    """Return the lead of the best window in each pair of runs, shape ``(columns, rows)``; the higher one wins."""
    rows = len(y.position)
    best_x, best_y = np.minimum.reduceat(x.priority, x.cuts), np.minimum.reduceat(y.priority, y.cuts)
    return np.asarray(len(x.position) * rows - 1 - best_x[:, None] * rows - best_y)


def _enclosed(x: _Axis, y: _Axis) -> Ints:
    """Return how many boxes each candidate encloses, shape ``(columns, rows)``.

    Each box is a rectangle of candidates: mark its corners, sum up along both axes.
    """
    marks = np.zeros((len(x.cuts) + 1, len(y.cuts) + 1), dtype=np.int64)
    np.add.at(marks, (x.start, y.start), 1)
    np.add.at(marks, (x.stop, y.stop), 1)
    np.add.at(marks, (x.start, y.stop), -1)
    np.add.at(marks, (x.stop, y.start), -1)
    return np.asarray(marks.cumsum(axis=0).cumsum(axis=1)[:-1, :-1], dtype=np.int64)
