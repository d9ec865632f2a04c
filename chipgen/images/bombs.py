"""Small files that take long, or much memory: refused by their structure before any of it is unpacked.

Pillow stops at too many pixels. It does not stop where pixels are few but work is much: a JPEG that paints the same
picture ten thousand times, a PNG with thousands of compressed remarks, a TIFF whose only tile is larger than it, or
with a list of millions of strips, a portable map of a million comments. The limits here are far beyond what cameras
and programs write. The checksums of a PNG are verified on the way, because its decoder passes over those of the pixels.
"""

from __future__ import annotations

import itertools
import os
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from chipgen.errors import UnusableError
from chipgen.images.directories import check_directories
from chipgen.images.kinds import GIF, JPEG, PLAIN_MAPS, PNG, RIFF, TIFF

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20

BYTES_A_PIXEL = 16
ALLOWANCE = 64 << 20
"""A file has at most so many bytes for each pixel allowed, and these for what else is in it: whatever takes time in
proportion to the length of a file has an end."""

WEBP_BYTES_A_PIXEL = 4
"""The same for WebP, which is held in memory whole."""

MOST_SCANS = 500
"""Passes over the pixels of a JPEG; a progressive one has about ten."""

MOST_PACKED = 1000
"""Compressed remarks in a PNG, of which each may unpack to a megabyte."""
PACKED = {b"iCCP", b"zTXt", b"iTXt"}

MOST_COMMENTS = 1000
"""Comments in a portable map; Pillow copies the rest of a block for each."""

MOST_HEAD = 16 << 20
"""Bytes before the pixels. Pillow joins the EXIF data of a JPEG piece by piece, in quadratic time."""
MOST_GIF_HEAD = 4 << 20
"""The same for GIF, where older versions of Pillow do so with pieces of 255 bytes."""

MARKER = re.compile(rb"\xff[^\x00\xff]")


def head_limit(head: bytes) -> int | None:
    """Return how many bytes may be read before the pixels; None for TIFF and WebP, which may hold everything there."""
    if head.startswith(GIF):
        return MOST_GIF_HEAD
    return None if head.startswith((*TIFF, RIFF)) else MOST_HEAD


def refuse_bombs(file: BinaryIO, head: bytes, max_pixels: int) -> None:
    """Refuse a file that would take more time or memory than its pixels.

    Parameters
    ----------
    file
        The file; it is left at some place.
    head
        Its first bytes.
    max_pixels
        As many pixels as an image may have.

    Raises
    ------
    UnusableError
        It would; or it is a PNG and damaged.
    """
    length = file.seek(0, os.SEEK_END)
    most = (WEBP_BYTES_A_PIXEL if head.startswith(RIFF) else BYTES_A_PIXEL) * max_pixels + ALLOWANCE
    if length > most:
        what = f"is a file of {length:,} bytes, more than {max_pixels:,} px can need; raise --max-pixels"
        raise UnusableError("too_large", what)
    file.seek(0)
    if head.startswith(PNG):
        _check_chunks(file, length)
    elif head.startswith(JPEG):
        _count_scans(file)
    elif head.startswith(TIFF):
        check_directories(file, max_pixels)
    elif head.startswith(PLAIN_MAPS) and sum(block.count(b"#") for block in _blocks(file)) > MOST_COMMENTS:
        raise UnusableError("corrupt", f"has more than {MOST_COMMENTS:,} comments")


def _blocks(file: BinaryIO, length: int | None = None) -> Iterator[bytes]:
    """Yield the next bytes of a file, a megabyte at a time."""
    while (length is None or length > 0) and (block := file.read(BLOCK if length is None else min(BLOCK, length))):
        yield block
        length = None if length is None else length - len(block)


def _check_chunks(file: BinaryIO, length: int) -> None:
    """Walk through a PNG: its checksums, its end, and how much of it is compressed remarks."""
    at, packed, name = file.seek(len(PNG)), 0, b""
    while name != b"IEND":
        head = file.read(8)
        if len(head) < 8 or at + 12 + (size := int.from_bytes(head[:4], "big")) > length:
            raise UnusableError("corrupt", f"ends in the middle of a chunk (byte {at:,})")
        name = head[4:]
        packed += name in PACKED
        if packed > MOST_PACKED:
            raise UnusableError("corrupt", f"has more than {MOST_PACKED:,} compressed remarks")
        found = zlib.crc32(name)
        for block in _blocks(file, size):
            found = zlib.crc32(block, found)
        if found != int.from_bytes(file.read(4), "big"):
            raise UnusableError("corrupt", f"the checksum of a chunk is wrong ({name!r} at byte {at:,})")
        at += 12 + size


def _count_scans(file: BinaryIO) -> None:
    """Count the passes of a JPEG over its pixels: exactly, where their marks are so many that it could matter."""
    last, marks = b"", 0
    for block in _blocks(file):
        marks += block.count(b"\xff\xda") + (last == b"\xff" and block.startswith(b"\xda"))
        last = block[-1:]
    if marks > MOST_SCANS:
        scans = (marker for marker, _ in markers(file) if marker == 0xDA)
        if len(list(itertools.islice(scans, MOST_SCANS + 1))) > MOST_SCANS:
            raise UnusableError("corrupt", f"paints its pixels more than {MOST_SCANS:,} times")


def markers(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the markers of a JPEG up to its end and where each ends, as its decoder finds them.

    What segments hold is passed over.
    """
    block, start, place = b"", 0, 2
    while True:
        found = MARKER.search(block, place - start) if place - start < len(block) else None
        if found is None:
            place = max(place, start + len(block) - 1)  # the last byte may be the first of a marker
            block, start = _from(file, place), place
            if len(block) < 2:
                return
            continue
        place, marker = start + found.end(), found.group()[1]
        yield marker, place
        if marker == 0xD9:
            return
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:  # others are followed by a length and what it counts
            if place + 2 > start + len(block):
                block, start = _from(file, place), place
            place += int.from_bytes(block[place - start : place - start + 2], "big")


def _from(file: BinaryIO, place: int) -> bytes:
    """Return a block of a file that begins at some place."""
    file.seek(place)
    return file.read(BLOCK)


__all__ = ["MOST_SCANS", "head_limit", "markers", "refuse_bombs"]
