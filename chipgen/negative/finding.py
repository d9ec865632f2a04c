"""Finding negative chips: a cover of proposals whose windows must be worth a chip.

As in `chipgen.cover_many`, the images of a stretch are worked on together, each with a grid of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints
from chipgen.chips import content_of
from chipgen.cover import priorities
from chipgen.flat import bounds, pieces, spread
from chipgen.negative.closed import Boxes, closed
from chipgen.negative.counting import Grids
from chipgen.negative_config import PAPER_MINIMUM, PAPER_PER_IMAGE
from chipgen.places import Places, places_along

if TYPE_CHECKING:
    from chipgen.config import PlanConfig
    from chipgen.cover import Origins
    from chipgen.negative_config import NegativeConfig
    from chipgen.streams import Words

CELLS_AT_ONCE = 524_288
"""Windows counted together, unless one image has more: bounds the memory of large images."""


@dataclass(frozen=True)
class Minimum:
    """How many proposals a negative chip needs.

    Parameters
    ----------
    finest, others
        At the finest level of an image and at the others.
    given
        One number, or one for each level, that the user asked for instead.
    """

    finest: int
    others: int
    given: tuple[int, ...] | None = None

    @classmethod
    def of(cls, config: NegativeConfig, an_image: float) -> Minimum:
        """Return the minimum for a file with so many proposals an image.

        The paper's code asks for more than 25 at the finest level and more than 10 at the others, of about 300
        proposals an image. These numbers are kept down to 200 proposals an image; for files with fewer they shrink
        in proportion, rounded up: with 100 an image they are 13 and 6.
        """
        share = min(1.0, an_image / PAPER_PER_IMAGE)
        finest, others = (max(1, math.ceil(number * share - TOLERANCE)) for number in PAPER_MINIMUM)
        return cls(finest, others, config.min_proposals)

    def at_levels(self, factor: Floats) -> Ints:
        """Return the minimum of each level of an image, or of many; `factor` has the same shape, ``(..., L)``."""
        if self.given is not None:
            return np.broadcast_to(np.array(self.given, dtype=np.int64), factor.shape)
        return np.where(factor == factor.max(axis=-1, keepdims=True), self.finest, self.others).astype(np.int64)

    def __str__(self) -> str:
        """Return the minimum for people."""
        if self.given is not None:
            return f"at least {', '.join(map(str, self.given))} in each"
        return f"at least {self.finest} in each at the finest level, {self.others} at the others"


@dataclass(frozen=True)
class Ground:
    """Some images at one level, in which negative chips are looked for; M of them.

    Parameters
    ----------
    size_scaled
        Scaled width and height, shape ``(M, 2)``, int64.
    at_least
        Proposals a chip must enclose that no chip before it does, shape ``(M,)``, int64, 1 or more.
    words
        What decides between equally good windows, shape ``(M,)``, uint64.
    boxes
        The annotated boxes.
    config
        Sizes of chips and grid, and where no chip may stand.
    """

    size_scaled: Ints
    at_least: Ints
    words: Words
    boxes: Boxes
    config: PlanConfig

    @property
    def content(self) -> Ints:
        """Return width and height of the chips of each image, shape ``(M, 2)``, int64, scaled px."""
        return content_of(self.size_scaled, self.config.chip_size)


def mine(ground: Ground, image: Ints, origins: Origins) -> tuple[Ints, Ints]:
    """Find the negative chips of some images at one level.

    Parameters
    ----------
    ground
        The images at the level.
    image
        Row of the image of each proposal that counts, sorted, shape ``(P,)``, int64.
    origins
        Where windows enclose each of these; somewhere they do.

    Returns
    -------
    image, origin
        Of each chip, by image and then in the order found, shapes ``(K,)`` and ``(K, 2)``, int64, scaled px.
    """
    count = np.bincount(image, minlength=len(ground.at_least))
    images, first = np.flatnonzero(count >= ground.at_least), bounds(count)
    room = ground.size_scaled[images] - ground.content[images]
    found = [(np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    for piece in pieces((-(-room // ground.config.stride) + 2).prod(axis=1), CELLS_AT_ONCE):
        own = images[piece]
        grid, rows = spread(first[own], count[own])
        at, origin = _mine(ground, own, grid, origins.take(rows))
        found.append((own[at], origin))
    images, origin = (np.concatenate(column) for column in zip(*found, strict=True))
    return images, origin


@dataclass(frozen=True)
class _Windows:
    """Windows that are worth a chip, by grid; W of them.

    `column` and `row` tell where in its grid each stands, `gain` how many proposals it encloses that no chip does yet.
    """

    grid: Ints
    column: Ints
    row: Ints
    gain: Ints

    def take(self, rows: Ints) -> _Windows:
        """Return some of them."""
        return _Windows(self.grid[rows], self.column[rows], self.row[rows], self.gain[rows])

    def origin(self, x: Places, y: Places) -> Ints:
        """Return where they stand, shape ``(W, 2)``, scaled px."""
        at_x, at_y = x.spans[self.grid] + self.column, y.spans[self.grid] + self.row
        return np.stack((x.position[at_x], y.position[at_y]), axis=1)


@dataclass(frozen=True)
class _Proposals:
    """Proposals that no chip encloses so far, by grid; `enclosing` tells which windows do, see `Grids.enclosed`."""

    grid: Ints
    enclosing: Ints

    def take(self, rows: Ints) -> _Proposals:
        """Return some of them."""
        return _Proposals(self.grid[rows], np.take(self.enclosing, rows, axis=1))


def _mine(ground: Ground, images: Ints, grid: Ints, origins: Origins) -> tuple[Ints, Ints]:
    """Find the chips of some images, each with a grid of its own and enough proposals; see `mine`."""
    room, least = ground.size_scaled[images] - ground.content[images], ground.at_least[images]
    x, y = (places_along(axis, origins, grid, room[:, axis], ground.config.stride) for axis in (0, 1))
    proposals = _Proposals(grid, np.array((x.start, x.stop, y.start, y.stop)))
    grids = Grids.of(np.diff(x.spans), np.diff(y.spans))
    counts = grids.enclosed(grid, proposals.enclosing)
    at = grids.at_least(counts, least)
    windows = _Windows(*at, counts[grids.cell(*at)])
    shut = closed(images[windows.grid], windows.origin(x, y), ground.content, ground.boxes, ground.config)
    chips = _choose(windows.take(np.flatnonzero(~shut)), grids, proposals, least, ground.words[images])
    return chips.grid, chips.origin(x, y)


def _choose(windows: _Windows, grids: Grids, proposals: _Proposals, least: Ints, words: Words) -> _Windows:
    """Choose windows in all grids at once, one a round in each; they come by grid and then in the order chosen."""
    found = [windows.take(np.empty(0, dtype=np.int64))]
    while len(windows.grid):
        proposals = proposals.take(np.flatnonzero(_are_in(windows.grid, len(least))[proposals.grid]))
        best = windows.take(_best(windows, words))
        found.append(best)
        shown = _shown(best, proposals, len(least))
        gone, proposals = proposals.take(np.flatnonzero(shown)), proposals.take(np.flatnonzero(~shown))
        enough = np.bincount(proposals.grid, minlength=len(least)) >= least
        windows = _without(gone, windows.take(np.flatnonzero(enough[windows.grid])), grids)
        windows = windows.take(np.flatnonzero(windows.gain >= least[windows.grid]))
    chosen = _Windows(*(np.concatenate([getattr(part, name) for part in found]) for name in vars(windows)))
    return chosen.take(np.argsort(chosen.grid, kind="stable"))


def _shown(best: _Windows, proposals: _Proposals, grids: int) -> Bools:
    """Tell which proposals the best windows of their grids enclose, shape ``(P,)``."""
    column, row = np.full((2, grids), -1)
    column[best.grid], row[best.grid] = best.column, best.row
    left, right, top, bottom = proposals.enclosing
    column, row = column[proposals.grid], row[proposals.grid]
    return np.asarray((left <= column) & (column < right) & (top <= row) & (row < bottom))


def _are_in(numbers: Ints, count: int) -> Bools:
    """Tell of each number below a count whether it is among some, shape ``(count,)``."""
    found = np.zeros(count, dtype=np.bool_)
    found[numbers] = True
    return found


def _without(gone: _Proposals, windows: _Windows, grids: Grids) -> _Windows:
    """Return the windows with less gain, by the proposals that are gone."""
    going = _are_in(windows.grid, len(grids.rows))
    gone, number = gone.take(np.flatnonzero(going[gone.grid])), np.cumsum(going) - 1
    some = Grids.of(grids.columns[going], grids.rows[going])
    less = some.enclosed(number[gone.grid], gone.enclosing)
    return replace(windows, gain=windows.gain - less[some.cell(number[windows.grid], windows.column, windows.row)])


def _best(windows: _Windows, words: Words) -> Ints:
    """Return the best window of each grid: most proposals, then the lowest priority along x, then along y."""
    rows = _lowest(-windows.gain, windows.grid)
    for axis, at in enumerate((windows.column, windows.row)):
        grid = windows.grid[rows]
        rows = rows[_lowest(priorities(words[grid], axis, at[rows]), grid)]
    return rows


def _lowest(values: Ints, group: Ints) -> Ints:
    """Return the rows that hold the lowest value of their group; groups are sorted."""
    heads = np.flatnonzero(np.diff(group, prepend=-1))
    lowest = np.minimum.reduceat(values, heads)
    return np.flatnonzero(values == np.repeat(lowest, np.diff(heads, append=len(group))))
