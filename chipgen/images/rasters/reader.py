"""A raster that is read by window: only the segments that a window meets are decoded."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import UnusableError
from chipgen.images.pixels import Box, Region
from chipgen.images.rasters.blocks import LARGEST_SIDE, block_means

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from chipgen.images.rasters.colours import Colours
    from chipgen.images.rasters.segments import Segments

    Pixels8 = npt.NDArray[np.uint8]

KEPT_PIXELS = 1 << 24
KEPT_BYTES = 3 * KEPT_PIXELS
"""Of decoded segments, the last used: 16 million pixels. A smaller raster is kept whole."""

AT_ONCE = 1 << 20
"""Pixels reduced at a time."""


@dataclass(frozen=True)
class Level:
    """A raster at its full size, or reduced.

    Parameters
    ----------
    segments
        Its values.
    colours
        How they become colours.
    step_img
        Image px that one pixel stands for along x and y.
    """

    segments: Segments
    colours: Colours
    step_img: tuple[float, float]

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height, px."""
        return self.segments.layout.size


class Raster:
    """A raster, whose pixels are asked for by region; see `chipgen.images.pixels.Pixels`.

    Parameters
    ----------
    levels
        At its full size, then reduced more and more.
    most_pixels
        As many as a region may have.
    """

    def __init__(self, levels: tuple[Level, ...], most_pixels: int) -> None:
        self.levels, self.most_pixels = levels, most_pixels
        self._kept: OrderedDict[tuple[int, int, int], Pixels8] = OrderedDict()
        self._bytes = 0

    @property
    def size_img(self) -> tuple[int, int]:
        """Return width and height, px."""
        return self.levels[0].size

    def region(self, box_img: Box, reduction: int) -> Region:
        """Return the pixels of a part of the image; see `chipgen.images.pixels.Pixels.region`.

        The blocks that are averaged begin at the left upper corner of the image, so that a pixel is the same in all
        regions that show it. Where the file holds reduced pictures, the smallest is taken that is large enough.

        Raises
        ------
        UnusableError
            A segment is damaged, or so many pixels must not be held at once.
        """
        number = max(n for n, level in enumerate(self.levels) if n == 0 or max(level.step_img) <= reduction)
        level = self.levels[number]
        side = max(1, min(int(reduction / max(level.step_img)), LARGEST_SIDE))
        box = _snapped(box_img, self.size_img, level.size, side)
        pixels = -(-(box[2] - box[0]) // side) * -(-(box[3] - box[1]) // side)
        if pixels > self.most_pixels:
            raise UnusableError("too_large", f"a chip is made of {pixels:,} px")
        rgb = self._window(number, box) if side == 1 else self._reduced(number, box, side)
        (left, top, _, _), (step_x, step_y) = box, level.step_img
        return Region(rgb, (left * step_x, top * step_y), (side * step_x, side * step_y))

    def load(self) -> None:
        """Decode all of it, at its full size: what is damaged in it is found here."""
        columns, rows = self.levels[0].segments.grid
        for row, column in itertools.product(range(rows), range(columns)):
            self._cell(0, column, row)

    def _window(self, number: int, box: Box) -> Pixels8:
        """Return the pixels of a box of a level, shape ``(H, W, 3)``."""
        left, top, right, bottom = box
        segments = self.levels[number].segments
        width, height = segments.layout.cell
        found = np.empty((bottom - top, right - left, 3), dtype=np.uint8)
        columns, rows = range(left // width, -(-right // width)), range(top // height, -(-bottom // height))
        for row, column in itertools.product(rows, columns):
            cell = self._cell(number, column, row)
            x, y, x_end, y_end = segments.box(column, row)
            x0, y0, x1, y1 = max(x, left), max(y, top), min(x_end, right), min(y_end, bottom)
            found[y0 - top : y1 - top, x0 - left : x1 - left] = cell[y0 - y : y1 - y, x0 - x : x1 - x]
        return found

    def _reduced(self, number: int, box: Box, side: int) -> Pixels8:
        """Return the means of blocks of a box of a level, worked out a piece at a time."""
        left, top, right, bottom = box
        found = np.empty((-(-(bottom - top) // side), -(-(right - left) // side), 3), dtype=np.uint8)
        for x0, y0, x1, y1 in _pieces(box, self.levels[number].segments.layout.cell, side):
            means = block_means(self._window(number, (x0, y0, x1, y1)), side)
            x, y = (x0 - left) // side, (y0 - top) // side
            found[y : y + means.shape[0], x : x + means.shape[1]] = means
        return found

    def _cell(self, number: int, column: int, row: int) -> Pixels8:
        """Return the colours of a cell, decoded or still there; shape ``(H, W, 3)``, or ``(H, W, 1)`` for grey."""
        key = (number, column, row)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        level = self.levels[number]
        values = level.segments.values(column, row)
        if values is None:
            x, y, x_end, y_end = level.segments.box(column, row)
            return level.colours.empty((y_end - y, x_end - x), level.segments.layout.dtype)
        cell = np.ascontiguousarray(level.colours.of(values))
        self._kept[key] = cell if cell.base is None else cell.copy()  # not the segment that it was cut from
        self._bytes += cell.nbytes
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return cell


def _snapped(box_img: Box, size_img: tuple[int, int], size: tuple[int, int], side: int) -> Box:
    """Return the blocks of a level that hold a box of the image, level px."""
    ends = []
    for axis in (0, 1):
        first = box_img[axis] * size[axis] // size_img[axis]
        last = -(-box_img[axis + 2] * size[axis] // size_img[axis])
        ends.append((first - first % side, min(last + -last % side, size[axis])))
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


def _pieces(box: Box, cell: tuple[int, int], side: int) -> Iterator[Box]:
    """Cut a box into pieces of whole blocks, so that the segments of one are not needed again for many others."""
    left, top, right, bottom = box
    for y0, y1 in _cuts(top, bottom, cell[1], side):
        for x0, x1 in _cuts(left, right, cell[0], side):
            wide = max(side, AT_ONCE // side // side * side)
            for x in range(x0, x1, wide):
                x_end = min(x + wide, x1)
                high = max(side, AT_ONCE // (x_end - x) // side * side)
                yield from ((x, y, x_end, min(y + high, y1)) for y in range(y0, y1, high))


def _cuts(start: int, stop: int, step: int, side: int) -> Iterator[tuple[int, int]]:
    """Yield the parts between multiples of a step, moved on to the end of a block."""
    marks = {mark + -mark % side for mark in range((start // step + 1) * step, stop, step)}
    yield from itertools.pairwise([start, *sorted(mark for mark in marks if mark < stop), stop])
