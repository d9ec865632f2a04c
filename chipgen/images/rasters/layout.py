"""How the values of one picture in a TIFF lie in its file: its size, its bands, its segments (tiles or strips)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from chipgen.boxes import Ints
    from chipgen.images.rasters.directory import Directory

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIPS, ORIENTATION, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANES = 273, 274, 277, 278, 279, 284
PREDICTOR, COLOURS, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 317, 320, 322, 323, 324, 325
EXTRA, FORMAT, JPEG_TABLES, SUBSAMPLING, DEPTH, NODATA = 338, 339, 347, 530, 32997, 42113
"""Tags."""

PLAIN, JPEG = 1, 7
PACKED = frozenset({5, 8, 32773, 32946, 34925, 50000})
"""LZW, deflate, PackBits, deflate again, LZMA, Zstandard: of each the decoder is told how many bytes it may make."""

INVERTED, GREY, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6

KINDS = {1: "u", 2: "i", 3: "f"}
"""Types of samples; whole ones of 8, 16 and 32 bits, floats of 16, 32 and 64."""
TYPES = frozenset({"u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"})

MOST_BANDS = 4096
"""Of a pixel; instruments that see hundreds of colours write hundreds."""

MOST_SEGMENT = 32 << 20
"""Bytes of a segment once it is decoded. While it is, it may be held three times: as it came out of its decoder, put
right, and as colours. A tile of 2048 x 2048 px with three channels takes 12 MB."""
MOST_PACKED = 1 << 20
"""Bytes that a segment may take more, before it is decoded, than twice what it takes afterwards."""

PLAIN_CELL = 512
"""Side of the parts in which strips that are not compressed are read, px: they can be cut anywhere."""


@dataclass(frozen=True)
class Layout:
    """How the values of a picture lie in its file.

    Parameters
    ----------
    size
        Width and height, px.
    samples
        Values of a pixel.
    dtype
        Their type, as in the file.
    photometric, compression
        As the tags of these names say.
    planar
        Whether each band has segments of its own.
    predicted
        Whether values are stored as differences.
    tiled
        Whether the segments are tiles.
    segment
        Width and height of a segment, px; those at the right and at the bottom may be cut short.
    offsets, lengths
        Where each segment begins and how many bytes it has, by plane, row and column, shape ``(N,)``, int64.
    """

    size: tuple[int, int]
    samples: int
    dtype: np.dtype[Any]
    photometric: int
    compression: int
    planar: bool
    predicted: bool
    tiled: bool
    segment: tuple[int, int]
    offsets: Ints
    lengths: Ints

    @property
    def grid(self) -> tuple[int, int]:
        """Return how many segments a plane has along x and y."""
        return _grid(self.size, self.segment)

    @property
    def values(self) -> int:
        """Return how many values a pixel has in one segment."""
        return 1 if self.planar else self.samples

    @property
    def segment_bytes(self) -> int:
        """Return how many bytes a whole segment takes once it is decoded."""
        return math.prod(self.segment) * self.values * self.dtype.itemsize

    @property
    def cuttable(self) -> bool:
        """Tell whether the pixels lie in rows in the file, so that any part of a segment can be read alone."""
        return self.compression == PLAIN and not self.predicted and not self.tiled

    @property
    def cell(self) -> tuple[int, int]:
        """Return width and height of the parts that are read at once, px."""
        return (PLAIN_CELL, PLAIN_CELL) if self.cuttable else self.segment


def layout_of(directory: Directory) -> Layout | None:
    """Return how a picture lies in its file.

    Returns
    -------
    Layout or None
        None of a picture that is not read by its segments; Pillow may read it, or knows why not.
    """
    if not _plain_enough(directory):
        return None
    tiled = TILES in directory.lines
    size = (directory.number(WIDTH), directory.number(HEIGHT))
    height = min(directory.number(STRIP_ROWS) or size[1], size[1])
    segment = (directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT)) if tiled else (size[0], height)
    dtype = _dtype(directory)
    if dtype is None or min(*size, *segment) < 1:
        return None
    samples, planar = directory.number(SAMPLES, 1), directory.number(PLANES, 1) == 2
    count = math.prod(_grid(size, segment)) * (samples if planar else 1)
    found = Layout(
        size=size,
        samples=samples,
        dtype=dtype,
        photometric=directory.number(PHOTOMETRIC, -1),
        compression=directory.number(COMPRESSION, 1),
        planar=planar and samples > 1,
        predicted=directory.number(PREDICTOR, 1) != 1,
        tiled=tiled,
        segment=segment,
        offsets=directory.numbers(TILES if tiled else STRIPS)[:count],
        lengths=directory.numbers(TILE_BYTES if tiled else STRIP_BYTES)[:count],
    )
    fits = found.segment_bytes <= MOST_SEGMENT or found.cuttable
    return found if _known(found) and fits and len(found.offsets) and len(found.lengths) else None


def _grid(size: tuple[int, int], segment: tuple[int, int]) -> tuple[int, int]:
    """Return how many segments there are along x and y."""
    return -(-size[0] // segment[0]), -(-size[1] // segment[1])


def _plain_enough(directory: Directory) -> bool:
    """Tell whether there is nothing about a picture that is left to Pillow: it is turned, has layers, reversed bits."""
    turned = directory.number(ORIENTATION, 1) in range(2, 9)
    return not turned and directory.number(DEPTH, 1) == 1 and directory.number(FILL_ORDER, 1) == 1


def _dtype(directory: Directory) -> np.dtype[Any] | None:
    """Return the type of all values; None where there is none, or several."""
    bits = set(directory.numbers(BITS).tolist() or [1])
    kinds = set(directory.numbers(FORMAT).tolist() or [1])
    if len(bits) != 1 or len(kinds) != 1:
        return None
    name = f"{KINDS.get(kinds.pop(), '')}{bits.pop() / 8:g}"
    return np.dtype(directory.form.order + name) if name in TYPES else None


def _known(layout: Layout) -> bool:
    """Tell whether values of this kind are known to come out right."""
    if not 1 <= layout.samples <= MOST_BANDS or layout.photometric not in {INVERTED, GREY, RGB, PALETTE, YCBCR}:
        return False
    if layout.compression == JPEG:
        colours = layout.samples == 3 and layout.photometric in {RGB, YCBCR} and not layout.planar
        return layout.dtype.str[1:] == "u1" and (colours or (layout.samples == 1 and layout.photometric == GREY))
    enough = layout.samples >= 3 if layout.photometric == RGB else layout.photometric != YCBCR
    return enough and (layout.compression == PLAIN or layout.compression in PACKED)


def check_segments(layout: Layout, length: int) -> None:
    """Refuse a picture whose segments are not all in its file: so cheap that it is done before the first is needed.

    Parameters
    ----------
    layout
        Of the picture.
    length
        Bytes of the file.

    Raises
    ------
    UnusableError
        Some are missing, cut short, or longer than their pixels.
    """
    offsets, lengths = layout.offsets, layout.lengths
    count = math.prod(layout.grid) * (layout.samples if layout.planar else 1)
    if len(offsets) < count or len(lengths) < count:
        what = f"has {min(len(offsets), len(lengths)):,} segments, and needs {count:,}"
        raise UnusableError("corrupt", what)
    if ((offsets < 0) | (lengths < 0) | (offsets > length) | (lengths > length - offsets)).any():
        raise UnusableError("corrupt", "is cut short, or says that pixels lie where they are not")
    there = (offsets > 0) & (lengths > 0)
    if layout.compression == PLAIN:
        wanted = _rows(layout, count) * (layout.segment[0] * layout.values * layout.dtype.itemsize)
        if (lengths[there] < wanted[there]).any():
            raise UnusableError("corrupt", "has segments that are shorter than their pixels")
    elif (lengths > 2 * layout.segment_bytes + MOST_PACKED).any():
        raise UnusableError("corrupt", "has segments that are longer than their pixels need")


def _rows(layout: Layout, count: int) -> Ints:
    """Return how many rows each segment has, shape ``(N,)``: tiles are whole, the last strip may be cut short."""
    columns, rows = layout.grid
    heights = np.full(rows, layout.segment[1], dtype=np.int64)
    if not layout.tiled:
        heights[-1] = layout.size[1] - (rows - 1) * layout.segment[1]
    return np.tile(np.repeat(heights, columns), count // (columns * rows))
