"""The directories of a TIFF that may show its picture, at full size or reduced, as they lie in the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import UnusableError
from chipgen.images.directories import MOST_LINES, SIZES, check_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chipgen.boxes import Ints
    from chipgen.images.rasters.source import Source

MOST_DIRECTORIES = 64
"""Looked at: the picture, its reductions, and what else lies before them."""

REDUCED, SUBDIRECTORIES = 254, 330
"""Tags: what kind of picture this is (bit 0: a reduced one), and where further directories stand."""

CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
"""Whole numbers, by type."""


@dataclass(frozen=True)
class Form:
    """How numbers are written in a file.

    Parameters
    ----------
    order
        ``<`` or ``>``.
    big
        Whether places are written in 8 bytes, not in 4.
    """

    order: str
    big: bool

    @property
    def place(self) -> struct.Struct:
        """Return how a place in the file is written."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        """Return how the number of lines of a directory is written."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def line(self) -> struct.Struct:
        """Return how a line of a directory is written: tag, type, number of values, room for a place."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))


@dataclass(frozen=True)
class Line:
    """One line of a directory.

    Parameters
    ----------
    kind, count
        Type and number of the values.
    room
        The values, or where they are.
    """

    kind: int
    count: int
    room: bytes


@dataclass(frozen=True)
class Directory:
    """One directory.

    Parameters
    ----------
    source, form
        The file, and how it is written.
    lines
        By tag; the first of several with one tag.
    following
        Where the next directory stands; 0 for nowhere.
    """

    source: Source
    form: Form
    lines: Mapping[int, Line]
    following: int

    def data(self, tag: int) -> bytes:
        """Return the values of a tag as they lie in the file, none where it is not there."""
        line = self.lines.get(tag)
        if line is None:
            return b""
        size = SIZES.get(line.kind, 0) * line.count
        return (
            line.room[:size] if size <= len(line.room) else self.source.read(self.form.place.unpack(line.room)[0], size)
        )

    def numbers(self, tag: int) -> Ints:
        """Return the values of a tag that are whole numbers, shape ``(N,)``, int64; none where there are none."""
        line = self.lines.get(tag)
        if line is None or line.kind not in CODES:
            return np.zeros(0, dtype=np.int64)
        return np.frombuffer(self.data(tag), dtype=self.form.order + CODES[line.kind]).astype(np.int64)

    def number(self, tag: int, default: int = 0) -> int:
        """Return the only or the first value of a tag."""
        numbers = self.numbers(tag)
        return int(numbers[0]) if len(numbers) else default


def directories(source: Source, max_pixels: int) -> Iterator[Directory]:
    """Yield the first directory, those below it, and those that follow it.

    Parameters
    ----------
    source
        A TIFF.
    max_pixels
        As many as a tile may have; see `chipgen.images.directories`.

    Raises
    ------
    UnusableError
        One of them is cut short, or longer than any picture needs.
    """
    head = source.read(0, 8)
    form = Form("<" if head[:2] == b"II" else ">", 43 in head[2:4])
    (at,) = form.place.unpack(source.read(8, 8) if form.big else head[4:])
    seen: set[int] = set()
    ahead = [at]
    while ahead and len(seen) < MOST_DIRECTORIES:
        at = ahead.pop(0)
        if at == 0 or at in seen:
            continue
        first = not seen
        seen.add(at)
        found = _directory(source, form, at, max_pixels)
        yield found
        if first:
            ahead += found.numbers(SUBDIRECTORIES)[:MOST_DIRECTORIES].tolist()
        ahead.append(found.following)


def _directory(source: Source, form: Form, at: int, max_pixels: int) -> Directory:
    """Read one directory."""
    (count,) = form.count.unpack(source.read(at, form.count.size))
    if count > MOST_LINES:
        raise UnusableError("corrupt", f"has a directory of {count:,} lines")
    at += form.count.size
    data = source.read(at, count * form.line.size)
    lines: dict[int, Line] = {}
    for tag, kind, values, room in form.line.iter_unpack(data):
        lines.setdefault(tag, Line(kind, values, room))
    end = at + len(data)
    following = form.place.unpack(source.read(end, form.place.size))[0] if end + form.place.size <= source.length else 0
    found = Directory(source, form, lines, following)
    check_lines([(tag, line.kind, line.count, _first(found, tag)) for tag, line in lines.items()], max_pixels)
    return found


def _first(directory: Directory, tag: int) -> int:
    """Return the value of a tag that has one and fits its line, else 0: what a check of sizes needs."""
    return directory.number(tag) if directory.lines[tag].count == 1 else 0
