"""The values of a raster, one segment (a tile or a strip) at a time; tifffile decodes them, and is used here only."""

from __future__ import annotations

import io
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.errors import UnusableError
from chipgen.images.bombs import MOST_SCANS, markers
from chipgen.images.rasters import layout as tags
from chipgen.images.rasters.layout import JPEG, PLAIN, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from chipgen.images.rasters.directory import Directory

DECODING = (
    *(tags.WIDTH, tags.HEIGHT, tags.BITS, tags.COMPRESSION, tags.PHOTOMETRIC, tags.SAMPLES, tags.STRIP_ROWS),
    *(tags.PLANES, tags.PREDICTOR, tags.TILE_WIDTH, tags.TILE_HEIGHT, tags.EXTRA, tags.FORMAT, tags.SUBSAMPLING),
)
"""Tags on which it depends how a segment is decoded."""

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that say how large it is."""

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # without any handler, errors would be printed


def can_decode() -> bool:
    """Tell whether the libraries are there that decode segments: they come with chipgen[raster]."""
    try:
        import imagecodecs  # noqa: F401, PLC0415 -- optional
        import tifffile  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


class Segments:
    """The values of one picture in a TIFF.

    Parameters
    ----------
    directory
        Of the picture.
    layout
        How its values lie in the file.
    """

    def __init__(self, directory: Directory, layout: Layout) -> None:
        self.layout = layout
        self._directory, self._source = directory, directory.source
        self._planes = range(layout.samples if layout.planar else 1)

    @property
    def grid(self) -> tuple[int, int]:
        """Return how many cells there are along x and y; a cell is what is read at once."""
        (width, height), (cell_width, cell_height) = self.layout.size, self.layout.cell
        return -(-width // cell_width), -(-height // cell_height)

    def box(self, column: int, row: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of a cell, px: it ends with the picture."""
        (width, height), (cell_width, cell_height) = self.layout.size, self.layout.cell
        left, top = column * cell_width, row * cell_height
        return left, top, min(left + cell_width, width), min(top + cell_height, height)

    def values(self, column: int, row: int) -> npt.NDArray[Any] | None:
        """Return the values of a cell.

        Returns
        -------
        ndarray or None
            Shape ``(H, W, samples)``, in the processor's byte order; None where nothing was stored.

        Raises
        ------
        UnusableError
            They are damaged.
        """
        read = self._rows if self.layout.cuttable else self._segment
        planes = [read(plane, column, row) for plane in self._planes]
        if all(plane is None for plane in planes):
            return None
        if len(planes) == 1:
            return planes[0]
        left, top, right, bottom = self.box(column, row)
        empty = np.zeros((bottom - top, right - left, 1), dtype=self.layout.dtype.newbyteorder("="))
        return np.concatenate([empty if plane is None else plane for plane in planes], axis=2)

    def _segment(self, plane: int, column: int, row: int) -> npt.NDArray[Any] | None:
        """Return the values of a segment of a plane, None where there are none."""
        found: npt.NDArray[Any]
        layout, (columns, rows) = self.layout, self.layout.grid
        index = (plane * rows + row) * columns + column
        offset, length = int(layout.offsets[index]), int(layout.lengths[index])
        if offset == 0 or length == 0:
            return None
        left, top, right, bottom = self.box(column, row)
        if layout.compression == PLAIN and not layout.predicted:
            shape = (layout.segment[1] if layout.tiled else bottom - top, layout.segment[0], layout.values)
            data = self._source.read(offset, int(np.prod(shape)) * layout.dtype.itemsize)
            found = np.frombuffer(data, dtype=layout.dtype).reshape(shape)
        else:
            found = self._decoded(self._source.read(offset, length), index)
        if found.shape[0] < bottom - top or found.shape[1] < right - left or found.shape[2] != layout.values:
            raise UnusableError("corrupt", f"segment {index:,} is damaged (it holds {found.shape} values)")
        return found[: bottom - top, : right - left].astype(layout.dtype.newbyteorder("="), copy=False)

    def _rows(self, plane: int, column: int, row: int) -> npt.NDArray[Any] | None:
        """Return the values of a part of strips that are not compressed, None where nothing was stored."""
        layout = self.layout
        left, top, right, bottom = self.box(column, row)
        pixel = layout.values * layout.dtype.itemsize
        found = np.zeros((bottom - top, right - left, layout.values), dtype=layout.dtype.newbyteorder("="))
        rows: list[tuple[int, int]] = []
        for y in range(top, bottom):
            strip, below = divmod(y, layout.segment[1])
            index = plane * layout.grid[1] + strip
            if layout.offsets[index] and layout.lengths[index]:
                rows.append((int(layout.offsets[index]) + (below * layout.size[0] + left) * pixel, y - top))
        rows.sort()  # strips may lie in any order
        parts = self._source.read_all([(at, (right - left) * pixel) for at, _ in rows])
        for (_, y), part in zip(rows, parts, strict=True):
            found[y] = np.frombuffer(part, dtype=layout.dtype).reshape(right - left, layout.values)
        return found if rows else None

    def _decoded(self, data: bytes, index: int) -> npt.NDArray[Any]:
        """Decode a segment.

        Raises
        ------
        UnusableError
            It is damaged, or made to take more time or memory than its pixels.
        """
        if self.layout.compression == JPEG:
            _check_jpeg(self._tables or b"", (0, 0), index)  # where nothing has a size
            _check_jpeg(data, self.layout.segment, index)
        try:
            found, _, _ = self._decode(data, index, jpegtables=self._tables)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever they like
            what = f"segment {index:,} is damaged ({type(error).__name__}: {' '.join(str(error).split())})"
            raise UnusableError("corrupt", what) from error
        if found is None or found.ndim != 4 or found.dtype.newbyteorder("=") != self.layout.dtype.newbyteorder("="):
            raise UnusableError("corrupt", f"segment {index:,} is damaged (it holds other values)")
        return np.asarray(found[0])

    @cached_property
    def _tables(self) -> bytes | None:
        """Return what the JPEGs of all segments have in common."""
        return self._directory.data(tags.JPEG_TABLES) or None

    @cached_property
    def _decode(self) -> Callable[..., tuple[npt.NDArray[Any] | None, Any, Any]]:
        """Return tifffile's decoder.

        It is shown a directory made for it, with nothing in it but what decoding depends on: whatever else a file
        says, in whatever dialect of microscopes and cameras, is never looked at.
        """
        import tifffile  # noqa: PLC0415 -- optional

        flags = {"is_lsm": False, "is_ndpi": False, "is_scanimage": False}
        with tifffile.TiffFile(io.BytesIO(self._bare()), name="raster.tif", **flags) as file:
            decode: Callable[..., Any] = file.pages[0].decode
        return decode

    def _bare(self) -> bytes:
        """Return a TIFF of a directory with the tags that decoding depends on, and without pixels."""
        directory, form, layout = self._directory, self._directory.form, self.layout
        tiled, count = layout.tiled, len(layout.offsets)
        lines = {tag: (line.kind, line.count, directory.data(tag)) for tag, line in directory.lines.items()}
        found = {tag: lines[tag] for tag in DECODING if tag in lines}
        for tag in (tags.TILES, tags.TILE_BYTES) if tiled else (tags.STRIPS, tags.STRIP_BYTES):
            found[tag] = (4, count, bytes(4 * count))
        room, begin = form.place.size, 16 if form.big else 8
        at = begin + form.count.size + len(found) * form.line.size + room
        body = bytearray()
        written = form.count.pack(len(found))
        for tag, (kind, number, data) in sorted(found.items()):
            value = data.ljust(room, b"\0")
            if len(data) > room:
                value = form.place.pack(at + len(body))
                body += data + bytes(len(data) % 2)
            written += form.line.pack(tag, kind, number, value)
        head = self._source.read(0, 8 if form.big else 4) + form.place.pack(begin)
        return head + written + bytes(room) + bytes(body)


def _check_jpeg(data: bytes, size: tuple[int, int], index: int) -> None:
    """Refuse a JPEG that is larger than its segment, or paints it again and again.

    Raises
    ------
    UnusableError
        It is, or does.
    """
    scans = 0
    for marker, place in markers(io.BytesIO(data)):
        if marker in FRAMES:
            height, width = (int.from_bytes(data[place + start : place + start + 2], "big") for start in (3, 5))
            if width > size[0] or height > size[1]:
                raise UnusableError("corrupt", f"segment {index:,} is damaged (it has {width} x {height} px)")
        scans += marker == 0xDA
        if scans > MOST_SCANS:
            raise UnusableError("corrupt", f"segment {index:,} paints its pixels more than {MOST_SCANS:,} times")
