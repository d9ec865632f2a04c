"""The three sections of a COCO file, cut into entries that are not yet looked into."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from chipgen.coco import explain
from chipgen.loose_json import ESCAPED, REFUSALS
from chipgen.raw_entries import RawEntries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Ints
    from chipgen.raw_entries import Text

BOM = b"\xef\xbb\xbf"
NAMES = tuple(b'"%b"' % name.encode() for name in explain.SECTIONS)
LETTERS = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""How such a letter itself is written, which nobody does."""
GAP = re.compile(rb"[, \t\n\r]*")
"""What stands between two entries of a list."""
WIDEST = 64
"""Bytes between two entries that a program writes at most: a comma, a new line, and spaces."""
IS_BETWEEN = np.isin(np.arange(256), list(b", \t\n\r"))
"""The same as a table, shape ``(256,)``."""
BLOCK = 1 << 20
"""Bytes looked at a time."""


class File(msgspec.Struct, gc=False):
    """What the program needs of a file."""

    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: list[msgspec.Raw]

    @property
    def sections(self) -> tuple[list[msgspec.Raw], ...]:
        """Return the entries of the three sections."""
        return self.images, self.annotations, self.categories


class Sections(NamedTuple):
    """The entries of the three sections, in the order of the file."""

    images: RawEntries
    annotations: RawEntries
    categories: RawEntries


def read_sections(data: bytes) -> Sections | None:
    """Cut a file into entries, or return None for one that only the slow pass can read.

    A section named twice is not noticed, for that depends on the entries: see `stands_twice`.
    """
    # Each look is slower than the one before, and most files end the matter at the first.
    escapes = b"\\" in data and ESCAPED in data and any(letter in data for letter in LETTERS)
    if escapes or not _is_utf8(data):
        return None
    try:
        file = msgspec.json.decode(data, type=File)
    except REFUSALS:
        return None
    return Sections(*(located(data, raws) for raws in file.sections))


def explained_sections(data: bytes, path: str) -> Sections:
    """Cut a file into entries by the slow pass, which writes each of them again.

    Raises
    ------
    DataError
        The file is no JSON, not UTF-8, or its sections are missing or wrong.
    """
    return Sections(*map(RawEntries.of, explain.sections(data, path)))


def stands_twice(data: Text, sections: Sections, *, in_entries: bool) -> bool:
    """Tell whether the name of a section may stand twice in a file, so that JSON readers would silently keep one.

    Parameters
    ----------
    data
        The file.
    sections
        Its sections.
    in_entries
        Whether an entry may hold such a name; if none does, only what stands between the sections is looked at.
    """
    parts = [(0, len(data))] if in_entries else list(_outside(data, sections))
    return any(sum(data.count(name, *part) for part in parts) > 1 for name in NAMES)


def _outside(data: Text, sections: Sections) -> Iterator[tuple[int, int]]:
    """Yield the parts of a file before, between and after the entries of its sections."""
    end = 0
    for first, stop in sorted((int(raws.start[0]), int(raws.stop[-1])) for raws in sections if len(raws)):
        yield end, first
        end = stop
    yield end, len(data)


def _is_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8, without holding all of them as text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if not data.isascii():
            for start in range(0, len(data), BLOCK):
                decoder.decode(data[start : start + BLOCK])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def located(data: bytes, raws: list[msgspec.Raw]) -> RawEntries:
    """Return where entries of one list stand in their file; copies of them where they are no views of it."""
    if not raws:
        return RawEntries.of(())
    size = np.fromiter(map(len, raws), dtype=np.int64, count=len(raws))
    first = _address(raws[0]) - _address(data)
    if not 0 <= first < len(data):
        return RawEntries.of(map(bytes, raws))
    start = _evenly(data, first, size)
    if start is None:
        start = _one_by_one(data, first, size)
    return RawEntries(data, start, start + size)


def _address(buffer: bytes) -> int:
    """Return where bytes lie in memory."""
    return int(np.frombuffer(buffer, dtype=np.uint8).ctypes.data)


def _evenly(data: bytes, first: int, size: Ints) -> Ints | None:
    """Return where entries start if as much stands between all of them, as in every file a program wrote."""
    stop = first + int(size[0])
    gap = _next(data, stop) - stop
    start = first + np.concatenate(([0], np.cumsum(size[:-1] + gap)), dtype=np.int64)
    if gap > WIDEST or start[-1] + size[-1] > len(data):
        return None
    text, stops = np.frombuffer(data, dtype=np.uint8), (start + size)[:-1]
    is_even = not IS_BETWEEN[text[start]].any() and all(IS_BETWEEN[text[stops + step]].all() for step in range(gap))
    return start if is_even else None


def _one_by_one(data: bytes, first: int, size: Ints) -> Ints:
    """Return where entries start when more stands between some of them than between others."""
    start = np.empty_like(size)
    at = first
    for row, length in enumerate(size.tolist()):
        start[row] = at
        at = _next(data, at + length)
    return start


def _next(data: bytes, at: int) -> int:
    """Return where the next entry starts, looking from where the last one stopped."""
    match = GAP.match(data, at)
    return match.end() if match else at
