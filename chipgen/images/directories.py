"""The directories of a TIFF, looked at before Pillow makes a Python object of each of their numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value, by type."""
NUMBERS = frozenset(SIZES) - {1, 2, 6, 7}
"""Types of which every value becomes an object."""

STRIPS = frozenset({273, 279, 324, 325})
"""Tags whose values become objects whatever their type: where strips and tiles are, and how long."""
TILE_WIDTH, TILE_HEIGHT = 322, 323
FURTHER = frozenset({34665, 34853, 40965})
"""Tags that lead to a further directory which Pillow reads: EXIF, GPS, interoperability."""

MOST_LINES = 65_535
MOST_DIRECTORIES = 8
MOST_VALUES = 1 << 18
"""Of one tag; an image of 100,000 rows has at most as many strips."""
MOST_BYTES = 256 << 20
"""That the values of a directory may take together."""

Line = tuple[int, int, int, int]
"""Tag, type, number of values, and the value or where it stands."""


def check_directories(file: BinaryIO, max_pixels: int) -> None:
    """Refuse a TIFF whose first page has a list too long, or a tile too large, for any image; see `refuse_bombs`."""
    head = file.read(16)
    order, big = ("<" if head[:2] == b"II" else ">"), 43 in head[2:4]
    at = head[8:16] if big else head[4:8]
    if len(at) != (8 if big else 4):
        return
    ahead = [int.from_bytes(at, "little" if order == "<" else "big")]
    for _ in range(MOST_DIRECTORIES):
        if ahead:
            lines = list(_lines(file, ahead.pop(), order, big=big))
            check_lines(lines, max_pixels)
            ahead.extend(value for tag, _, _, value in lines if tag in FURTHER)


def _lines(file: BinaryIO, start: int, order: str, *, big: bool) -> Iterator[Line]:
    """Yield the lines of a directory, as many as there are in the file."""
    line, number = struct.Struct(order + ("HHQQ" if big else "HHII")), struct.Struct(order + ("Q" if big else "H"))
    if start >= 1 << 62:
        return
    file.seek(start)
    head = file.read(number.size)
    if len(head) < number.size:
        return
    (count,) = number.unpack(head)
    if count > MOST_LINES:
        raise UnusableError("corrupt", f"has a directory of {count:,} lines")
    data = file.read(count * line.size)
    for tag, kind, values, value in line.iter_unpack(data[: len(data) // line.size * line.size]):
        short = order == ">" and SIZES.get(kind, 8) < (8 if big else 4)
        yield tag, kind, values, value >> 8 * ((8 if big else 4) - SIZES[kind]) if short else value


def check_lines(lines: list[Line], max_pixels: int) -> None:
    """Refuse a directory with a list too long, or a tile too large, for any image.

    Raises
    ------
    UnusableError
        It has one.
    """
    tile = {tag: value for tag, kind, count, value in lines if tag in {TILE_WIDTH, TILE_HEIGHT}}
    if tile.get(TILE_WIDTH, 0) * tile.get(TILE_HEIGHT, 0) > max_pixels:
        raise UnusableError("too_large", f"has tiles of more than {max_pixels:,} px; raise --max-pixels")
    for tag, kind, count, _ in lines:
        if count > MOST_VALUES and (kind in NUMBERS or tag in STRIPS):
            raise UnusableError("corrupt", f"has a list of {count:,} numbers (tag {tag})")
    if sum(SIZES.get(kind, 0) * count for _, kind, count, _ in lines) > MOST_BYTES:
        raise UnusableError("corrupt", f"has tags of more than {MOST_BYTES >> 20} MB")
